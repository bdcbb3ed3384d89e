/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of chunk files.  Layout and record: docs/cache.md.
 *
 * There is no catalogue: the directory is the truth, so a process that is
 * killed at any point leaves nothing to repair, and any number of processes
 * share it without a daemon.  A chunk appears by rename(2), whole or not at
 * all; nothing is synced to the disk, because whatever a power cut leaves is
 * found out by the hash when it is read.
 *
 * Least recently used: the modification time of a chunk's file is the time of
 * its last use, within an hour, so that a warm run writes next to nothing.
 *
 * The bound is watched by those who store: after a sixteenth of it (64 MiB at
 * most) a process walks over the directory and evicts down to nine tenths of
 * it.  Between walks each process may go past the bound by that sixteenth.
 *
 * Threads: no lock; two atomics and one flag.  Every call is a handful of
 * system calls on the local disk.
 */
#include "fetch/chunk_cache.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "common/le.h"
#include "fetch/chunk_cache_file.h"
#include "fetch/chunk_cache_gc.h"
#include "fetch/chunk_cache_name.h"
#include "fetch/node_lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	/* A full disk is left alone for so long before it is tried again. */
	FULL_PAUSE_MS = 10000,
	COLLECT_SIZE_MAX = 64 << 20,
};

/* Where statvfs(2) knows nothing. */
static const uint64_t disk_size_fallback = 10ull << 30;

/* Where less than a twentieth of the disk is free. */
static const uint64_t crowded_size_max = 1ull << 30;

/* Bytes of the claims file: one per key below, the collector's above. */
static const uint64_t claim_mask = (1ull << 62) - 1;
static const uint64_t collector_off = 1ull << 62;

struct chunk_cache {
	int dir_fd;
	struct node_lock claims;
	uint64_t size_max;
	bool size_is_default; /* then free space bounds it too */
	chunk_cache_neighbours_fn *measure_neighbours; /* or NULL */
	uint64_t collect_size; /* bytes stored between walks */

	/* Relaxed: both only decide when to try something again. */
	_Atomic uint64_t stored_size;
	_Atomic int64_t full_until_ms;
	/* Acquire and release around one walk per process. */
	atomic_flag is_collecting;
};

static int open_dir(const char *path, struct error *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = open(path, flags);

	if (fd < 0 && errno == ENOENT) {
		int r = io_mkdir_all(path, 0700, err);

		if (r < 0)
			return error_prefix(
				err, r,
				"no place for the chunk cache, choose another "
				"directory");
		fd = open(path, flags);
	}
	if (fd < 0)
		return error_set_errno(err, -errno,
				       "cannot use %s for the chunk cache, "
				       "choose another directory",
				       path);
	return fd;
}

static int check_owner(int dir_fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0)
		return error_set_errno(err, -errno, "cannot stat %s", path);
	if (st.st_uid != geteuid())
		return error_set(err, -EPERM,
				 "the chunk cache %s belongs to user %u, not "
				 "to you (%u): choose another directory",
				 path, st.st_uid, geteuid());
	/* Its hashes stand against bit rot, not against another writer. */
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, -EPERM,
				 "others may write to the chunk cache %s: "
				 "chmod go-w it or choose another directory",
				 path);
	return 0;
}

/* Bytes of the file system, and those of them that are free for this user. */
static void measure_disk(int dir_fd, uint64_t *ret_total,
			 uint64_t *ret_available)
{
	struct statvfs fs;

	if (fstatvfs(dir_fd, &fs) < 0 || fs.f_blocks == 0 ||
	    !le_mul(fs.f_blocks, fs.f_frsize, ret_total) ||
	    !le_mul(fs.f_bavail, fs.f_frsize, ret_available)) {
		*ret_total = disk_size_fallback;
		*ret_available = disk_size_fallback;
	}
}

/* The bound of chunks and neighbours, @used bytes of it being in use. */
static uint64_t common_limit(const struct chunk_cache *cache, uint64_t used)
{
	uint64_t total;
	uint64_t available;
	uint64_t room;
	uint64_t limit;

	if (!cache->size_is_default)
		return cache->size_max;
	measure_disk(cache->dir_fd, &total, &available);
	if (!le_add(used, available, &room))
		return 0;
	/* on a crowded disk enough for one start, or it would fetch a chunk
	 * again and again */
	limit = room / 2 < crowded_size_max ? room / 2 : crowded_size_max;
	if (room > total / 20 && room - total / 20 > limit)
		limit = room - total / 20;
	return limit < cache->size_max ? limit : cache->size_max;
}

static uint64_t neighbour_size(const struct chunk_cache *cache)
{
	return cache->measure_neighbours
		       ? cache->measure_neighbours(cache->dir_fd)
		       : 0;
}

/* The bound of chunks as it is now, which take @used bytes. */
static uint64_t size_limit(const struct chunk_cache *cache, uint64_t used)
{
	uint64_t others = neighbour_size(cache);
	uint64_t all;
	uint64_t limit;

	if (!le_add(used, others, &all))
		return 0;
	limit = common_limit(cache, all);
	return limit > others ? limit - others : 0;
}

int chunk_cache_open(const char *path, uint64_t size_max,
		     struct chunk_cache **ret, struct error *err)
{
	CLEANUP(chunk_cache_closep) struct chunk_cache *cache = NULL;
	uint64_t total;
	uint64_t available;
	int r;

	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return error_set(err, -ENOMEM, "out of memory");
	cache->claims = (struct node_lock)NODE_LOCK_INIT;
	cache->dir_fd = open_dir(path, err);
	if (cache->dir_fd < 0)
		return cache->dir_fd;
	r = check_owner(cache->dir_fd, path, err);
	if (r < 0)
		return r;
	/* A directory that can only be read serves, without claims. */
	(void)node_lock_open(cache->dir_fd, CHUNK_CACHE_NAME_CLAIMS,
			     &cache->claims);
	cache->size_is_default = size_max == 0;
	measure_disk(cache->dir_fd, &total, &available);
	cache->size_max = size_max ? size_max : total / 10;
	cache->collect_size = cache->size_max / 16 < COLLECT_SIZE_MAX
				      ? cache->size_max / 16
				      : COLLECT_SIZE_MAX;
	atomic_flag_clear(&cache->is_collecting);
	*ret = STEAL_PTR(cache);
	return 0;
}

void chunk_cache_close(struct chunk_cache *cache)
{
	if (!cache)
		return;
	node_lock_close(&cache->claims);
	if (cache->dir_fd >= 0)
		close(cache->dir_fd);
	free(cache);
}

void chunk_cache_set_neighbours(struct chunk_cache *cache,
				chunk_cache_neighbours_fn *measure)
{
	assert(!cache->measure_neighbours);
	cache->measure_neighbours = measure;
}

int chunk_cache_dir_fd(const struct chunk_cache *cache)
{
	return cache->dir_fd;
}

/* What a load has come to; damage is removed. */
static int settle(struct chunk_cache *cache, const char *path, int code)
{
	if (code == 0)
		return CHUNK_CACHE_HIT;
	if (code != -ENOENT)
		(void)unlinkat(cache->dir_fd, path, 0);
	return CHUNK_CACHE_MISS;
}

int chunk_cache_load(struct chunk_cache *cache, const struct digest *key,
		     void *ret_data, uint32_t size)
{
	char path[CHUNK_CACHE_NAME_SIZE];

	chunk_cache_name_format(key, path);
	return settle(cache, path,
		      chunk_cache_file_load(cache->dir_fd, path, key, ret_data,
					    size));
}

bool chunk_cache_has(struct chunk_cache *cache, const struct digest *key,
		     uint32_t size)
{
	char path[CHUNK_CACHE_NAME_SIZE];
	struct stat st;

	chunk_cache_name_format(key, path);
	return fstatat(cache->dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == chunk_cache_file_size(size);
}

/*
 * Evict down to nine tenths of the bound when past it, and @need_size bytes
 * in any case.  0 also when somebody else is at it.
 */
static int collect_now(struct chunk_cache *cache, uint64_t need_size,
		       struct error *err)
{
	autofree struct chunk_cache_usage *usage = malloc(sizeof(*usage));
	uint64_t limit;
	uint64_t excess = 0;
	int r;

	if (!usage)
		return error_set(err, -ENOMEM, "out of memory");
	r = chunk_cache_gc_measure(cache->dir_fd, usage, err);
	if (r < 0)
		return r;
	limit = size_limit(cache, usage->size);
	if (usage->size > limit)
		excess = usage->size - limit / 10 * 9;
	if (excess < need_size)
		excess = need_size;
	if (excess > usage->size)
		excess = usage->size;
	(void)chunk_cache_gc_evict(cache->dir_fd, usage, excess);
	return 0;
}

static int collect(struct chunk_cache *cache, uint64_t need_size,
		   struct error *err)
{
	int r = 0;

	if (atomic_flag_test_and_set_explicit(&cache->is_collecting,
					      memory_order_acquire))
		return 0;
	atomic_store_explicit(&cache->stored_size, 0, memory_order_relaxed);
	if (node_lock_try(&cache->claims, collector_off) != NODE_LOCK_TAKEN) {
		r = collect_now(cache, need_size, err);
		node_lock_release(&cache->claims, collector_off);
	}
	atomic_flag_clear_explicit(&cache->is_collecting, memory_order_release);
	return r;
}

static void note_stored(struct chunk_cache *cache, uint64_t size)
{
	uint64_t stored =
		size + atomic_fetch_add_explicit(&cache->stored_size, size,
						 memory_order_relaxed);

	if (stored >= cache->collect_size)
		(void)collect(cache, 0, NULL);
}

int chunk_cache_store(struct chunk_cache *cache, const struct digest *key,
		      const void *data, uint32_t size)
{
	uint64_t need_size = chunk_cache_file_size(size);
	int r;

	if (need_size > cache->size_max)
		return -ENOSPC;
	if (chunk_cache_has(cache, key, size))
		return 0;
	if (clock_ms() <
	    atomic_load_explicit(&cache->full_until_ms, memory_order_relaxed))
		return -ENOSPC;
	r = chunk_cache_file_store(cache->dir_fd, key, data, size);
	if (r == -ENOSPC) {
		/* room for some more, so that this is not done each time */
		(void)collect(cache, 16 * need_size, NULL);
		r = chunk_cache_file_store(cache->dir_fd, key, data, size);
	}
	if (r == -ENOSPC)
		atomic_store_explicit(&cache->full_until_ms,
				      clock_ms() + FULL_PAUSE_MS,
				      memory_order_relaxed);
	if (r == 0)
		note_stored(cache, need_size);
	return r;
}

void chunk_cache_remove(struct chunk_cache *cache, const struct digest *key)
{
	char path[CHUNK_CACHE_NAME_SIZE];

	chunk_cache_name_format(key, path);
	(void)unlinkat(cache->dir_fd, path, 0);
}

/* Two keys with one offset only wait for each other. */
static uint64_t claim_off(const struct digest *key)
{
	return le_load64(key->bytes) & claim_mask;
}

enum chunk_cache_claim chunk_cache_try_claim(struct chunk_cache *cache,
					     const struct digest *key)
{
	int r = node_lock_try(&cache->claims, claim_off(key));

	return r == NODE_LOCK_TAKEN ? CHUNK_CACHE_TAKEN : CHUNK_CACHE_CLAIMED;
}

void chunk_cache_unclaim(struct chunk_cache *cache, const struct digest *key)
{
	node_lock_release(&cache->claims, claim_off(key));
}

int chunk_cache_collect(struct chunk_cache *cache, struct error *err)
{
	return collect(cache, 0, err);
}

int chunk_cache_get_figures(struct chunk_cache *cache,
			    struct chunk_cache_figures *ret, struct error *err)
{
	autofree struct chunk_cache_usage *usage = malloc(sizeof(*usage));
	int r;

	if (!usage)
		return error_set(err, -ENOMEM, "out of memory");
	r = chunk_cache_gc_measure(cache->dir_fd, usage, err);
	if (r < 0)
		return r;
	ret->size = usage->size;
	ret->count = usage->count;
	ret->neighbour_size = neighbour_size(cache);
	ret->size_max = common_limit(cache, usage->size + ret->neighbour_size);
	return 0;
}

int chunk_cache_clear(struct chunk_cache *cache, struct error *err)
{
	return chunk_cache_gc_clear(cache->dir_fd, err);
}
