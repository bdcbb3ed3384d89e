/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * deferred_source: a range_source that is opened by its first fetch, so that
 * an image whose chunks are all in the cache opens none.
 *
 * Threads: as range_source.h.  The first fetch takes as long as opening does.
 */
#include <stdint.h>

struct error;
struct range_source;

/* Makes the source, of the size announced; may be called again after a
 * failure.  On the thread of a fetch, by one at a time. */
typedef int deferred_open_fn(void *arg, uint32_t number,
			     struct range_source **ret, struct error *err);

/**
 * deferred_source_create() - a source of @size bytes, not opened yet
 * @number: handed to @open
 * @arg:    must outlive the source
 *
 * A fetch fails as @open did: with -ENOMEM, or else -EIO and @open's sentence.
 * Return: NULL when out of memory.
 */
struct range_source *deferred_source_create(uint64_t size,
					    deferred_open_fn *open, void *arg,
					    uint32_t number);
