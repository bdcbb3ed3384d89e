/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_cache_check: a chunk's file in the cache, checked to be what it should
 * be, at once or step by step, whose bytes stay where they are: in the page
 * cache.
 *
 * They are read through a buffer that stays in the processor's cache; mapping
 * the file costs more, by its page tables (docs/figures.md).  A file in the
 * cache never changes: a chunk is replaced by another file.  So what was
 * checked once is what will be read from the descriptor, as surely as the disk
 * gives the same bytes again should memory have become short meanwhile.
 *
 * Threads: one at a time for each check.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk_cache;
struct chunk_cache_check;
struct digest;

enum {
	CHUNK_CACHE_CHECK_DONE = 0,
	CHUNK_CACHE_CHECK_FAILED = 1, /* damaged or unreadable: removed */
	CHUNK_CACHE_CHECK_MORE = 2,
	CHUNK_CACHE_CHECK_STEP = 64 << 10, /* bytes of one step */
};

/**
 * chunk_cache_check_open() - begin with a chunk
 * @cache: borrowed, until the check is closed
 * @size:  raw size the caller expects; another size is damage
 *
 * Return: CHUNK_CACHE_HIT, CHUNK_CACHE_MISS (absent, or of another size and
 * removed), -ENOMEM.
 */
int chunk_cache_check_open(struct chunk_cache *cache, const struct digest *key,
			   uint32_t size, struct chunk_cache_check **ret);
void chunk_cache_check_close(struct chunk_cache_check *check);
DEFINE_CLEANUP(struct chunk_cache_check, chunk_cache_check_close);

/**
 * chunk_cache_check_step() - check CHUNK_CACHE_CHECK_STEP bytes more
 *
 * Does not wait for the disk: some ten microseconds.
 *
 * Return: CHUNK_CACHE_CHECK_MORE, _DONE, _FAILED, or -EAGAIN (not in memory,
 * or the file system cannot tell): then the disk has been asked for it.
 */
int chunk_cache_check_step(struct chunk_cache_check *check);

/** chunk_cache_check_finish() - check what is left, and wait for the disk;
 * CHUNK_CACHE_CHECK_DONE or _FAILED */
int chunk_cache_check_finish(struct chunk_cache_check *check);

/**
 * chunk_cache_check_take() - the file, once it is checked
 *
 * Return: a descriptor, the caller's, in which the chunk's bytes begin at
 * CHUNK_RECORD_HEADER_SIZE.  Only after CHUNK_CACHE_CHECK_DONE, and once.
 */
int chunk_cache_check_take(struct chunk_cache_check *check);
