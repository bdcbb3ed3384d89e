/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_block: the chunks that a server reads along with one, because they lie
 * whole within the same of its blocks (range_source.alignment; an XRootD cache
 * fetches 128 KiB at a time from its origin, however little it is asked for).
 * Sent along, they cost the origin nothing and a later read no round trip.
 * Internal to the loader.
 *
 * Threads: any.
 */
#include <stddef.h>
#include <stdint.h>

struct chunk_flight;
struct chunk_parts;

enum {
	CHUNK_BLOCK_COMPANIONS_MAX = 64, /* of one request */
	CHUNK_BLOCK_REACH_MAX = 16,	 /* numbers to either side of a chunk */
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
