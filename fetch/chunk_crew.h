/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_crew: the threads of a loader, a scheduler and workers, started when
 * first needed: a run that finds everything at hand needs none.  Internal to
 * the loader.
 *
 * Threads: chunk_crew_start() from any thread.
 */
#include "common/thread.h"

#include <pthread.h>
#include <stdbool.h>

struct chunk_parts;
struct chunk_worker;
struct error;

enum { CHUNK_CREW_WORKERS_MAX = 16 };

struct chunk_crew {
	/* immutable */
	struct chunk_parts *parts;
	unsigned wanted; /* workers for reads; half as many behind the job */
	bool is_started; /* atomic; is never taken back */

	/* Held while threads are made: others who want them wait. */
	struct mutex lock;
	/* -- protected by lock until is_started */
	unsigned count; /* of workers */
	struct chunk_worker *workers[2 * CHUNK_CREW_WORKERS_MAX];
	pthread_t threads[2 * CHUNK_CREW_WORKERS_MAX];
	pthread_t scheduler;
};

/** chunk_crew_init() - no thread yet; @parts: borrowed; @wanted: 1 to
 * CHUNK_CREW_WORKERS_MAX */
void chunk_crew_init(struct chunk_crew *crew, struct chunk_parts *parts,
		     unsigned wanted);

/** chunk_crew_start() - unless that is done; what failed is tried anew by the
 * next call.  Return: 0, -EAGAIN (no threads), -ENOMEM */
int chunk_crew_start(struct chunk_crew *crew, struct error *err);

/** chunk_crew_fini() - after chunk_board_stop(): wait for their ends */
void chunk_crew_fini(struct chunk_crew *crew);
