/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_vendor: what NVIDIA's and AMD's drivers have in common for a plan:
 * programs, files and the libraries that images may have themselves.
 *
 * Threads: one at a time, for one plan.
 */
struct error;
struct gpu_host;
struct gpu_image;
struct gpu_solib_set;
struct gpu_list;
struct gpu_plan;

/**
 * gpu_vendor_add_files() - the list's programs, at /usr/bin, and its files
 *
 * Programs are searched where distributions have them, not in the caller's
 * PATH.  What the host lacks is left out.  Return: 0, -EFBIG, -ENOMEM.
 */
int gpu_vendor_add_files(const struct gpu_host *host,
			 const struct gpu_list *list, struct gpu_plan *plan);

/**
 * gpu_vendor_add_libraries() - the libraries that a job of this driver needs
 * @version: of the driver; "": not known.  Libraries of another version are
 *           left out
 * @neutral: beginnings of names that belong to no driver (GLVND, OpenCL):
 *           they come from the host only where the image lacks them, since the
 *           host's may need a newer C library than the image's; NULL-ended
 *
 * Return: 0, -EFBIG, -ENOMEM.
 */
int gpu_vendor_add_libraries(const struct gpu_solib_set *set,
			     const char *version, const char *const *neutral,
			     const struct gpu_image *image,
			     struct gpu_plan *plan);

/** gpu_vendor_add_node() - /dev/..., if the host has it; 0, -EFBIG, -ENOMEM */
int gpu_vendor_add_node(const struct gpu_host *host, const char *path,
			struct gpu_plan *plan);
