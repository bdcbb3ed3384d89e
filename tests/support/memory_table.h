/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * memory_table: a chunk_table over an array.
 *
 * Threads: as a chunk_table once the last reference has been added.
 */
#include "common/chunk_ref.h"

#include <stddef.h>
#include <stdint.h>

struct memory_table {
	struct chunk_table table; /* hand out &memory->table */
	struct chunk_ref *refs; /* table.count of them; tests may spoil them */
	uint32_t capacity;
	const uint8_t *windows; /* borrowed; window_off counts from here */
	size_t windows_size;
};

/** memory_table_create() - an empty table; NULL when out of memory */
struct memory_table *memory_table_create(uint32_t capacity);
void memory_table_destroy(struct memory_table *memory);

/** memory_table_add() - one more chunk; there must be capacity */
void memory_table_add(struct memory_table *memory, const struct chunk_ref *ref);

/**
 * memory_table_cut() - a blob as CODEC_RAW chunks of one size, with digests
 * @chunk_size: the last chunk may be smaller
 */
void memory_table_cut(struct memory_table *memory, uint32_t blob,
		      const void *data, size_t size, uint32_t chunk_size);
