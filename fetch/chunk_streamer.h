/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_streamer: lazy or full, decided by measurement.  When the readers of a
 * blob have waited for its chunks, one by one, for a good part of the time that
 * a stream of the whole blob takes, the rest of it is fetched as such a stream,
 * below everything else that is asked for.
 *
 * What counts is the time in which somebody waited for a chunk that no profile
 * and no hint foresaw, less the time that the link takes for its bytes: a
 * reader who waits because the link is full would gain nothing.  What a stream
 * takes follows from the rate at which answers come, and from what cores can
 * decode and store.  Internal to the loader.
 *
 * Threads: any; a lock of its own, and a thread, "streamer", from when readers
 * have waited for CHUNK_STREAMER_ORDERLY_MS_MIN to chunk_streamer_stop(): a
 * start that goes well has none.
 */
#include <stdbool.h>
#include <stdint.h>

struct chunk_link;
struct chunk_parts;
struct chunk_streamer;

enum {
	/* Behind: waited for this part of what a stream takes.  So late that
	 * a start which reads little is left alone, so early that one which
	 * reads all is not far from a full fetch (docs/lazy-or-full.md). */
	CHUNK_STREAMER_SHARE = 4,
	/* Below, nobody is helped: a start is over before the stream is. */
	CHUNK_STREAMER_WAIT_MS_MIN = 3000,
	/* The same of readers who go through the blob in its order, as a start
	 * does not: three of four waits are for what lies close behind the
	 * chunk waited for before. */
	CHUNK_STREAMER_ORDERLY_SHARE = 20,
	CHUNK_STREAMER_ORDERLY_MS_MIN = 1000,
	CHUNK_STREAMER_CLOSE = 32, /* chunks */
	/* Stored bytes a second that two cores decode and store. */
	CHUNK_STREAMER_RATE_MAX = 64 << 20,
};

/* What readers of a blob have waited for. */
struct chunk_streamer_waits {
	uint64_t us;	/* in which one of them waited */
	uint64_t count; /* waits */
	uint64_t close; /* of them, for a chunk close behind the last one */
	uint64_t size;	/* stored bytes that they were for */
};

/**
 * chunk_streamer_is_behind() - whether to stream
 * @size: stored bytes of the blob
 * @link: nothing known of it: never
 *
 * Of a wait a round trip counts, at most: what a busy machine adds to it a
 * stream would suffer from, too.
 */
bool chunk_streamer_is_behind(const struct chunk_streamer_waits *waits,
			      uint64_t size, const struct chunk_link *link);

/** chunk_streamer_create() - @parts: the loader's, with a cache; borrowed, its
 * board is first used by begin_wait; NULL: no memory */
struct chunk_streamer *chunk_streamer_create(const struct chunk_parts *parts);

/** chunk_streamer_begin_wait() - somebody waits for an unforeseen chunk
 * @blob: below the parts' source_count
 * @size: stored bytes waited for */
void chunk_streamer_begin_wait(struct chunk_streamer *streamer, uint32_t blob,
			       uint32_t number, uint64_t size);

/** chunk_streamer_end_wait() - once for each begin; @is_success: it came.  What
 * failed says nothing of how fast others would come, and is not counted */
void chunk_streamer_end_wait(struct chunk_streamer *streamer, uint32_t blob,
			     bool is_success);

/** chunk_streamer_stop() - join the thread; waits may still end */
void chunk_streamer_stop(struct chunk_streamer *streamer);

/** chunk_streamer_destroy() - after chunk_streamer_stop(); NULL is allowed */
void chunk_streamer_destroy(struct chunk_streamer *streamer);
