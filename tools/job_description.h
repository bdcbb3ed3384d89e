/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_description: what the runner is told of a job: the run_job that its
 * options, its image and this host's GPUs come to.
 *
 * Threads: one at a time.
 */
#include "tools/gpu_setup.h"
#include "tools/job_environment.h"

struct error;
struct image_ref;
struct job;
struct job_hot;
struct job_image;
struct job_layers;
struct job_mounts;
struct run_job;

/* What it is made of; all borrowed, as long as the run_job is used. */
struct job_description_parts {
	const struct job *job;
	const struct image_ref *ref;
	const struct job_image *image;
	const struct job_mounts *mounts;
	const struct job_layers *layers; /* started */
	const struct job_hot *hot;	 /* opened, or all zero */
	const char *const *argv;
};

/* What a run_job points to; starts as = { 0 }. */
struct job_description {
	struct job_environment environment;
	struct gpu_setup gpu;
	char *hostname_text; /* of the file; NULL: none */
	struct run_file hostname_file;
};

/**
 * job_description_fill() - describe it
 * @ret:     to job_description_fini() even after a failure
 * @ret_job: points into @ret and what @parts lend
 *
 * Return: 0, -EINVAL (a variable, a GPU that is not there), -ENOMEM ... with
 * @err.
 */
int job_description_fill(const struct job_description_parts *parts,
			 struct job_description *ret, struct run_job *ret_job,
			 struct error *err);
void job_description_fini(struct job_description *description);
