/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_lookahead: the cached chunks that a reader comes to next are checked
 * before he does, by whoever has nothing else to do, a little at a time.
 *
 * That is the FUSE thread between two requests: it would go to sleep and be
 * woken by the next one, which costs more than the check (docs/figures.md); a
 * thread of its own would have to be woken, too, and take a processor from the
 * reader.
 *
 * Threads: any; a lock of its own.
 */
#include "common/thread.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk_cache_check;
struct chunk_parts;

struct chunk_lookahead {
	const struct chunk_parts *parts; /* immutable, borrowed */

	struct mutex lock;
	/* -- protected by lock */
	uint32_t first GUARDED; /* of those to be looked at yet */
	uint32_t count GUARDED;
	uint32_t number GUARDED;		 /* of the chunk in work */
	struct chunk_cache_check *check GUARDED; /* NULL: none, or in hand */
};

void chunk_lookahead_init(struct chunk_lookahead *lookahead,
			  const struct chunk_parts *parts);
void chunk_lookahead_fini(struct chunk_lookahead *lookahead);

/** chunk_lookahead_expect() - chunks that a reader comes to next, instead of
 * those named before */
void chunk_lookahead_expect(struct chunk_lookahead *lookahead, uint32_t first,
			    uint32_t count) EXCLUDES(lookahead->lock);

/**
 * chunk_lookahead_step() - check some of it
 *
 * Takes some ten microseconds, and does not wait for the disk but for chunks
 * of less than CHUNK_PARTS_IN_FILE_MIN.
 *
 * Return: whether there was something to do; then call it again.
 */
bool chunk_lookahead_step(struct chunk_lookahead *lookahead)
	EXCLUDES(lookahead->lock);

/**
 * chunk_lookahead_take() - what was begun for a chunk that is wanted now
 *
 * Return: the check, the caller's; NULL: nothing was.
 */
struct chunk_cache_check *chunk_lookahead_take(
	struct chunk_lookahead *lookahead, uint32_t number)
	EXCLUDES(lookahead->lock);
