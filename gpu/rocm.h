/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rocm: what --rocm means: AMD's libraries, programs and devices.
 *
 * Threads: one at a time, for one plan.
 */
struct error;
struct gpu_host;
struct gpu_image;
struct gpu_options;
struct gpu_plan;

/**
 * rocm_add() - libraries and programs of rocmliblist.conf; /dev/kfd, /dev/dri
 *
 * ROCm images bring their own libraries, and the host's are compatible with
 * few of them: one that the image has stays the image's.
 *
 * Errors as gpu_make_plan().
 */
int rocm_add(const struct gpu_options *options, const struct gpu_host *host,
	     const struct gpu_image *image, struct gpu_plan *plan,
	     struct error *err);
