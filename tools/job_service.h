/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_service: the mount of a runner, served on a thread of its own.
 *
 * Threads: one at a time; starts the reader thread "fuse".
 */
#include "common/error.h"

#include <pthread.h>
#include <stdbool.h>

struct fs_server;
struct fs_server_options;
struct session;

/* Starts as = { 0 }. */
struct job_service {
	struct fs_server *server; /* NULL until started */
	pthread_t thread;
	bool is_running;
	int result; /* of the thread, once joined */
	struct error err;
};

/**
 * job_service_start() - serve a mount that a runner made
 * @session:  opened as far as SESSION_LOADER; must outlive the service
 * @fuse_fd:  taken over, on failure too
 * @maps_ids: run_maps_ids()
 * @options:  who observes what; how ids are shown is not theirs to say
 *
 * Return: 0, -EIO, -ENOMEM, -EAGAIN (no thread).
 */
int job_service_start(struct job_service *service, struct session *session,
		      int fuse_fd, bool maps_ids,
		      const struct fs_server_options *options,
		      struct error *err);

/** job_service_join() - until nobody holds the mount any more; a failed
 * session is logged */
void job_service_join(struct job_service *service);

/** job_service_fini() - stop, if it still runs, and free */
void job_service_fini(struct job_service *service);
