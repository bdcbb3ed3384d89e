/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_parts: what the loader's callers, scheduler and workers all use, fixed
 * while they run.  Internal to the loader.
 *
 * Threads: any.
 */
#include <stdint.h>

struct chunk;
struct chunk_board;
struct chunk_cache;
struct chunk_cache_check;
struct chunk_flight;
struct chunk_ref;
struct chunk_table;
struct digest;
struct error;
struct range_source;

enum {
	/* Smaller chunks are copied from the cache into memory: a descriptor
	 * each is too dear. */
	CHUNK_PARTS_IN_FILE_MIN = 128 << 10,
};

struct chunk_parts {
	const struct chunk_table *table;
	struct range_source *const *sources;
	uint32_t source_count;
	struct chunk_cache *cache; /* NULL: none */
	struct chunk_board *board;
};

/**
 * chunk_parts_get_ref() - one chunk of the table, within its blob
 *
 * Return: 0, -EINVAL (no such number), -EBADMSG (the index is damaged, or is
 * not of these blobs).
 */
int chunk_parts_get_ref(const struct chunk_parts *parts, uint32_t number,
			struct chunk_ref *ret, struct error *err);

/**
 * chunk_parts_take() - a chunk whose file has been checked
 * @check: stays the caller's, to be closed
 *
 * Return: CHUNK_LOADER_FOUND with a reference, or -ENOMEM.
 */
int chunk_parts_take(const struct chunk_parts *parts, uint32_t number,
		     uint32_t size, struct chunk_cache_check *check,
		     struct chunk **ret);

/**
 * chunk_parts_load() - a chunk from the node's cache
 * @key: chunk_table_get_key()'s
 *
 * Blocks on the local disk.  Return: CHUNK_LOADER_FOUND with a reference, or
 * CHUNK_LOADER_ABSENT, or -ENOMEM.
 */
int chunk_parts_load(const struct chunk_parts *parts, uint32_t number,
		     uint32_t size, const struct digest *key,
		     struct chunk **ret);
