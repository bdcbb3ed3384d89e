/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_prefetch: flights that nobody waits for.  Internal to the loader.
 *
 * Threads: any.
 */
#include "fetch/chunk_loader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_parts;

/**
 * chunk_prefetch_start() - for these chunks, queued at once
 *
 * Left out: what is in memory or in flight, numbers that are none, and what
 * there is no memory or place for.  Return: how many were started.
 */
size_t chunk_prefetch_start(const struct chunk_parts *parts,
			    const uint32_t *numbers, uint32_t count,
			    enum chunk_priority priority);

/** chunk_prefetch_runs() - the same for the chunks of some runs, which share
 * no range with each other */
size_t chunk_prefetch_runs(const struct chunk_parts *parts,
			   const struct chunk_loader_run *runs,
			   size_t run_count, enum chunk_priority priority);

/** chunk_prefetch_run() - the same for chunks that follow each other */
size_t chunk_prefetch_run(const struct chunk_parts *parts, uint32_t first,
			  uint32_t count, enum chunk_priority priority);

/** chunk_prefetch_missing() - the same, from the first of them that is not at
 * hand: to look costs less than to wake the scheduler, which would */
size_t chunk_prefetch_missing(const struct chunk_parts *parts, uint32_t first,
			      uint32_t count, enum chunk_priority priority);

/** chunk_prefetch_is_at_hand() - in memory, on its way, or a file of the cache
 */
bool chunk_prefetch_is_at_hand(const struct chunk_parts *parts,
			       uint32_t number);
