/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_cache_name: the names of files in a cache directory (docs/cache.md,
 * "Layout"), all relative to that directory.
 *
 *	chunks/a/bcdef...       a chunk: its key in hex, 1 + 63 digits
 *	chunks/a/.tmp-*         a chunk being written
 *	claims                  one byte to lock for each key
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stdint.h>

struct digest;

enum {
	CHUNK_CACHE_NAME_SIZE = 80, /* of every path here, with its NUL */
	CHUNK_CACHE_NAME_SHARDS = 16,
	CHUNK_CACHE_NAME_FORMER_SHARDS = 256,
};

#define CHUNK_CACHE_NAME_FOLDER "chunks"
#define CHUNK_CACHE_NAME_CLAIMS "claims"

/** chunk_cache_name_format() - where the chunk of this key lies */
void chunk_cache_name_format(const struct digest *key,
			     char ret_path[CHUNK_CACHE_NAME_SIZE]);

/** chunk_cache_name_format_temporary() - a fresh name in the same folder */
void chunk_cache_name_format_temporary(const struct digest *key,
				       char ret_path[CHUNK_CACHE_NAME_SIZE]);

/** chunk_cache_name_shard() - the number of the folder of this key */
unsigned chunk_cache_name_shard(const struct digest *key);

/**
 * chunk_cache_name_format_former() - "chunks/0a" for 10
 * @shard: below CHUNK_CACHE_NAME_FORMER_SHARDS
 *
 * A folder as it was named before there were 16 of them; chunks in it are not
 * found any more.
 */
void chunk_cache_name_format_former(unsigned shard,
				    char ret_path[CHUNK_CACHE_NAME_SIZE]);

/** chunk_cache_name_format_shard() - "chunks/a" for 10 */
void chunk_cache_name_format_shard(unsigned shard,
				   char ret_path[CHUNK_CACHE_NAME_SIZE]);

/** chunk_cache_name_is_chunk() - whether a file in a shard is a chunk */
bool chunk_cache_name_is_chunk(const char *name);

/** chunk_cache_name_is_temporary() - ".tmp-*", io_write_file_atomic()'s too */
bool chunk_cache_name_is_temporary(const char *name);
