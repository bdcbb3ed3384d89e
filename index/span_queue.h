/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * span_queue: layer spans handed from one thread to the next.
 *
 * Bounded by bytes and by spans, so that a fast producer waits for a slow
 * consumer and memory stays small.  A queue ends in one of two states, both
 * for ever: finished (the producer has no more; what is queued still comes
 * out) or cancelled (either side gave up; nothing comes out any more).
 *
 * Waits have no deadline of their own: each ends when the other side pushes,
 * pops, finishes or cancels, and both sides must end by one of the latter.
 *
 * Threads: one producer, one consumer; span_queue_cancel() from any.
 */
#include "common/cleanup.h"

#include <stddef.h>

struct layer_span;
struct span_queue; /* opaque */

enum { SPAN_QUEUE_COUNT_MAX = 64 }; /* spans queued at most */

/**
 * span_queue_create() - an empty queue
 * @size_max: bytes of spans queued at most; one span may pass it alone
 *
 * Return: NULL when out of memory.
 */
struct span_queue *span_queue_create(size_t size_max);

/** span_queue_destroy() - with the spans still in it; no thread uses it */
void span_queue_destroy(struct span_queue *queue);
DEFINE_CLEANUP(struct span_queue, span_queue_destroy);

/**
 * span_queue_push() - queue a span, waiting for room
 * @span: taken over on success, else still the caller's
 *
 * Not after span_queue_finish().
 *
 * Return: 0, or -ECANCELED.
 */
int span_queue_push(struct span_queue *queue, struct layer_span *span);

/** span_queue_finish() - no more will be pushed */
void span_queue_finish(struct span_queue *queue);

/**
 * span_queue_pop() - the oldest span, waiting for one
 * @ret: the caller's to destroy
 *
 * Return: 1 with a span; 0 when finished and empty; -ECANCELED.
 */
int span_queue_pop(struct span_queue *queue, struct layer_span **ret);

/** span_queue_cancel() - wake both sides and let neither go on */
void span_queue_cancel(struct span_queue *queue);
