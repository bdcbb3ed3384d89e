/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_image: what is asked of the image while its GPUs are planned.
 *
 * The answers come from whoever knows the image: tools/ asks the index, or a
 * directory that is the image.
 *
 * Threads: those of the functions that are given.
 */
#include <stdbool.h>

/* One name of a directory; returns 0 to go on. */
typedef int gpu_image_visit_fn(void *arg, const char *name);

struct gpu_image {
	void *arg;
	/* whether there is something at @path, links followed */
	bool (*has)(void *arg, const char *path);
	/* each name in a directory, which need not exist; returns 0, what
	 * @visit returned, or negative errno */
	int (*list)(void *arg, const char *path, gpu_image_visit_fn *visit,
		    void *visit_arg);
};

/**
 * gpu_image_has_library() - whether the image's dynamic linker would find it
 * @name: "libOpenCL.so.1"
 *
 * Looked for where distributions keep libraries.  What is found by an RPATH or
 * by LD_LIBRARY_PATH only does not count.
 */
bool gpu_image_has_library(const struct gpu_image *image, const char *name);

/**
 * gpu_image_get_compat() - the driver version of the image's CUDA
 * forward-compatibility libraries
 *
 * That of the one /usr/local/cuda/compat/libcuda.so.VERSION; 0 without one,
 * or with several.
 *
 * Return: the major number.
 */
unsigned gpu_image_get_compat(const struct gpu_image *image);

#define GPU_IMAGE_COMPAT_DIR "/usr/local/cuda/compat"
