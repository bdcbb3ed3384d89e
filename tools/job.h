/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job: a command run inside an image, from reference to exit status.
 *
 * The runner is forked first, before any thread; it makes its namespaces and
 * mounts while this process resolves the image.  Then this process serves the
 * mount on a thread of its own, sends the job, and waits: the job is its first
 * child.  Background processes of the job keep their root until the last one
 * ends: only then does the FUSE session end.
 */
#include "tools/job_command.h"

#include <stdbool.h>

struct error;
struct job_options;

struct job {
	const struct job_options *options; /* settled */
	const char *command;		   /* "exec", "run" ... */
	const char *image;		   /* the user's reference */
	char **arguments;		   /* behind the image, NULL-ended */
	job_command_fn *choose;
	bool prefers_image_cwd; /* config.WorkingDir before the caller's */
};

/**
 * job_run() - run it
 *
 * When the job dies by a signal and there is no PID namespace, this process
 * dies by the same signal, as apptainer does; with one it exits 128 + n.
 *
 * Return: the exit status (the command's own, 125 to 127 as run.h says), or
 * negative errno with @err (125).
 */
int job_run(const struct job *job, struct error *err);
