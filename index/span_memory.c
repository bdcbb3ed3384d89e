/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread model: one lock, a leaf, over the list of idle blocks and the count of
 * those taken.  Mapping and unmapping happen without it.
 *
 * A block begins with a header that says whose it is, so that a buffer is given
 * back by its address alone.  Under AddressSanitizer all of a block but the
 * bytes asked for is poisoned, as malloc() would have it.
 */
#include "index/span_memory.h"

#include "common/thread.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size)                             \
	((void)(address), (void)(size))
#endif

/* Sizes of blocks are multiples of this, so that one fits the next span too. */
enum { BLOCK_STEP = 64 << 10 };

struct block {
	struct span_memory *memory; /* NULL: nobody's */
	struct block *next;	    /* idle for longer */
	size_t size;		    /* mapped, this header included */
	alignas(64) uint8_t buffer[];
};

struct span_memory {
	struct mutex lock;
	/* -- protected by lock */
	struct block *idle GUARDED; /* the last one given back first */
	size_t idle_size GUARDED;
	size_t taken_count GUARDED;
	bool is_closed GUARDED;
};

static size_t buffer_size(const struct block *block)
{
	return block->size - sizeof(*block);
}

static void unmap_blocks(struct block *block)
{
	while (block) {
		struct block *next = block->next;

		ASAN_UNPOISON_MEMORY_REGION(block->buffer, buffer_size(block));
		munmap(block, block->size);
		block = next;
	}
}

static struct block *map_block(struct span_memory *memory, size_t size)
{
	struct block *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (block == MAP_FAILED)
		return NULL;
	*block = (struct block){ .memory = memory, .size = size };
	return block;
}

struct span_memory *span_memory_create(void)
{
	struct span_memory *memory = calloc(1, sizeof(*memory));

	if (memory)
		mutex_init(&memory->lock);
	return memory;
}

/* Nobody has a buffer, nobody will take one. */
static void free_memory(struct span_memory *memory, struct block *idle)
{
	unmap_blocks(idle);
	mutex_fini(&memory->lock);
	free(memory);
}

void span_memory_destroy(struct span_memory *memory)
{
	struct block *idle;
	bool is_last;

	if (!memory)
		return;
	mutex_lock(&memory->lock);
	assert(!memory->is_closed);
	memory->is_closed = true;
	is_last = memory->taken_count == 0;
	idle = memory->idle;
	memory->idle = NULL;
	memory->idle_size = 0;
	mutex_unlock(&memory->lock);
	if (is_last)
		free_memory(memory, idle);
	else
		unmap_blocks(idle);
}

/* The smallest idle block that has @size bytes, and not twice as many: a small
 * buffer in a large block would take the place of a large one. */
static struct block *find_idle_locked(struct span_memory *memory, size_t size)
	REQUIRES(memory->lock)
{
	struct block **best = NULL;
	struct block *found;

	for (struct block **at = &memory->idle; *at; at = &(*at)->next)
		if ((*at)->size >= size && (*at)->size / 2 <= size &&
		    (!best || (*at)->size < (*best)->size))
			best = at;
	if (!best)
		return NULL;
	found = *best;
	*best = found->next;
	memory->idle_size -= found->size;
	return found;
}

static struct block *take_block(struct span_memory *memory, size_t size)
{
	struct block *block;

	if (!memory)
		return map_block(NULL, size);
	mutex_lock(&memory->lock);
	assert(!memory->is_closed);
	memory->taken_count++;
	block = find_idle_locked(memory, size);
	mutex_unlock(&memory->lock);
	if (block)
		return block;
	block = map_block(memory, size);
	if (!block) {
		mutex_lock(&memory->lock);
		memory->taken_count--;
		mutex_unlock(&memory->lock);
	}
	return block;
}

void *span_memory_take(struct span_memory *memory, size_t size)
{
	struct block *block;

	assert(size > 0);
	if (size > SIZE_MAX - sizeof(*block) - BLOCK_STEP)
		return NULL;
	block = take_block(memory, (size + sizeof(*block) + BLOCK_STEP - 1) /
					   BLOCK_STEP * BLOCK_STEP);
	if (!block)
		return NULL;
	ASAN_POISON_MEMORY_REGION(block->buffer, buffer_size(block));
	ASAN_UNPOISON_MEMORY_REGION(block->buffer, size);
	return block->buffer;
}

void *span_memory_grow(struct span_memory *memory, void *buffer, size_t used,
		       size_t size)
{
	void *larger = span_memory_take(memory, size);

	assert(used <= size && (buffer || used == 0));
	if (!larger)
		return NULL;
	if (used)
		memcpy(larger, buffer, used);
	span_memory_give(buffer);
	return larger;
}

/* What has to go so that no more than SPAN_MEMORY_IDLE_SIZE waits: those that
 * have waited longest. */
static struct block *cut_idle_locked(struct span_memory *memory)
	REQUIRES(memory->lock)
{
	struct block **at = &memory->idle;
	size_t kept_size = 0;
	struct block *rest;

	while (*at && (*at)->size <= SPAN_MEMORY_IDLE_SIZE - kept_size) {
		kept_size += (*at)->size;
		at = &(*at)->next;
	}
	rest = *at;
	*at = NULL;
	memory->idle_size = kept_size;
	return rest;
}

static void give_block(struct span_memory *memory, struct block *block)
{
	struct block *rest;
	bool is_last;

	mutex_lock(&memory->lock);
	assert(memory->taken_count > 0);
	memory->taken_count--;
	if (memory->is_closed || block->size > SPAN_MEMORY_IDLE_SIZE) {
		block->next = NULL;
		rest = block;
	} else {
		block->next = memory->idle;
		memory->idle = block;
		memory->idle_size += block->size;
		rest = memory->idle_size > SPAN_MEMORY_IDLE_SIZE
			       ? cut_idle_locked(memory)
			       : NULL;
	}
	is_last = memory->is_closed && memory->taken_count == 0;
	mutex_unlock(&memory->lock);
	if (is_last)
		free_memory(memory, rest);
	else
		unmap_blocks(rest);
}

void span_memory_give(void *buffer)
{
	struct block *block;

	if (!buffer)
		return;
	block = (struct block *)(void *)((uint8_t *)buffer -
					 offsetof(struct block, buffer));
	ASAN_POISON_MEMORY_REGION(block->buffer, buffer_size(block));
	if (block->memory) {
		give_block(block->memory, block);
	} else {
		block->next = NULL;
		unmap_blocks(block);
	}
}
