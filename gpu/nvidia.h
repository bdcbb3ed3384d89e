/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nvidia: what --nv means.
 *
 * Threads: one at a time, for one plan.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct gpu_host;
struct gpu_image;
struct gpu_solib_set;
struct gpu_list;
struct gpu_options;
struct gpu_plan;

enum { NVIDIA_VERSION_SIZE = 64 };

/** nvidia_add() - libraries, programs, files, sockets and devices; errors as
 * gpu_make_plan() */
int nvidia_add(const struct gpu_options *options, const struct gpu_host *host,
	       const struct gpu_image *image, struct gpu_plan *plan,
	       struct error *err);

/**
 * nvidia_load_version() - the driver's version: "550.54.14"
 * @libraries: of the host, for one whose kernel does not say; NULL: none
 * @ret:       "" when there is no driver
 */
void nvidia_load_version(const struct gpu_host *host,
			 const struct gpu_solib_set *libraries,
			 char ret[NVIDIA_VERSION_SIZE]);

/** nvidia_load_list() - nvliblist.conf, as gpu_list_load() */
int nvidia_load_list(const struct gpu_host *host, struct gpu_list *ret,
		     struct error *err);

/**
 * nvidia_add_compat() - the image's CUDA forward-compatibility libraries come
 * first when they are of a newer driver than the host's
 * @version: of the host's driver; 0, -EFBIG, -ENOMEM
 */
int nvidia_add_compat(const char *version, const struct gpu_image *image,
		      struct gpu_plan *plan);
