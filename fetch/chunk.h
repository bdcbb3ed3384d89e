/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk: the raw bytes of one chunk, verified, immutable, reference counted.
 * Threads: any.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk {
	const uint8_t *data; /* size bytes */
	uint32_t size;
	uint32_t refs;	 /* atomic; use the functions */
	uint32_t number; /* in the image's chunk table */
	void *map;	 /* that data lies in, or NULL: data is malloc'ed */
	size_t map_size;

	/* chunk_memory.c's, under the lock of whoever owns that memory */
	bool was_inserted;
	struct chunk *hash_next;
	struct chunk *newer;
	struct chunk *older;
};

/** chunk_create() - take over malloc'ed @data; one reference; NULL: no memory
 * (then @data stays the caller's) */
struct chunk *chunk_create(uint32_t number, uint8_t *data, uint32_t size);

/** chunk_create_mapped() - the same of bytes in a mapping, which is taken over
 * on success and unmapped in the end */
struct chunk *chunk_create_mapped(uint32_t number, const uint8_t *data,
				  uint32_t size, void *map, size_t map_size);
struct chunk *chunk_ref(struct chunk *chunk);
void chunk_unref(struct chunk *chunk); /* NULL is allowed */
DEFINE_CLEANUP(struct chunk, chunk_unref);
