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
#include <sys/types.h>

struct error;
struct fs_server;
struct job_hints;
struct job_options;
struct run_guard;
struct session;

/* What is kept for others; all borrowed. */
struct job_kept {
	struct session *session;
	struct fs_server *server;
	const struct run_guard *guard; /* for the marks of those who join */
	struct job_hints *hints;       /* follows what is read; NULL: off */
	int image_fd;		       /* of run_open_image() */
	int root_fd;		       /* of run_open_root(); -1: none */
	pid_t root_pid;
	const char *environment; /* of a job in that root: each ended by NUL */
	size_t environment_size;
	bool has_pid_namespace;
	bool has_ipc_namespace;
};

/* Instead of a command: an image, or a root, is kept until serve() returns. */
struct job_keeper {
	bool has_root;
	int (*serve)(void *arg, const struct job_kept *kept, struct error *err);
	void *arg;
};

struct job {
	const struct job_options *options; /* settled */
	const char *command;		   /* "exec", "run" ... */
	const char *image;		   /* the user's reference */
	char **arguments;		   /* behind the image, NULL-ended */
	job_command_fn *choose;
	bool prefers_image_cwd; /* config.WorkingDir before the caller's */
	const struct job_keeper *keeper; /* NULL: execute and wait */
};

/**
 * job_run() - run it
 *
 * When the job dies by a signal and there is no PID namespace, this process
 * dies by the same signal, as apptainer does; with one it exits 128 + n.
 *
 * An image that an instance keeps is joined (job_join.h); when the instance
 * dies, the job is killed (125).
 *
 * Return: the exit status (the command's own, 125 to 127 as run.h says), or
 * negative errno with @err (125).
 */
int job_run(const struct job *job, struct error *err);
