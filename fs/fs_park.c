/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: the lock guards the list alone and is never held while a request is
 * answered.  is_taken decides between callback and end: acquire-release, so
 * that who takes a request sees all of it.  The memory of a request that the
 * end took is freed by the later of the two.
 */
#include "fs/fs_park.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

void fs_park_init(struct fs_park *park)
{
	*park = (struct fs_park){ 0 };
	mutex_init(&park->lock);
	condition_init(&park->left);
}

static void put(struct fs_parked *parked)
{
	if (__atomic_sub_fetch(&parked->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(parked);
}

static bool try_take(struct fs_parked *parked)
{
	return !__atomic_exchange_n(&parked->is_taken, true, __ATOMIC_ACQ_REL);
}

/* A request that nobody answers yet, out of the list; NULL when none is. */
static struct fs_parked *take_waiting_locked(struct fs_park *park)
	REQUIRES(park->lock)
{
	struct fs_parked *parked;

	DL_FOREACH (park->first, parked)
		if (try_take(parked))
			break;
	if (parked)
		DL_DELETE(park->first, parked);
	return parked;
}

void fs_park_fini(struct fs_park *park)
{
	struct fs_parked *parked;

	mutex_lock(&park->lock);
	while ((parked = take_waiting_locked(park))) {
		mutex_unlock(&park->lock);
		fuse_reply_err(parked->req, EIO);
		put(parked);
		mutex_lock(&park->lock);
	}
	while (park->first)
		condition_wait(&park->left, &park->lock);
	mutex_unlock(&park->lock);
	condition_fini(&park->left);
	mutex_fini(&park->lock);
}

void fs_park_add(struct fs_park *park, struct fs_parked *parked,
		 struct fuse_req *req)
{
	parked->park = park;
	parked->req = req;
	parked->is_taken = false;
	parked->refs = 2;
	mutex_lock(&park->lock);
	DL_APPEND(park->first, parked);
	mutex_unlock(&park->lock);
}

bool fs_park_take(struct fs_parked *parked)
{
	if (try_take(parked))
		return true;
	put(parked);
	return false;
}

void fs_park_leave(struct fs_parked *parked)
{
	struct fs_park *park = parked->park;

	assert(__atomic_load_n(&parked->is_taken, __ATOMIC_RELAXED));
	mutex_lock(&park->lock);
	DL_DELETE(park->first, parked);
	condition_signal(&park->left);
	mutex_unlock(&park->lock);
	free(parked);
}
