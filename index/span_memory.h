/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * span_memory: the buffers of a layer's spans, mapped once and used again.
 *
 * Spans come and go by thousands while what is found in them stays.  In one
 * heap the two leave holes that nothing fits into any more, as large as all
 * that is in use; and a mapping for each costs a page fault for every 4 KiB.
 * So each decoder has buffers of its own, which go round: up to
 * SPAN_MEMORY_IDLE_SIZE wait to be taken again, and what is more goes back to
 * the system.
 *
 * Buffers may outlive the decoder: the last one given back takes the rest
 * along.
 *
 * Threads: any; nothing waits.
 */
#include <stddef.h>
#include <stdint.h>

struct span_memory; /* opaque */

enum { SPAN_MEMORY_IDLE_SIZE = 10 << 20 }; /* bytes that wait, at most */

/** span_memory_create() - without any buffer; NULL when out of memory */
struct span_memory *span_memory_create(void);

/**
 * span_memory_destroy() - no more will be taken; NULL is allowed
 *
 * What was taken stays good until it is given back.
 */
void span_memory_destroy(struct span_memory *memory);

/**
 * span_memory_take() - a buffer
 * @memory: NULL: one that belongs to nobody, and is unmapped when given back
 * @size:   bytes, 1 or more; what they hold is not defined
 *
 * Return: for span_memory_give(), aligned for any type; NULL when out of
 * memory.
 */
void *span_memory_take(struct span_memory *memory, size_t size);

/**
 * span_memory_grow() - a larger buffer, with what was in the smaller one
 * @buffer: of @memory, or NULL; given back on success
 * @used:   bytes of it that are kept, not more than @size
 *
 * Return: as span_memory_take().
 */
void *span_memory_grow(struct span_memory *memory, void *buffer, size_t used,
		       size_t size);

/** span_memory_give() - give a buffer back, from any thread; NULL is allowed */
void span_memory_give(void *buffer);
