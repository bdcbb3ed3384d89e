/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: busy counts a turn from its call to its end, so that a call made
 * while a thread wakes up is not made twice.
 */
#include "fs/fs_readers.h"

#include <assert.h>

void fs_readers_init(struct fs_readers *readers, unsigned count_max,
		     fs_readers_turn_fn *turn, void *arg)
{
	assert(count_max <= FS_READERS_MAX);
	*readers = (struct fs_readers){
		.turn = turn,
		.arg = arg,
		.count_max = count_max,
	};
	mutex_init(&readers->lock);
	condition_init(&readers->called);
}

/* Return: false at the end. */
static bool wait_for_call(struct fs_readers *readers)
{
	bool is_stopped;

	mutex_lock(&readers->lock);
	while (!readers->is_stopped && readers->calls == 0)
		condition_wait(&readers->called, &readers->lock);
	is_stopped = readers->is_stopped;
	if (!is_stopped)
		readers->calls--;
	mutex_unlock(&readers->lock);
	return !is_stopped;
}

static void *run(void *arg)
{
	struct fs_readers *readers = arg;

	while (wait_for_call(readers)) {
		readers->turn(readers->arg);
		__atomic_fetch_sub(&readers->busy, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Return: whether there is a thread for one more turn. */
static bool have_thread_locked(struct fs_readers *readers, unsigned busy)
	REQUIRES(readers->lock)
{
	if (busy < readers->count)
		return true;
	if (thread_start(&readers->threads[readers->count], "lazyrun-fuse", run,
			 readers) < 0)
		return false;
	readers->count++;
	return true;
}

void fs_readers_call(struct fs_readers *readers, unsigned count)
{
	unsigned busy = __atomic_load_n(&readers->busy, __ATOMIC_RELAXED);

	if (count > readers->count_max)
		count = readers->count_max;
	if (busy >= count)
		return;
	mutex_lock(&readers->lock);
	busy = __atomic_load_n(&readers->busy, __ATOMIC_RELAXED);
	for (; busy < count && !readers->is_stopped; busy++) {
		if (!have_thread_locked(readers, busy))
			break;
		__atomic_fetch_add(&readers->busy, 1, __ATOMIC_RELAXED);
		readers->calls++;
		condition_signal(&readers->called);
	}
	mutex_unlock(&readers->lock);
}

void fs_readers_stop(struct fs_readers *readers)
{
	unsigned count;

	mutex_lock(&readers->lock);
	readers->is_stopped = true;
	count = readers->count;
	readers->count = 0;
	condition_broadcast(&readers->called);
	mutex_unlock(&readers->lock);
	for (unsigned i = 0; i < count; i++)
		pthread_join(readers->threads[i], NULL);
}

void fs_readers_fini(struct fs_readers *readers)
{
	fs_readers_stop(readers);
	condition_fini(&readers->called);
	mutex_fini(&readers->lock);
}
