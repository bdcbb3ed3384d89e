/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cdi_hook: what NVIDIA's CDI hooks would do, done without them.
 *
 *   create-symlinks                    links of the plan
 *   update-ldcache                     a library's own name becomes a link
 *                                      beside it and in GPU_PLAN_LIBS; a
 *                                      directory joins the library path
 *   enable-cuda-compat                 nvidia_add_compat()
 *   disable-device-node-modification   /proc/driver/nvidia/params masked
 *   update-application-profile         a file for EGL and Vulkan that names the
 *                                      GPUs whose nodes the plan has
 *
 * Threads: one at a time, for one plan.
 */
#include <stddef.h>

#include <jansson.h>

struct error;
struct gpu_host;
struct gpu_image;
struct gpu_plan;

/* A library that CDI mounts, as hooks need to know it. */
struct cdi_hook_library {
	char *path; /* in the root */
	char *soname;
};

struct cdi_hook_libraries {
	struct cdi_hook_library *items;
	size_t count;
};

/** cdi_hook_libraries_add() - 0, -EFBIG, -ENOMEM */
int cdi_hook_libraries_add(struct cdi_hook_libraries *libraries,
			   const char *path, const char *soname);
void cdi_hook_libraries_fini(struct cdi_hook_libraries *libraries);

/**
 * cdi_hook_add() - do one hook, or note that it is not done
 * @hook:      checked by cdi_spec
 * @libraries: of all that the plan mounts
 *
 * Return: 0, -EBADMSG (its arguments make no sense), -EFBIG, -ENOMEM.
 */
int cdi_hook_add(const json_t *hook, const struct gpu_host *host,
		 const struct gpu_image *image,
		 const struct cdi_hook_libraries *libraries,
		 struct gpu_plan *plan, struct error *err);
