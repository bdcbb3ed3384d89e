/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_block: the chunks that had better come along with one, because they lie
 * whole within the same pieces of the blob (range_source.alignment): an XRootD
 * cache fetches 128 KiB at a time from its origin, however little it is asked
 * for, and programs read neighbours.  What is at hand is not fetched again.
 * Internal to the loader.
 *
 * Threads: any.
 */
#include <stddef.h>
#include <stdint.h>

struct chunk_flight;
struct chunk_parts;

enum {
	CHUNK_BLOCK_COMPANIONS_MAX = 160, /* of one request */
	CHUNK_BLOCK_REACH_MAX = 64, /* numbers to either side of a chunk */
};

/**
 * chunk_block_gather() - companions of chunks that are to be fetched
 * @flights: of these; NULL entries are passed over
 * @ret:     a new flight each, CHUNK_READ_AHEAD; the caller destroys them
 *
 * None of a source without an alignment.  A chunk may be named twice, or be
 * one of @flights.  Return: how many.
 */
size_t chunk_block_gather(const struct chunk_parts *parts,
			  struct chunk_flight *const *flights, size_t count,
			  struct chunk_flight *ret[CHUNK_BLOCK_COMPANIONS_MAX]);
