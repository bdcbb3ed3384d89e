/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_cache: raw chunks on the node's disk, named by content
 * (chunk_ref_key()), shared by all processes of one user.
 *
 * One file a chunk: a header with its key, size and XXH3-128, then the bytes;
 * written under a temporary name and renamed, so that kill -9 leaves nothing
 * to repair.  What is read is checked by XXH3; a damaged file is removed and
 * counts as absent.  The size is bounded: past it the least recently used go.
 * Layout in docs/cache.md.
 *
 * A tier shared between users would keep stored bytes, whose SHA-256 is checked
 * on every read; its place is another implementation behind the loader.
 *
 * Threads: any.  Blocks only on the local disk.
 */
#include "common/cleanup.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_cache;
struct error;

enum {
	CHUNK_CACHE_HIT = 0,
	CHUNK_CACHE_MISS = 1,
};

enum chunk_cache_claim {
	CHUNK_CACHE_CLAIMED = 0, /* this process fetches it now */
	CHUNK_CACHE_TAKEN = 1,	 /* another process of the node does */
};

struct chunk_cache_figures {
	uint64_t size;		 /* bytes of chunks on disk */
	uint64_t neighbour_size; /* bytes beside them that the bound includes */
	uint64_t size_max;	 /* of both together */
	uint64_t count;		 /* chunks */
};

/**
 * chunk_cache_open() - open or make the cache in a directory
 * @path:     made (0700) when missing; must belong to this user, and nobody
 *            else may have write permission.  One that can only be read
 *            serves: loads work, stores fail
 * @size_max: bytes; 0: a tenth of the file system, and never so much that
 *            less than a twentieth of it stays free; where that leaves less,
 *            half of what is free, up to 1 GiB
 *
 * Call it after the last plain fork: a child would keep claims alive.
 *
 * Return: 0, -EPERM (others own it or may write), the mkdir's or open's errno
 * (@err names the path and what to do), -ENOMEM.
 */
int chunk_cache_open(const char *path, uint64_t size_max,
		     struct chunk_cache **ret, struct error *err);
void chunk_cache_close(struct chunk_cache *cache);
DEFINE_CLEANUP(struct chunk_cache, chunk_cache_close);

/* Bytes in the cache's directory, beside the chunks, that its bound includes.
 */
typedef uint64_t chunk_cache_neighbours_fn(int dir_fd);

/** chunk_cache_set_neighbours() - who is asked for them before each eviction;
 * to be called once, after opening */
void chunk_cache_set_neighbours(struct chunk_cache *cache,
				chunk_cache_neighbours_fn *measure);

/** chunk_cache_dir_fd() - the cache's directory, for index/ and refs/ beside */
int chunk_cache_dir_fd(const struct chunk_cache *cache);

/**
 * chunk_cache_load() - read a chunk
 * @size:     raw size the caller expects; another size is damage
 * @ret_data: room for @size bytes; undefined after a miss
 *
 * Return: CHUNK_CACHE_HIT, CHUNK_CACHE_MISS (absent, damaged, unreadable);
 * never an error: a cache that cannot be read is a miss.
 */
int chunk_cache_load(struct chunk_cache *cache, const struct digest *key,
		     void *ret_data, uint32_t size);

/** chunk_cache_has() - whether a file of that name and size is there */
bool chunk_cache_has(struct chunk_cache *cache, const struct digest *key,
		     uint32_t size);

/**
 * chunk_cache_store() - publish a chunk
 *
 * Makes room when needed.  Return: 0 (also when it was there already),
 * -ENOSPC (disk, quota or bound, nothing evictable; for ten seconds nothing is
 * tried then), -EROFS, -EACCES, -EIO ...: the caller goes on without; nothing
 * already stored is harmed.
 */
int chunk_cache_store(struct chunk_cache *cache, const struct digest *key,
		      const void *data, uint32_t size);

/** chunk_cache_remove() - forget one chunk; absent is fine */
void chunk_cache_remove(struct chunk_cache *cache, const struct digest *key);

/**
 * chunk_cache_try_claim() - become the one process of the node to fetch @key
 *
 * Claims are advisory and vanish with the process.  Within one process the
 * loader's flights already see to it.  On any error the answer is CLAIMED:
 * fetching twice is better than not at all.
 */
enum chunk_cache_claim chunk_cache_try_claim(struct chunk_cache *cache,
					     const struct digest *key);
void chunk_cache_unclaim(struct chunk_cache *cache, const struct digest *key);

/** chunk_cache_collect() - evict down to the bound, remove left-over
 * temporary files older than an hour; what `cache gc` does.  0 also when
 * another process is at it; else the errno of an unreadable directory */
int chunk_cache_collect(struct chunk_cache *cache, struct error *err);

/** chunk_cache_get_figures() - by a walk over the directory */
int chunk_cache_get_figures(struct chunk_cache *cache,
			    struct chunk_cache_figures *ret, struct error *err);

/** chunk_cache_clear() - remove every chunk; claims and indexes stay */
int chunk_cache_clear(struct chunk_cache *cache, struct error *err);
