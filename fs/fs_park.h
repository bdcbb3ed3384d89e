/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_park: requests that wait for chunks, and how they end.
 *
 * A parked request belongs to the chunk loader, which calls back once,
 * possibly long after the filesystem is gone.  Whoever turns it from waiting
 * to taken answers it: the callback, by fs_park_take(), or fs_park_fini(),
 * which answers EIO to all that still wait.  So the end of a filesystem never
 * waits for the network.
 *
 * Bounded by the kernel: max_background reads, and one for each thread that
 * waits in a read of its own.
 *
 * Threads: fs_park_fini() when nothing parks any more; the rest from any.
 */
#include "common/thread.h"

#include <stdbool.h>

struct fuse_req;

struct fs_parked;

struct fs_park {
	struct mutex lock;
	struct condition left; /* the list became shorter */
	struct fs_parked *first GUARDED;
};

/* First member of what is allocated, by malloc, for a parked request. */
struct fs_parked {
	struct fs_park *park;
	struct fuse_req *req;
	struct fs_parked *prev; /* under park->lock, as is next */
	struct fs_parked *next;
	bool is_taken; /* atomic, set once */
	int refs;      /* atomic: the park's and the callback's */
};

void fs_park_init(struct fs_park *park);

/**
 * fs_park_fini() - answer EIO to what waits, wait for what is being answered
 */
void fs_park_fini(struct fs_park *park) EXCLUDES(park->lock);

/** fs_park_add() - @parked waits from now on; frees it in the end */
void fs_park_add(struct fs_park *park, struct fs_parked *parked,
		 struct fuse_req *req) EXCLUDES(park->lock);

/**
 * fs_park_take() - the callback came: become the one who answers
 *
 * Return: true: answer, then fs_park_leave(); false: the request was answered
 * and the filesystem is gone: use nothing of it and not @parked, which may be
 * freed.
 */
bool fs_park_take(struct fs_parked *parked);

/** fs_park_leave() - a taken request was answered; @parked is freed */
void fs_park_leave(struct fs_parked *parked) EXCLUDES(parked->park->lock);
