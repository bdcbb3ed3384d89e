/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_readers: further threads that answer requests, for as long as one is not
 * enough.
 *
 * Each is started when it is first called, and sleeps between its turns: a
 * mount that is not read by several at once never has one.  A thread that
 * cannot be started is done without.
 *
 * Threads: fs_readers_call() from any, turns included; the rest one at a time.
 */
#include "common/thread.h"

#include <pthread.h>
#include <stdbool.h>

enum { FS_READERS_MAX = 3 };

/* One turn: answers requests until it finds that it is not needed. */
typedef void fs_readers_turn_fn(void *arg);

struct fs_readers {
	/* immutable */
	fs_readers_turn_fn *turn;
	void *arg;
	unsigned count_max;

	unsigned busy; /* atomic: called, and not back from their turns */

	struct mutex lock;
	struct condition called;
	/* -- protected by lock */
	unsigned calls GUARDED; /* turns that no thread has taken yet */
	unsigned count GUARDED; /* of threads */
	bool is_stopped GUARDED;

	pthread_t threads[FS_READERS_MAX]; /* under lock until is_stopped */
};

/** fs_readers_init() - no thread yet; @count_max: at most FS_READERS_MAX */
void fs_readers_init(struct fs_readers *readers, unsigned count_max,
		     fs_readers_turn_fn *turn, void *arg);

/**
 * fs_readers_call() - have as many as @count at work, at most count_max
 *
 * Costs nothing when they are.
 */
void fs_readers_call(struct fs_readers *readers, unsigned count)
	EXCLUDES(readers->lock);

/** fs_readers_stop() - no further turn; returns when the last has ended, which
 * the caller sees to */
void fs_readers_stop(struct fs_readers *readers) EXCLUDES(readers->lock);

/** fs_readers_fini() - stops them, too */
void fs_readers_fini(struct fs_readers *readers) EXCLUDES(readers->lock);
