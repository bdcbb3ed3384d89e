/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_touches: which chunks a mount has read, and when each was first read;
 * and which of them a profile said would be.
 *
 * Four bytes a chunk.  What a profile is made of, and what tells whether one
 * that is being played is right.
 *
 * Threads: any; relaxed atomics, nothing depends on their order.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk_touches;

struct chunk_touches_counters {
	uint32_t expected; /* chunks touched that were expected */
	uint32_t others;   /* chunks touched that were not */
};

/** chunk_touches_create() - nothing touched yet; time starts now; NULL: no
 * memory */
struct chunk_touches *chunk_touches_create(uint32_t chunk_count);
void chunk_touches_destroy(struct chunk_touches *touches);
DEFINE_CLEANUP(struct chunk_touches, chunk_touches_destroy);

/** chunk_touches_note() - a chunk was read; a number that is none: nothing */
void chunk_touches_note(struct chunk_touches *touches, uint32_t number);

/** chunk_touches_expect() - a profile says that it will be; false: it said so
 * before, or there is no such chunk */
bool chunk_touches_expect(struct chunk_touches *touches, uint32_t number);

bool chunk_touches_is_expected(const struct chunk_touches *touches,
			       uint32_t number);

/** chunk_touches_are_expected() - the same of each of @count from @first on */
bool chunk_touches_are_expected(const struct chunk_touches *touches,
				uint32_t first, uint32_t count);

/** chunk_touches_find() - whether, and when (ms after create) it was first
 * read; @ret_ms may be NULL */
bool chunk_touches_find(const struct chunk_touches *touches, uint32_t number,
			uint32_t *ret_ms);

/** chunk_touches_elapsed_ms() - since create */
uint32_t chunk_touches_elapsed_ms(const struct chunk_touches *touches);

void chunk_touches_get_counters(const struct chunk_touches *touches,
				struct chunk_touches_counters *ret);
