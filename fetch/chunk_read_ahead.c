/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_read_ahead.h"

#include "common/chunk_ref.h"
#include "fetch/chunk_plan.h"

#include <assert.h>
#include <string.h>

/*
 * A program's start reads some neighbouring chunks of many files, and stops:
 * the fourth is where reading ahead begins.  The first window is small, as a
 * share of a request, and grows by a factor.  Where every step costs a long
 * round trip, more is risked sooner.
 */
struct growth {
	unsigned first_step;
	unsigned first_share;
	unsigned factor;
};
static const struct growth near_growth = { 3, 16, 2 };
static const struct growth far_growth = { 2, 4, 4 };

/* Bytes ahead for each byte that a reader has gone past what was expected. */
enum { PROOF_FACTOR = 4 };

void chunk_read_ahead_init(struct chunk_read_ahead *ahead,
			   const struct chunk_table *table, size_t request_size,
			   unsigned requests_max)
{
	assert(request_size > 0);
	memset(ahead, 0, sizeof(*ahead));
	ahead->table = table;
	ahead->request_size = request_size;
	ahead->requests_max = requests_max;
	mutex_init(&ahead->lock);
}

void chunk_read_ahead_fini(struct chunk_read_ahead *ahead)
{
	mutex_fini(&ahead->lock);
}

/* The kernel keeps two reads in flight, which may change places. */
static bool goes_on(const struct chunk_read_ahead_stream *stream,
		    uint32_t first, uint32_t last)
{
	return first <= stream->last + 1 && last + 1 >= stream->last;
}

/* What the next run of a file is expected to be: as long as this one. */
static uint64_t run_size(const struct chunk_read_ahead_stream *stream)
{
	return stream->window > 0 ? stream->size : stream->expected_size;
}

/*
 * The stream that goes on here, or a fresh one: in the place of the one that
 * its file has not used for longest, when that has its share of them, else of
 * anybody's.
 */
static struct chunk_read_ahead_stream *get_stream_locked(
	struct chunk_read_ahead *ahead, uint64_t id, uint32_t first,
	uint32_t last) REQUIRES(ahead->lock)
{
	struct chunk_read_ahead_stream *oldest = &ahead->streams[0];
	struct chunk_read_ahead_stream *oldest_of_id = NULL;
	struct chunk_read_ahead_stream *latest_of_id = NULL;
	struct chunk_read_ahead_stream *found = NULL;
	struct chunk_read_ahead_stream started;
	size_t count = 0;

	for (size_t i = 0; i < CHUNK_READ_AHEAD_STREAMS; i++) {
		struct chunk_read_ahead_stream *stream = &ahead->streams[i];

		if (stream->seen < oldest->seen)
			oldest = stream;
		if (!stream->seen || stream->id != id)
			continue;
		count++;
		if (!oldest_of_id || stream->seen < oldest_of_id->seen)
			oldest_of_id = stream;
		if (!latest_of_id || stream->seen > latest_of_id->seen)
			latest_of_id = stream;
		if (goes_on(stream, first, last) &&
		    (!found || stream->seen > found->seen))
			found = stream;
	}
	if (found)
		return found;
	if (latest_of_id && latest_of_id->window > 0)
		ahead->short_run = latest_of_id->size;
	started = (struct chunk_read_ahead_stream){
		.id = id,
		.last = last,
		.expected_size = latest_of_id ? run_size(latest_of_id) : 0,
	};
	if (started.expected_size == 0) {
		started.expected_size = ahead->short_run;
		started.is_guess = true;
	}
	if (count >= CHUNK_READ_AHEAD_STREAMS_OF_ONE)
		oldest = oldest_of_id;
	*oldest = started;
	return oldest;
}

/* Stored bytes behind @first up to @last, as far as the table is sound. */
static uint64_t measure(const struct chunk_read_ahead *ahead, uint32_t first,
			uint32_t last)
{
	struct chunk_ref ref;
	uint64_t size = 0;

	for (uint32_t number = first + 1; number <= last; number++) {
		if (chunk_table_get(ahead->table, number, &ref) < 0)
			break;
		size += ref.stored_size;
	}
	return size;
}

/*
 * How far ahead at most: to where the file's run before this one ended; for who
 * reads on past that, some times what he has read since.
 */
static uint64_t proven_size(const struct chunk_read_ahead_stream *stream)
{
	if (stream->expected_size == 0)
		return UINT64_MAX;
	if (stream->size < stream->expected_size)
		return stream->expected_size - stream->size;
	return (stream->size - stream->expected_size) * PROOF_FACTOR;
}

/* Files that are read further than the others were teach the next ones so. */
static void doubt_short_run_locked(struct chunk_read_ahead *ahead,
				   struct chunk_read_ahead_stream *stream)
	REQUIRES(ahead->lock)
{
	if (!stream->is_guess || stream->size <= stream->expected_size)
		return;
	stream->is_guess = false;
	ahead->short_run = 0;
}

/*
 * Widen the window of a reader who goes on.  True when he has come to a
 * further chunk, and to where reading ahead begins.
 */
static bool follow(const struct chunk_read_ahead *ahead,
		   struct chunk_read_ahead_stream *stream, size_t wide,
		   uint32_t last)
{
	const struct growth *growth = wide > 0 ? &far_growth : &near_growth;
	size_t narrow = ahead->request_size * ahead->requests_max;
	size_t window_max = wide > narrow ? wide : narrow;
	size_t first_window = ahead->request_size / growth->first_share;
	uint64_t proven;

	if (last <= stream->last)
		return false;
	stream->size += measure(ahead, stream->last, last);
	stream->last = last;
	if (++stream->steps < growth->first_step)
		return false;
	if (stream->window == 0)
		stream->window = first_window;
	else
		stream->window *= growth->factor;
	proven = proven_size(stream);
	if (stream->window > proven)
		stream->window =
			proven > first_window ? (size_t)proven : first_window;
	if (stream->window > window_max)
		stream->window = window_max;
	return true;
}

/*
 * Refill the window when half of it (or a whole request) has been used up, so
 * that what is fetched ahead travels in large ranges.  Sizes are added up to
 * where the window ends: some dozens of chunks, and never more than its
 * requests can hold.
 */
static struct chunk_read_ahead_range refill(
	const struct chunk_read_ahead *ahead,
	struct chunk_read_ahead_stream *stream, uint32_t last_of_file)
{
	struct chunk_read_ahead_range range = { 0 };
	uint64_t end_max =
		stream->last + (stream->window / ahead->request_size + 1) *
				       CHUNK_PLAN_CHUNKS_MAX;
	uint64_t step = stream->window / 2;
	uint64_t size = 0;
	uint32_t number = stream->last + 1;
	struct chunk_ref ref;

	if (step > ahead->request_size)
		step = ahead->request_size;
	if (stream->ahead_end < number)
		stream->ahead_end = number;
	for (; number < stream->ahead_end; number++) {
		if (chunk_table_get(ahead->table, number, &ref) < 0)
			return range;
		size += ref.stored_size;
	}
	if (size + step > stream->window)
		return range;
	for (; number <= last_of_file && number <= end_max &&
	       size < stream->window;
	     number++) {
		if (chunk_table_get(ahead->table, number, &ref) < 0)
			break;
		size += ref.stored_size;
	}
	range.first = stream->ahead_end;
	range.count = number - stream->ahead_end;
	stream->ahead_end = number;
	return range;
}

/* They are checked while the one before is served (chunk_lookahead.h). */
static void add_next(const struct chunk_read_ahead *ahead, uint32_t last,
		     uint32_t last_of_file,
		     struct chunk_read_ahead_range *range)
{
	uint64_t size = 0;
	struct chunk_ref ref;

	range->next_first = last + 1;
	while (size < CHUNK_READ_AHEAD_NEXT_SIZE &&
	       range->next_count < CHUNK_READ_AHEAD_NEXT_MAX) {
		uint32_t number = range->next_first + range->next_count;

		if (number > last_of_file ||
		    chunk_table_get(ahead->table, number, &ref) < 0 ||
		    ref.raw_size > CHUNK_READ_AHEAD_NEXT_CHUNK_MAX)
			break;
		size += ref.raw_size;
		range->next_count++;
	}
}

void chunk_read_ahead_widen(struct chunk_read_ahead *ahead, size_t size)
{
	mutex_lock(&ahead->lock);
	ahead->wide = size;
	mutex_unlock(&ahead->lock);
}

struct chunk_read_ahead_range chunk_read_ahead_note(
	struct chunk_read_ahead *ahead, uint64_t id, uint32_t first,
	uint32_t count, uint32_t last_of_file)
{
	struct chunk_read_ahead_range range = { 0 };
	struct chunk_read_ahead_stream *stream;
	uint32_t last = first + count - 1;

	if (count == 0 || last < first || last >= last_of_file)
		return range;
	mutex_lock(&ahead->lock);
	stream = get_stream_locked(ahead, id, first, last);
	stream->seen = ++ahead->calls;
	if (ahead->requests_max && follow(ahead, stream, ahead->wide, last)) {
		doubt_short_run_locked(ahead, stream);
		range = refill(ahead, stream, last_of_file);
		if (stream->steps >= CHUNK_READ_AHEAD_NEXT_STEPS)
			add_next(ahead, last, last_of_file, &range);
	}
	mutex_unlock(&ahead->lock);
	return range;
}
