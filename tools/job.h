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
#include "tools/command.h"
#include "tools/gpu_option.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct image_config;
struct index_file;

struct job_options {
	struct common_options common;
	struct option_list binds;
	struct option_list env;
	struct gpu_option gpu;
	const char *cwd;
	const char *shell;
	const char *entrypoint;
	const char *profile;	/* NULL, "auto", "off", or a file */
	const char *statistics; /* file for a line of JSON at the end */
	uint64_t writable_size;
	bool clean_env;
	bool no_home;
	bool use_pid;
	bool use_ipc;
	bool writable_tmpfs;
};

/* The image, as a command needs it to choose what to execute. */
struct job_image {
	const struct index_file *index;
	const struct image_config *config;
};

/*
 * Chooses the job's argument vector.
 * @arguments: the user's words behind the image, NULL-ended
 * @ret_argv:  malloc'ed array of borrowed words, NULL-ended; the caller frees
 */
typedef int job_choose_fn(const struct job_options *options,
			  const struct job_image *image, char **arguments,
			  const char ***ret_argv, struct error *err);

struct job {
	const struct job_options *options;
	const char *image; /* the user's reference */
	char **arguments;  /* behind the image, NULL-ended */
	job_choose_fn *choose;
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
