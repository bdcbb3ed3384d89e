/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_memory.h"

#include "fetch/chunk.h"

#include <assert.h>
#include <string.h>

static size_t cost_of(const struct chunk *chunk)
{
	return (size_t)chunk->size + CHUNK_MEMORY_OVERHEAD;
}

/* Numbers of neighbours are consecutive: they spread by themselves. */
static struct chunk **bucket_of(struct chunk_memory *memory, uint32_t number)
{
	return &memory->buckets[number % CHUNK_MEMORY_BUCKETS];
}

static void unlink_age(struct chunk_memory *memory, struct chunk *chunk)
{
	if (chunk->newer)
		chunk->newer->older = chunk->older;
	else
		memory->newest = chunk->older;
	if (chunk->older)
		chunk->older->newer = chunk->newer;
	else
		memory->oldest = chunk->newer;
}

static void link_newest(struct chunk_memory *memory, struct chunk *chunk)
{
	chunk->newer = NULL;
	chunk->older = memory->newest;
	if (memory->newest)
		memory->newest->newer = chunk;
	else
		memory->oldest = chunk;
	memory->newest = chunk;
}

static void remove_chunk(struct chunk_memory *memory, struct chunk *chunk)
{
	struct chunk **link = bucket_of(memory, chunk->number);

	while (*link != chunk)
		link = &(*link)->hash_next;
	*link = chunk->hash_next;
	chunk->hash_next = NULL;
	unlink_age(memory, chunk);
	assert(memory->count > 0 && memory->size >= cost_of(chunk));
	memory->count--;
	memory->size -= cost_of(chunk);
}

void chunk_memory_init(struct chunk_memory *memory, size_t size_max)
{
	memset(memory, 0, sizeof(*memory));
	memory->size_max = size_max;
}

void chunk_memory_fini(struct chunk_memory *memory)
{
	while (memory->oldest) {
		struct chunk *chunk = memory->oldest;

		remove_chunk(memory, chunk);
		chunk_unref(chunk);
	}
	assert(memory->size == 0 && memory->count == 0);
}

struct chunk *chunk_memory_find(struct chunk_memory *memory, uint32_t number)
{
	struct chunk *chunk = *bucket_of(memory, number);

	while (chunk && chunk->number != number)
		chunk = chunk->hash_next;
	if (chunk && memory->newest != chunk) {
		unlink_age(memory, chunk);
		link_newest(memory, chunk);
	}
	return chunk;
}

struct chunk *chunk_memory_insert(struct chunk_memory *memory,
				  struct chunk *chunk)
{
	struct chunk *given_up = NULL;
	struct chunk **bucket = bucket_of(memory, chunk->number);

	assert(!chunk->was_inserted);
	chunk->was_inserted = true;
	if (cost_of(chunk) > memory->size_max ||
	    chunk_memory_find(memory, chunk->number))
		return NULL;
	while (memory->size > memory->size_max - cost_of(chunk)) {
		struct chunk *oldest = memory->oldest;

		remove_chunk(memory, oldest);
		oldest->older = given_up;
		given_up = oldest;
	}
	chunk_ref(chunk);
	chunk->hash_next = *bucket;
	*bucket = chunk;
	link_newest(memory, chunk);
	memory->count++;
	memory->size += cost_of(chunk);
	return given_up;
}

void chunk_memory_release(struct chunk *given_up)
{
	while (given_up) {
		struct chunk *next = given_up->older;

		given_up->older = NULL;
		chunk_unref(given_up);
		given_up = next;
	}
}

void chunk_memory_selfcheck(const struct chunk_memory *memory)
{
	const struct chunk *newer = NULL;
	size_t hashed = 0;
	size_t count = 0;
	size_t size = 0;

	for (const struct chunk *c = memory->newest; c; c = c->older) {
		assert(c->newer == newer);
		assert(c->refs > 0);
		newer = c;
		count++;
		size += cost_of(c);
	}
	assert(memory->oldest == newer);
	for (size_t i = 0; i < CHUNK_MEMORY_BUCKETS; i++) {
		for (const struct chunk *c = memory->buckets[i]; c;
		     c = c->hash_next) {
			assert(c->number % CHUNK_MEMORY_BUCKETS == i);
			hashed++;
		}
	}
	assert(count == memory->count && hashed == count);
	assert(size == memory->size && size <= memory->size_max);
}
