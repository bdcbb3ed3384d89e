/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * profile_chunks: between a profile's ranges and an index's chunks.
 *
 * Threads: any; no state.
 */
#include "fetch/profile.h"

#include <stdint.h>

struct chunk_table;
struct chunk_touches;

struct profile_chunk {
	uint32_t number;
	uint32_t first_ms; /* when it is needed, after the start */
};

/* After ten minutes a job is at work, and no longer starting. */
enum { PROFILE_CHUNKS_TIME_MS_MAX = 600 * 1000 };

/**
 * profile_chunks_collect() - what was touched, as entries for a profile
 * @start_ms: when the job began, of the touches' time; its own counts from
 * there
 * @ret: malloc'ed
 *
 * Chunks without bytes to fetch are left out, and what was first touched
 * PROFILE_CHUNKS_TIME_MS_MAX after the start.  Return: 0 or -ENOMEM.
 */
int profile_chunks_collect(const struct chunk_touches *touches,
			   uint32_t start_ms, const struct chunk_table *table,
			   struct profile_entry **ret, uint32_t *ret_count);

/**
 * profile_chunks_find() - the chunks that hold a profile's ranges
 * @entries: in the order of first_ms
 * @blobs:   for each blob of the profile its number in the table; those that
 *           the image does not have are UINT32_MAX
 * @touches: what is found is expected from now on
 * @ret:     malloc'ed; each chunk once, in the order of the entries
 *
 * Return: 0 or -ENOMEM.
 */
int profile_chunks_find(const struct profile_entry *entries, uint32_t count,
			const uint32_t *blobs, const struct chunk_table *table,
			struct chunk_touches *touches,
			struct profile_chunk **ret, uint32_t *ret_count);
