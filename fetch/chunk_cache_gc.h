/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_cache_gc: walks over the chunk files of a cache directory, to measure,
 * evict and clear.  Layout in docs/cache.md.
 *
 * Touches only files whose names the cache itself gives out.  Memory does not
 * grow with the number of files: ages are counted in a histogram, and a second
 * walk removes what is older than the age it leads to.
 *
 * Threads: any; blocks on the local disk.
 */
#include <stdint.h>

struct error;

enum {
	/* Ages in seconds on a logarithmic scale, 16 steps to the doubling. */
	CHUNK_CACHE_GC_AGES = 1024,
	/* Temporary files older than this belong to nobody who still writes. */
	CHUNK_CACHE_GC_TEMPORARY_AGE_S = 3600,
};

struct chunk_cache_usage {
	uint64_t size; /* bytes of chunk files, headers included */
	uint64_t count;
	int64_t wall_s; /* when the ages were taken */
	uint64_t size_by_age[CHUNK_CACHE_GC_AGES];
};

/**
 * chunk_cache_gc_measure() - what is there; removes left-over temporary files
 *
 * Return: 0, or the negative errno of a directory that cannot be read.
 */
int chunk_cache_gc_measure(int dir_fd, struct chunk_cache_usage *ret,
			   struct error *err);

/**
 * chunk_cache_gc_evict() - remove the least recently used
 * @usage:     from chunk_cache_gc_measure(), just before
 * @free_size: bytes to free; up to usage->size
 *
 * Files used since the measurement are spared.
 *
 * Return: bytes freed; fewer than asked when files cannot be removed.
 */
uint64_t chunk_cache_gc_evict(int dir_fd, const struct chunk_cache_usage *usage,
			      uint64_t free_size);

/** chunk_cache_gc_clear() - remove every chunk and temporary file
 *
 * Return: 0 or the first negative errno, after having tried them all. */
int chunk_cache_gc_clear(int dir_fd, struct error *err);
