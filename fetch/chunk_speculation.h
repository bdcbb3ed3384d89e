/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_speculation: on a long, fast link, what lies behind a chunk comes along
 * with it: half of what the link could have carried during the round trip that
 * is due anyway.  A package's files lie side by side in a layer, so a start
 * that nobody has a profile of often reads them next.
 *
 * None on a near or slow link, none where a profile knows better, none of the
 * large chunks that a start seldom reads; and no more than three chunks for
 * each that is read.  Internal to the loader.
 *
 * Threads: any.
 */
#include <stddef.h>
#include <stdint.h>

struct chunk_flight;
struct chunk_link;
struct chunk_parts;
struct chunk_touches;

enum {
	CHUNK_SPECULATION_SIZE_MAX = 1536 << 10, /* bytes behind one chunk */
	CHUNK_SPECULATION_COLD_SIZE = 512 << 10, /* chunks so large are cold */
	CHUNK_SPECULATION_FREE = 32, /* chunks before any proves right */
	CHUNK_SPECULATION_SHARE = 3, /* chunks for each that is read */
};

struct chunk_speculation {
	/* immutable */
	const struct chunk_parts *parts;
	const struct chunk_touches *touches; /* NULL: none is made */

	uint64_t made; /* chunks so far; atomic */
};

/** chunk_speculation_size() - how far behind a chunk to take along, in bytes,
 * on such a link */
size_t chunk_speculation_size(const struct chunk_link *link);

/**
 * chunk_speculation_gather() - companions of chunks that are to be fetched
 * @flights:   of these; NULL entries are passed over
 * @ret:       a new flight each, CHUNK_READ_AHEAD; the caller destroys them
 * @count_max: room in @ret
 *
 * What lies behind the last of @flights and is not at hand; nothing without a
 * cache, nor when too little of what was made has been read.
 * Return: how many.
 */
size_t chunk_speculation_gather(struct chunk_speculation *speculation,
				struct chunk_flight *const *flights,
				size_t count, struct chunk_flight **ret,
				size_t count_max);
