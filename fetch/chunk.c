/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk.h"

#include <assert.h>
#include <sys/mman.h>

struct chunk *chunk_create(uint32_t number, uint8_t *data, uint32_t size)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->data = data;
	chunk->size = size;
	chunk->refs = 1;
	chunk->number = number;
	return chunk;
}

struct chunk *chunk_create_mapped(uint32_t number, const uint8_t *data,
				  uint32_t size, void *map, size_t map_size)
{
	struct chunk *chunk = chunk_create(number, (uint8_t *)data, size);

	if (!chunk)
		return NULL;
	chunk->map = map;
	chunk->map_size = map_size;
	return chunk;
}

struct chunk *chunk_ref(struct chunk *chunk)
{
	/* Relaxed: who takes a reference has one already. */
	uint32_t before = __atomic_fetch_add(&chunk->refs, 1, __ATOMIC_RELAXED);

	assert(before > 0 && before < UINT32_MAX);
	(void)before;
	return chunk;
}

void chunk_unref(struct chunk *chunk)
{
	uint32_t before;

	if (!chunk)
		return;
	/* Release what was done with the bytes; the last one acquires it. */
	before = __atomic_fetch_sub(&chunk->refs, 1, __ATOMIC_ACQ_REL);
	assert(before > 0);
	if (before > 1)
		return;
	if (chunk->map)
		munmap(chunk->map, chunk->map_size);
	else
		free((void *)chunk->data);
	free(chunk);
}
