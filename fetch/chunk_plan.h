/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_plan: which chunks go into one range request.  Pure arithmetic.
 *
 * A plan starts with the chunk that is wanted most and grows to both sides,
 * forward first, over chunks that are wanted too.  Two chunks join when no
 * more than gap_size_max unwanted bytes lie between them and the range stays
 * within request_size_max; a chunk that is larger than that travels alone.
 * Neighbours may overlap: two gzip spans share a byte.
 *
 * Threads: any; no state beyond the struct.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_ref;

enum {
	CHUNK_PLAN_CHUNKS_MAX = 64,
	/* unwanted chunk numbers skipped in search of the next wanted one */
	CHUNK_PLAN_SKIP_MAX = 16,
};

struct chunk_plan_limits {
	size_t request_size_max;
	size_t gap_size_max;
};

struct chunk_plan {
	uint32_t blob;
	uint64_t off; /* of the range */
	uint64_t end; /* behind its last byte */
	size_t count; /* chunks */
	/* chunk_plan_gather()'s alone: the chunks, ascending, and the place
	 * among them of the one that is wanted most */
	size_t first;
	uint32_t numbers[CHUNK_PLAN_CHUNKS_MAX];
};

/** chunk_plan_init() - a plan for one chunk */
void chunk_plan_init(struct chunk_plan *plan, const struct chunk_ref *ref);

/** chunk_plan_cover() - extend the range by one chunk, whatever comes of it */
void chunk_plan_cover(struct chunk_plan *plan, const struct chunk_ref *ref);

/**
 * chunk_plan_join() - extend the range by one chunk, when it fits
 * @ref: usually the next one before the first, or behind the last, so far
 *
 * Return: false, and nothing changed, when it does not fit.
 */
bool chunk_plan_join(struct chunk_plan *plan,
		     const struct chunk_plan_limits *limits,
		     const struct chunk_ref *ref);

size_t chunk_plan_size(const struct chunk_plan *plan);

/* The reference of a wanted chunk, or NULL when it is not wanted. */
typedef const struct chunk_ref *chunk_plan_find_fn(void *arg, uint32_t number);

/**
 * chunk_plan_gather() - the chunks that go well with one
 * @number: the chunk wanted most; @find must know it
 */
void chunk_plan_gather(const struct chunk_plan_limits *limits, uint32_t number,
		       chunk_plan_find_fn *find, void *arg,
		       struct chunk_plan *ret);
