/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * spank_instance: the instance of lazyrun that a step has on a node, as a child
 * of slurmstepd: it mounts the image, makes the root, and stays until its
 * standard input is closed, or slurmstepd is killed.
 *
 * Threads: one at a time; slurmstepd has several.
 */
#include <slurm/spank.h>
#include <sys/types.h>

enum { SPANK_INSTANCE_ERROR_SIZE = 1024 };

struct spank_instance {
	pid_t pid;	 /* -1: none */
	int lifeline_fd; /* its standard input */
	int user_fd;	 /* namespaces of a process in the root */
	int mount_fd;
	char failure[SPANK_INSTANCE_ERROR_SIZE]; /* "": none */
};

#define SPANK_INSTANCE_INIT                                                    \
	{                                                                      \
		.pid = -1, .lifeline_fd = -1, .user_fd = -1, .mount_fd = -1    \
	}

/**
 * spank_instance_start() - start it as the job's user, wait until it is ready
 *
 * The step's environment becomes that of a job in the image.  A failure is kept
 * in @instance->failure, in a sentence: a task is to tell it, since slurm 22.05
 * drains the node when slurm_spank_user_init() fails.
 */
void spank_instance_start(struct spank_instance *instance, spank_t spank);

/** spank_instance_end() - end it, and wait for that; five seconds at most, then
 * it is killed */
void spank_instance_end(struct spank_instance *instance);
