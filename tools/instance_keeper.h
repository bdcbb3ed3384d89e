/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_keeper: the process of an instance: keeps an image mounted and lets
 * others of the user join.
 *
 * It ends on `instance stop` or SIGTERM, after an idle time, and with what it
 * is tied to: the root's process 1, the session's leader, the caller's end of a
 * pipe. When it ends, however it does, the mount is gone, and jobs that joined
 * are killed by their own callers.
 *
 * Threads: the main one; the mount is served by another (job_service.h).
 */
#include <stdbool.h>
#include <stdint.h>

struct error;
struct job_kept;

struct instance_keeper_options {
	const char *name;	/* NULL: made from the pid */
	const char *cache_path; /* where the log is, for `list` */
	uint64_t idle_ms;	/* 0: no limit */
	int leader_fd;		/* pidfd of the session's leader: an idle
				   instance ends with it; -1: none */
	int lifeline_fd;	/* its end of file ends the instance; -1 */
	bool is_exclusive;	/* none where the image is kept already */
	/* Others can join now. */
	int (*ready)(void *arg, const struct job_kept *kept, int log_fd,
		     struct error *err);
	void *arg;
};

/**
 * instance_keeper_serve() - publish, serve until the end, clean up
 *
 * Return: 0; -EEXIST (see is_exclusive, or the name is taken), other negative
 * errno with @err.
 */
int instance_keeper_serve(const struct instance_keeper_options *options,
			  const struct job_kept *kept, struct error *err);
