/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread model: whoever reads begins waits, whoever answers ends them, and the
 * first end past CHUNK_STREAMER_ORDERLY_MS_MIN starts the thread, which decides
 * and asks.  streamer.lock is a leaf; the thread is made without it, by the one
 * who has set has_thread.
 */
#include "fetch/chunk_streamer.h"

#include "common/chunk_ref.h"
#include "common/clock.h"
#include "common/thread.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_pace.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_prefetch.h"

#include <assert.h>
#include <stdlib.h>

enum {
	TICK_MS = 50,	  /* while a stream is asked for */
	QUEUED_MAX = 512, /* chunks: more than come within a tick */
	BATCH = 64,
};

/* The thread's view of a blob: its chunks, and those still to be asked for. */
struct stream {
	uint32_t first;
	uint32_t end;
	uint64_t size; /* stored bytes */
	bool is_on;
	uint32_t next;
	uint32_t left;
};

struct wait_time {
	unsigned waiting; /* readers, now */
	int64_t since_us; /* while there are any */
	uint32_t last;	  /* chunk waited for */
	struct chunk_streamer_waits sum;
};

struct chunk_streamer {
	/* immutable */
	const struct chunk_parts *parts;
	uint32_t blob_count;

	struct stream *streams; /* the thread's */
	pthread_t thread;	/* of who set has_thread, then of stop() */

	struct mutex lock;
	struct condition wakes;
	/* -- protected by lock */
	struct wait_time *waits GUARDED;
	bool has_thread GUARDED;
	bool is_running GUARDED; /* to be joined */
	bool is_stopped GUARDED;
};

static bool are_orderly(const struct chunk_streamer_waits *waits)
{
	return waits->close >= waits->count - waits->count / 4;
}

bool chunk_streamer_is_behind(const struct chunk_streamer_waits *waits,
			      uint64_t size, const struct chunk_link *link)
{
	uint64_t rate = link->rate < CHUNK_STREAMER_RATE_MAX
				? link->rate
				: CHUNK_STREAMER_RATE_MAX;
	uint64_t trips_ms = waits->count * link->rtt_us / 1000;
	uint64_t lost_ms = waits->us / 1000;
	bool is_orderly = are_orderly(waits);
	uint64_t min_ms = is_orderly ? CHUNK_STREAMER_ORDERLY_MS_MIN
				     : CHUNK_STREAMER_WAIT_MS_MIN;
	uint64_t share = is_orderly ? CHUNK_STREAMER_ORDERLY_SHARE
				    : CHUNK_STREAMER_SHARE;
	uint64_t due_ms;

	if (rate == 0)
		return false;
	/* sizes and times that overflow are beyond any image */
	due_ms = waits->size * 1000 / rate;
	lost_ms = lost_ms > due_ms ? lost_ms - due_ms : 0;
	if (lost_ms > trips_ms)
		lost_ms = trips_ms;
	return lost_ms >= min_ms && lost_ms * share >= size * 1000 / rate;
}

struct chunk_streamer *chunk_streamer_create(const struct chunk_parts *parts)
{
	struct chunk_streamer *streamer = calloc(1, sizeof(*streamer));
	bool has_memory;

	if (!streamer)
		return NULL;
	assert(parts->cache);
	streamer->parts = parts;
	streamer->blob_count = parts->source_count;
	mutex_init(&streamer->lock);
	condition_init(&streamer->wakes);
	streamer->streams = calloc((size_t)parts->source_count + 1,
				   sizeof(*streamer->streams));
	mutex_lock(&streamer->lock);
	streamer->waits = calloc((size_t)parts->source_count + 1,
				 sizeof(*streamer->waits));
	has_memory = streamer->streams && streamer->waits;
	mutex_unlock(&streamer->lock);
	if (!has_memory) {
		chunk_streamer_destroy(streamer);
		return NULL;
	}
	return streamer;
}

/* -- the thread */

/* Which chunks are whose.  A table that is damaged has no streams. */
static void survey(struct chunk_streamer *streamer)
{
	const struct chunk_table *table = streamer->parts->table;
	struct chunk_ref ref;

	for (uint32_t i = 0; i < table->count; i++) {
		struct stream *stream;

		if (chunk_parts_get_ref(streamer->parts, i, &ref, NULL) < 0)
			continue;
		stream = &streamer->streams[ref.blob];
		if (stream->size == 0)
			stream->first = i;
		stream->end = i + 1;
		stream->size += ref.stored_size;
	}
}

static void decide(struct chunk_streamer *streamer, uint32_t blob,
		   const struct chunk_link *link)
{
	struct stream *stream = &streamer->streams[blob];
	struct wait_time waited;

	mutex_lock(&streamer->lock);
	waited = streamer->waits[blob];
	mutex_unlock(&streamer->lock);
	if (!chunk_streamer_is_behind(&waited.sum, stream->size, link))
		return;
	stream->is_on = true;
	stream->left = stream->end - stream->first;
	/* who reads on finds the stream before him */
	stream->next =
		waited.last + 1 < stream->end ? waited.last + 1 : stream->first;
}

/* Keep some queued; false when there is nothing more to ask for. */
static bool top_up(struct chunk_streamer *streamer, struct stream *stream)
{
	const struct chunk_parts *parts = streamer->parts;

	while (stream->left > 0 &&
	       chunk_board_count_queued(parts->board, CHUNK_FILL) <
		       QUEUED_MAX) {
		uint32_t count = stream->end - stream->next;

		count = count < stream->left ? count : stream->left;
		count = count < BATCH ? count : BATCH;
		chunk_traffic_count(
			&chunk_board_counters(parts->board)->streamed_chunks,
			chunk_prefetch_run(parts, stream->next, count,
					   CHUNK_FILL));
		stream->left -= count;
		stream->next += count;
		if (stream->next == stream->end)
			stream->next = stream->first;
	}
	return stream->left > 0;
}

/* Until there is more to do, or it is to end: then false. */
static bool rest(struct chunk_streamer *streamer, bool is_streaming)
{
	bool is_stopped;

	mutex_lock(&streamer->lock);
	if (!streamer->is_stopped && is_streaming)
		condition_wait_until(&streamer->wakes, &streamer->lock,
				     clock_ms() + TICK_MS);
	else if (!streamer->is_stopped)
		condition_wait(&streamer->wakes, &streamer->lock);
	is_stopped = streamer->is_stopped;
	mutex_unlock(&streamer->lock);
	return !is_stopped;
}

static void *run(void *arg)
{
	struct chunk_streamer *streamer = arg;
	bool is_streaming;

	survey(streamer);
	do {
		struct chunk_link link = { 0 };

		is_streaming = false;
		chunk_board_get_link(streamer->parts->board, &link);
		for (uint32_t i = 0; i < streamer->blob_count; i++) {
			struct stream *stream = &streamer->streams[i];

			if (!stream->is_on)
				decide(streamer, i, &link);
			if (stream->is_on)
				is_streaming |= top_up(streamer, stream);
		}
	} while (rest(streamer, is_streaming));
	return NULL;
}

/* -- readers and answers */

void chunk_streamer_begin_wait(struct chunk_streamer *streamer, uint32_t blob,
			       uint32_t number, uint64_t size)
{
	struct wait_time *wait;

	assert(blob < streamer->blob_count);
	mutex_lock(&streamer->lock);
	wait = &streamer->waits[blob];
	if (wait->waiting++ == 0)
		wait->since_us = clock_us();
	if (number >= wait->last && number - wait->last <= CHUNK_STREAMER_CLOSE)
		wait->sum.close++;
	wait->last = number;
	wait->sum.size += size;
	wait->sum.count++;
	mutex_unlock(&streamer->lock);
}

void chunk_streamer_end_wait(struct chunk_streamer *streamer, uint32_t blob,
			     bool is_success)
{
	int64_t now_us = clock_us();
	struct wait_time *wait;
	bool is_first = false;

	mutex_lock(&streamer->lock);
	wait = &streamer->waits[blob];
	assert(wait->waiting > 0);
	wait->waiting--;
	if (is_success && now_us > wait->since_us)
		wait->sum.us += (uint64_t)(now_us - wait->since_us);
	wait->since_us = now_us;
	if (wait->sum.us / 1000 >= CHUNK_STREAMER_ORDERLY_MS_MIN &&
	    !streamer->is_stopped) {
		is_first = !streamer->has_thread;
		streamer->has_thread = true;
		condition_signal(&streamer->wakes);
	}
	mutex_unlock(&streamer->lock);
	/* without a thread all goes on as before */
	if (!is_first ||
	    thread_start(&streamer->thread, "streamer", run, streamer) < 0)
		return;
	mutex_lock(&streamer->lock);
	streamer->is_running = true;
	mutex_unlock(&streamer->lock);
}

void chunk_streamer_stop(struct chunk_streamer *streamer)
{
	bool is_running;

	mutex_lock(&streamer->lock);
	streamer->is_stopped = true;
	is_running = streamer->is_running;
	streamer->is_running = false;
	condition_signal(&streamer->wakes);
	mutex_unlock(&streamer->lock);
	if (is_running)
		pthread_join(streamer->thread, NULL);
}

void chunk_streamer_destroy(struct chunk_streamer *streamer)
{
	if (!streamer)
		return;
	mutex_lock(&streamer->lock);
	free(streamer->waits);
	mutex_unlock(&streamer->lock);
	condition_fini(&streamer->wakes);
	mutex_fini(&streamer->lock);
	free(streamer->streams);
	free(streamer);
}
