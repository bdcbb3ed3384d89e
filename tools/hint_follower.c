/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread model: readers set a file's bit (relaxed: losing a race follows a
 * file that has been, which the closure notices) and put its number in the
 * queue; the thread takes it out and walks.  follower.lock is a leaf; nothing
 * is called with it held.
 */
#include "tools/hint_follower.h"

#include "common/buffer.h"
#include "common/thread.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_touches.h"
#include "index/hint_closure.h"

#include <errno.h>
#include <stdlib.h>

struct hint_follower {
	/* immutable after create */
	struct hint_closure *closure; /* the thread's */
	struct chunk_loader *loader;
	struct chunk_touches *touches;
	uint32_t inode_count;
	pthread_t thread;

	uint8_t *is_seen; /* a bit for each inode; atomic */

	struct mutex lock;
	struct condition queue_changes;
	/* -- protected by lock */
	uint32_t queue[HINT_FOLLOWER_QUEUE_MAX] GUARDED;
	uint32_t queue_count GUARDED;
	bool is_stopped GUARDED;
	struct hint_follower_figures figures GUARDED;
};

void hint_follower_observe(struct hint_follower *follower, uint32_t inode)
{
	uint8_t bit = (uint8_t)(1 << inode % 8);
	uint8_t *byte;

	if (inode == 0 || inode > follower->inode_count)
		return;
	byte = &follower->is_seen[inode / 8];
	if (__atomic_load_n(byte, __ATOMIC_RELAXED) & bit ||
	    __atomic_fetch_or(byte, bit, __ATOMIC_RELAXED) & bit)
		return;
	mutex_lock(&follower->lock);
	if (follower->queue_count < HINT_FOLLOWER_QUEUE_MAX &&
	    !follower->figures.has_misled) {
		follower->queue[follower->queue_count++] = inode;
		condition_signal(&follower->queue_changes);
	}
	mutex_unlock(&follower->lock);
}

/* Takes all that waits; 0 when it is to end. */
static uint32_t take(struct hint_follower *follower,
		     uint32_t ret[HINT_FOLLOWER_QUEUE_MAX])
{
	uint32_t count;

	mutex_lock(&follower->lock);
	while (follower->queue_count == 0 && !follower->is_stopped)
		condition_wait(&follower->queue_changes, &follower->lock);
	count = follower->is_stopped ? 0 : follower->queue_count;
	for (uint32_t i = 0; i < count; i++)
		ret[i] = follower->queue[i];
	follower->queue_count = 0;
	mutex_unlock(&follower->lock);
	return count;
}

static bool misleads(struct hint_follower *follower, uint32_t asked)
{
	struct chunk_touches_counters touched;

	chunk_touches_get_counters(follower->touches, &touched);
	return asked > HINT_FOLLOWER_FREE && asked / 4 > touched.expected;
}

/* What nobody asked for yet and nobody has, to the front; how many. */
static uint32_t choose(const struct hint_follower *follower, uint32_t *numbers,
		       uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++)
		if (!chunk_touches_find(follower->touches, numbers[i], NULL) &&
		    !chunk_loader_is_at_hand(follower->loader, numbers[i]) &&
		    chunk_touches_expect(follower->touches, numbers[i]))
			numbers[kept++] = numbers[i];
	return kept;
}

static void count_asked(struct hint_follower *follower, uint32_t files,
			uint32_t chunks)
{
	bool has_misled;
	uint32_t asked;

	mutex_lock(&follower->lock);
	follower->figures.files += files;
	follower->figures.chunks += chunks;
	asked = follower->figures.chunks;
	mutex_unlock(&follower->lock);
	has_misled = misleads(follower, asked);
	mutex_lock(&follower->lock);
	follower->figures.has_misled = has_misled;
	mutex_unlock(&follower->lock);
}

static void follow(struct hint_follower *follower, const uint32_t *inodes,
		   uint32_t count)
{
	struct buffer chunks CLEANUP(buffer_fini) =
		BUFFER_INIT(HINT_CLOSURE_CHUNK_COUNT_MAX * sizeof(uint32_t));
	uint32_t before = hint_closure_file_count(follower->closure);
	uint32_t *numbers;
	uint32_t made;
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++)
		r = hint_closure_add(follower->closure, inodes[i], &chunks);
	numbers = (uint32_t *)(void *)chunks.data;
	made = choose(follower, numbers,
		      (uint32_t)(chunks.size / sizeof(*numbers)));
	if (made > 0)
		chunk_loader_prefetch_many(follower->loader, numbers, made,
					   CHUNK_PROFILE);
	count_asked(follower,
		    hint_closure_file_count(follower->closure) - before, made);
}

static void *run(void *arg)
{
	struct hint_follower *follower = arg;
	uint32_t inodes[HINT_FOLLOWER_QUEUE_MAX];
	uint32_t count;

	while ((count = take(follower, inodes)) > 0)
		follow(follower, inodes, count);
	return NULL;
}

int hint_follower_create(struct hint_closure *closure,
			 struct chunk_loader *loader,
			 struct chunk_touches *touches, uint32_t inode_count,
			 struct hint_follower **ret)
{
	struct hint_follower *follower = calloc(1, sizeof(*follower));
	int r;

	if (!follower)
		return -ENOMEM;
	follower->closure = closure;
	follower->loader = loader;
	follower->touches = touches;
	follower->inode_count = inode_count;
	follower->is_seen = calloc(inode_count / 8 + 1, 1);
	mutex_init(&follower->lock);
	condition_init(&follower->queue_changes);
	r = follower->is_seen
		    ? thread_start(&follower->thread, "hints", run, follower)
		    : -ENOMEM;
	if (r < 0) {
		condition_fini(&follower->queue_changes);
		mutex_fini(&follower->lock);
		free(follower->is_seen);
		free(follower);
		return r;
	}
	*ret = follower;
	return 0;
}

void hint_follower_destroy(struct hint_follower *follower)
{
	if (!follower)
		return;
	mutex_lock(&follower->lock);
	follower->is_stopped = true;
	condition_signal(&follower->queue_changes);
	mutex_unlock(&follower->lock);
	pthread_join(follower->thread, NULL);
	condition_fini(&follower->queue_changes);
	mutex_fini(&follower->lock);
	free(follower->is_seen);
	free(follower);
}

void hint_follower_get_figures(struct hint_follower *follower,
			       struct hint_follower_figures *ret)
{
	mutex_lock(&follower->lock);
	*ret = follower->figures;
	mutex_unlock(&follower->lock);
}
