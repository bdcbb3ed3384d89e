/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread model: a ring under one lock, which is a leaf.  Two conditions, one
 * for each side; each side is one thread, so a signal reaches the right one.
 */
#include "index/span_queue.h"

#include "common/thread.h"
#include "index/layer_decoder.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct span_queue {
	size_t size_max;

	struct mutex lock;
	struct condition has_room;
	struct condition has_span;
	/* -- protected by lock */
	struct layer_span *ring[SPAN_QUEUE_COUNT_MAX];
	size_t first GUARDED; /* in the ring */
	size_t count GUARDED;
	size_t size GUARDED; /* bytes of the spans queued */
	bool is_finished GUARDED;
	bool is_cancelled GUARDED;
};

static size_t span_size(const struct layer_span *span)
{
	size_t raw_size = span->raw != span->bytes ? span->ref.raw_size : 0;

	return sizeof(*span) + span->bytes_size + raw_size + span->window_size;
}

struct span_queue *span_queue_create(size_t size_max)
{
	struct span_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->size_max = size_max;
	mutex_init(&queue->lock);
	condition_init(&queue->has_room);
	condition_init(&queue->has_span);
	return queue;
}

static struct layer_span *take_locked(struct span_queue *queue)
	REQUIRES(queue->lock)
{
	struct layer_span *span = queue->ring[queue->first];

	assert(queue->count > 0);
	queue->first = (queue->first + 1) % SPAN_QUEUE_COUNT_MAX;
	queue->count--;
	assert(queue->size >= span_size(span));
	queue->size -= span_size(span);
	return span;
}

void span_queue_destroy(struct span_queue *queue)
{
	if (!queue)
		return;
	mutex_lock(&queue->lock);
	while (queue->count)
		layer_span_destroy(take_locked(queue));
	mutex_unlock(&queue->lock);
	condition_fini(&queue->has_span);
	condition_fini(&queue->has_room);
	mutex_fini(&queue->lock);
	free(queue);
}

static bool has_room_locked(const struct span_queue *queue, size_t size)
	REQUIRES(queue->lock)
{
	if (queue->count == 0)
		return true;
	return queue->count < SPAN_QUEUE_COUNT_MAX &&
	       queue->size <= queue->size_max &&
	       size <= queue->size_max - queue->size;
}

int span_queue_push(struct span_queue *queue, struct layer_span *span)
{
	size_t size = span_size(span);
	int r = 0;

	mutex_lock(&queue->lock);
	assert(!queue->is_finished);
	while (!queue->is_cancelled && !has_room_locked(queue, size))
		condition_wait(&queue->has_room, &queue->lock);
	if (queue->is_cancelled) {
		r = -ECANCELED;
	} else {
		queue->ring[(queue->first + queue->count) %
			    SPAN_QUEUE_COUNT_MAX] = span;
		queue->count++;
		queue->size += size;
		condition_signal(&queue->has_span);
	}
	mutex_unlock(&queue->lock);
	return r;
}

void span_queue_finish(struct span_queue *queue)
{
	mutex_lock(&queue->lock);
	queue->is_finished = true;
	condition_signal(&queue->has_span);
	mutex_unlock(&queue->lock);
}

int span_queue_pop(struct span_queue *queue, struct layer_span **ret)
{
	int r = 0;

	mutex_lock(&queue->lock);
	while (!queue->is_cancelled && !queue->is_finished && !queue->count)
		condition_wait(&queue->has_span, &queue->lock);
	if (queue->is_cancelled) {
		r = -ECANCELED;
	} else if (queue->count) {
		*ret = take_locked(queue);
		r = 1;
		condition_signal(&queue->has_room);
	}
	mutex_unlock(&queue->lock);
	return r;
}

void span_queue_cancel(struct span_queue *queue)
{
	mutex_lock(&queue->lock);
	queue->is_cancelled = true;
	condition_signal(&queue->has_room);
	condition_signal(&queue->has_span);
	mutex_unlock(&queue->lock);
}
