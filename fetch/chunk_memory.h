/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_memory: decoded chunks kept in memory, the least recently used given
 * up first, bounded by bytes.
 *
 * Links and hash run through struct chunk itself, so that inserting cannot
 * fail; what is given up comes back as a chain, so that memory is freed
 * outside of the owner's lock.  Until it is, the links are still in use:
 * therefore a chunk is inserted once in its life at most.
 *
 * Threads: none of its own; the owner's lock.
 */
#include <stddef.h>
#include <stdint.h>

struct chunk;

enum {
	CHUNK_MEMORY_BUCKETS = 1024,
	/* what a chunk costs beside its bytes: bounds the number of tiny ones
	 */
	CHUNK_MEMORY_OVERHEAD = 512,
};

struct chunk_memory {
	size_t size_max;
	size_t size; /* with the overhead */
	size_t count;
	struct chunk *newest;
	struct chunk *oldest;
	struct chunk *buckets[CHUNK_MEMORY_BUCKETS];
};

void chunk_memory_init(struct chunk_memory *memory, size_t size_max);
void chunk_memory_fini(struct chunk_memory *memory);

/** chunk_memory_find() - a chunk, now the most recently used
 *
 * Return: borrowed, or NULL when absent. */
struct chunk *chunk_memory_find(struct chunk_memory *memory, uint32_t number);

/**
 * chunk_memory_insert() - keep a chunk; takes a reference of its own
 * @chunk: never inserted before, here or elsewhere
 *
 * Does nothing when that number is there already, or the chunk alone is
 * larger than the bound.
 *
 * Return: the chunks given up, for chunk_memory_release(); may be NULL.
 */
struct chunk *chunk_memory_insert(struct chunk_memory *memory,
				  struct chunk *chunk);

/** chunk_memory_release() - drop the references of chunks given up; call it
 * without a lock held: it may free megabytes */
void chunk_memory_release(struct chunk *given_up);

/** chunk_memory_selfcheck() - assert every invariant; for tests */
void chunk_memory_selfcheck(const struct chunk_memory *memory);
