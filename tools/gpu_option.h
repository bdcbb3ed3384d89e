/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_option: --nv, --rocm, --gpus and --device of a job, made into a plan.
 *
 * Threads: one at a time.
 */
#include "tools/option.h"

#include <stdbool.h>
#include <stddef.h>

struct error;
struct gpu_plan;
struct index_file;

struct gpu_option {
	bool use_nvidia;
	bool use_rocm;
	const char *gpus; /* docker's: "all", "2", "device=0,1"; NULL: none */
	struct option_list devices;   /* of CDI */
	struct option_list cdi_dirs;  /* DIR[,DIR] */
	struct option_list libraries; /* directories */
	const char *driver_root;
};

void gpu_option_fini(struct gpu_option *option);

/* The image, as far as anybody knows it; either may be NULL. */
struct gpu_option_image {
	const struct index_file *index;
	const char *directory; /* of the host, which is the image */
};

/**
 * gpu_option_plan() - what the options need of the host
 * @has_own_dev: the job has a /dev of its own
 * @ret:         untouched when no option was given; the caller's, to
 *               gpu_plan_destroy()
 *
 * What the plan has to say is logged as warnings.
 *
 * Return: 0 or as gpu_make_plan(); -EINVAL for --gpus.
 */
int gpu_option_plan(const struct gpu_option *option,
		    const struct gpu_option_image *image, bool has_own_dev,
		    struct gpu_plan **ret, struct error *err);

enum { GPU_OPTION_NAMES_SIZE = 4096 };

/**
 * gpu_option_parse_gpus() - docker's --gpus as NVIDIA_VISIBLE_DEVICES
 * @text: "all", "none", "2", "count=2", "device=0,GPU-...", with
 *        "capabilities=..." and "driver=nvidia" beside; quotes are dropped
 *
 * Return: 0, -EINVAL.
 */
int gpu_option_parse_gpus(const char *text, char ret[GPU_OPTION_NAMES_SIZE],
			  struct error *err);
