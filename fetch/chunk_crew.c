/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_crew.h"

#include "common/error.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_scheduler.h"
#include "fetch/chunk_worker.h"

#include <assert.h>
#include <errno.h>

void chunk_crew_init(struct chunk_crew *crew, struct chunk_parts *parts,
		     unsigned wanted)
{
	assert(wanted > 0 && wanted <= CHUNK_CREW_WORKERS_MAX);
	*crew = (struct chunk_crew){ .parts = parts, .wanted = wanted };
	mutex_init(&crew->lock);
}

static int start_worker_locked(struct chunk_crew *crew)
{
	unsigned i = crew->count;
	struct chunk_worker *worker = chunk_worker_create(
		crew->parts, i < crew->wanted ? CHUNK_READ_AHEAD : CHUNK_FILL);
	int r;

	if (!worker)
		return -ENOMEM;
	r = thread_start(&crew->threads[i], "chunk-worker", chunk_worker_run,
			 worker);
	if (r < 0) {
		chunk_worker_destroy(worker);
		return r;
	}
	crew->workers[crew->count++] = worker;
	return 0;
}

static int start_locked(struct chunk_crew *crew)
{
	int r = 0;

	if (__atomic_load_n(&crew->is_started, __ATOMIC_RELAXED))
		return 0;
	while (r == 0 && crew->count < crew->wanted + (crew->wanted + 1) / 2)
		r = start_worker_locked(crew);
	if (r == 0)
		r = thread_start(&crew->scheduler, "chunk-sched",
				 chunk_scheduler_run, crew->parts);
	if (r == 0)
		__atomic_store_n(&crew->is_started, true, __ATOMIC_RELEASE);
	return r;
}

int chunk_crew_start(struct chunk_crew *crew, struct error *err)
{
	int r;

	/* acquire: the one who started them has filled the rest */
	if (__atomic_load_n(&crew->is_started, __ATOMIC_ACQUIRE))
		return 0;
	mutex_lock(&crew->lock);
	r = start_locked(crew);
	mutex_unlock(&crew->lock);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	if (r < 0)
		return error_set_errno(err, r,
				       "cannot start a thread; raise the limit "
				       "on processes (ulimit -u)");
	return 0;
}

void chunk_crew_fini(struct chunk_crew *crew)
{
	if (__atomic_load_n(&crew->is_started, __ATOMIC_ACQUIRE))
		pthread_join(crew->scheduler, NULL);
	for (unsigned i = 0; i < crew->count; i++) {
		pthread_join(crew->threads[i], NULL);
		chunk_worker_destroy(crew->workers[i]);
	}
	mutex_fini(&crew->lock);
}
