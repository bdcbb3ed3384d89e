/* SPDX-License-Identifier: Apache-2.0 */
#include "index/inflater.h"

#include "common/chunk_ref.h"
#include "index/span_memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A block rarely passes the target by more than this: gzip -6 writes blocks
 * of some 100 KiB. */
enum { RAW_OVERSHOOT = 256 << 10, RAW_CAPACITY_MIN = 640 << 10 };

/* What has to grow is likely one of the longest spans, and what is not written
 * to takes no memory: so that there are few sizes of buffers, and one that was
 * given back fits the next span (span_memory.h). */
enum { RAW_CAPACITY_GROWN = (4 << 20) + RAW_OVERSHOOT };

/* One byte more than allowed tells a span that just fits from one too long. */
enum { RAW_CAPACITY_MAX = CHUNK_RAW_SIZE_MAX + 1 };

int inflater_run(struct inflater *inflater, struct inflater_span *span)
{
	int r = 0;

	assert(span->start_bit < 8);
	assert(span->window_size <= INFLATER_WINDOW_SIZE);
	if (span->stored_size <= inflater_start(span) / 8)
		return INFLATER_NEEDS_INPUT;
	if (!inflater->has_begun)
		r = inflater->ops->begin(inflater, span);
	if (r == 0)
		r = inflater->ops->run(inflater, span);
	inflater->has_begun = r == INFLATER_NEEDS_INPUT;
	if (r == INFLATER_DONE && span->raw_size > CHUNK_RAW_SIZE_MAX)
		return -EFBIG;
	return r;
}

void inflater_destroy(struct inflater *inflater)
{
	if (inflater)
		inflater->ops->destroy(inflater);
}

int inflater_reserve(struct inflater_span *span)
{
	size_t target = span->raw_target;
	size_t capacity = span->raw_capacity < RAW_CAPACITY_GROWN
				  ? RAW_CAPACITY_GROWN
				  : span->raw_capacity * 2;
	uint8_t *raw;

	assert(span->raw_size <= span->raw_capacity);
	if (span->raw_size > CHUNK_RAW_SIZE_MAX)
		return -EFBIG;
	if (target > RAW_CAPACITY_MAX)
		target = RAW_CAPACITY_MAX;
	if (span->raw_size < span->raw_capacity && target <= span->raw_capacity)
		return 0;
	if (!span->raw)
		capacity = RAW_CAPACITY_MIN;
	if (capacity < target + RAW_OVERSHOOT)
		capacity = target + RAW_OVERSHOOT;
	if (capacity > RAW_CAPACITY_MAX)
		capacity = RAW_CAPACITY_MAX;
	raw = span_memory_grow(span->memory, span->raw, span->raw_size,
			       capacity);
	if (!raw)
		return -ENOMEM;
	span->raw = raw;
	span->raw_capacity = capacity;
	return 0;
}

uint64_t inflater_start(const struct inflater_span *span)
{
	return span->end_bit ? span->end_bit : span->start_bit;
}

const uint8_t *inflater_history(const struct inflater_span *span,
				uint8_t *scratch, size_t *ret_size)
{
	size_t old;

	if (span->raw_size >= INFLATER_WINDOW_SIZE) {
		*ret_size = INFLATER_WINDOW_SIZE;
		return span->raw + span->raw_size - INFLATER_WINDOW_SIZE;
	}
	old = INFLATER_WINDOW_SIZE - span->raw_size;
	if (old > span->window_size)
		old = span->window_size;
	*ret_size = old + span->raw_size;
	if (span->raw_size == 0)
		return span->window;
	if (old)
		memcpy(scratch, span->window + span->window_size - old, old);
	memcpy(scratch + old, span->raw, span->raw_size);
	return scratch;
}

bool inflater_ends_span(const struct inflater_span *span, uint64_t bit)
{
	return (bit + 7) / 8 >= span->stored_target ||
	       span->raw_size >= span->raw_target;
}
