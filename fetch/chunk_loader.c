/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One scheduler, a few workers, and a board between them.
 *
 *	callers --join--> board --step--> scheduler --fetch--> range_source
 *	   ^                ^                                      |
 *	   |                +---------------answer-----------------+
 *	   +----done----- workers <--landing-- board
 *
 * callers     any thread; find, load from the cache's disk, or join a flight.
 *             Only chunk_loader_get() waits.
 * scheduler   one thread: claims chunks on the node, plans ranges, starts them,
 *             ends what is past its deadline.
 * answers     on the source's thread: hand the body over, nothing else.
 * workers     verify, decode, answer readers, store in the cache, unclaim.
 *
 * Scheduler and workers are started by the first flight (chunk_crew.c): a run
 * that finds all at hand has none.
 *
 * All shared state is in chunk_board.c behind one lock, a leaf that is never
 * held across I/O, a callback or another module's call; read-ahead has a lock
 * of its own.  Deadlines are kept by the scheduler, so a source that never
 * answers costs its readers their deadline and nothing more; its late answer
 * finds the board (which it holds a reference to) and is dropped.
 *
 * See docs/threading.md for the whole program.
 */
#include "fetch/chunk_loader.h"

#include "common/completion.h"
#include "common/error.h"
#include "fetch/chunk_block.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_cache_check.h"
#include "fetch/chunk_crew.h"
#include "fetch/chunk_loader_options.h"
#include "fetch/chunk_lookahead.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_prefetch.h"
#include "fetch/chunk_read_ahead.h"
#include "fetch/chunk_request.h"
#include "fetch/chunk_speculation.h"
#include "fetch/chunk_streamer.h"
#include "fetch/chunk_touches.h"
#include "fetch/range_source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct chunk_loader {
	/* immutable after create */
	struct chunk_parts parts;
	struct chunk_touches *touches;	 /* borrowed; NULL: none */
	struct chunk_streamer *streamer; /* NULL: none is wanted */

	struct chunk_speculation speculation;
	struct chunk_read_ahead read_ahead; /* has a lock of its own */
	struct chunk_lookahead lookahead;   /* has a lock of its own */
	struct chunk_crew crew;		    /* has a lock of its own */
};

int chunk_loader_create(const struct chunk_table *table,
			struct range_source *const *sources,
			uint32_t source_count, struct chunk_cache *cache,
			const struct chunk_loader_options *options,
			struct chunk_loader **ret, struct error *err)
{
	struct chunk_loader_options all =
		chunk_loader_options_complete(options);
	struct chunk_loader *loader;
	struct chunk_traffic_limits limits = {
		.memory_size = all.memory_size,
		.flight_size_max = all.flight_size_max,
		.flight_size_wide = all.flight_size_wide,
		.profile_flight_size = all.profile_flight_size,
		.requests_max = all.requests_max,
		.profile_requests_max = all.profile_requests_max,
		.deadline_ms = all.deadline_ms,
		.plan = {
			.request_size_max = all.request_size_max,
			.gap_size_max = all.gap_size_max,
		},
		.profile_plan = {
			.request_size_max = all.profile_request_size_max,
			.gap_size_max = all.gap_size_max,
		},
	};

	loader = calloc(1, sizeof(*loader));
	if (!loader)
		return error_set(err, -ENOMEM, "out of memory");
	chunk_crew_init(&loader->crew, &loader->parts, all.worker_count);
	chunk_read_ahead_init(
		&loader->read_ahead, table, all.request_size_max,
		chunk_loader_options_read_ahead_max(&all, cache != NULL));
	chunk_lookahead_init(&loader->lookahead, &loader->parts);
	loader->parts = (struct chunk_parts){
		.table = table,
		.sources = sources,
		.source_count = source_count,
		.cache = cache,
		.board = chunk_board_create(&limits),
	};
	if (!loader->parts.board) {
		chunk_loader_destroy(loader);
		return error_set(err, -ENOMEM, "out of memory");
	}
	chunk_board_set_link(loader->parts.board, all.get_link, all.link_arg);
	loader->touches = all.touches;
	loader->speculation = (struct chunk_speculation){
		.parts = &loader->parts,
		.touches = all.touches,
	};
	if (all.may_stream && cache) {
		loader->streamer = chunk_streamer_create(&loader->parts);
		if (!loader->streamer) {
			chunk_loader_destroy(loader);
			return error_set(err, -ENOMEM, "out of memory");
		}
	}
	*ret = loader;
	return 0;
}

void chunk_loader_destroy(struct chunk_loader *loader)
{
	struct chunk_outcome outcome = { 0 };

	if (!loader)
		return;
	if (loader->parts.board)
		chunk_board_stop(loader->parts.board);
	chunk_crew_fini(&loader->crew);
	if (loader->streamer)
		chunk_streamer_stop(loader->streamer);
	if (loader->parts.board) {
		chunk_board_drain(loader->parts.board, &outcome);
		chunk_outcome_settle(&outcome, loader->parts.cache);
		chunk_board_unref(loader->parts.board);
	}
	chunk_streamer_destroy(loader->streamer);
	chunk_lookahead_fini(&loader->lookahead);
	chunk_read_ahead_fini(&loader->read_ahead);
	free(loader);
}

/* From the cache's disk into memory; errors of a chunk_loader_load() */
static int load_cached(struct chunk_loader *loader, uint32_t number,
		       const struct chunk_ref *ref, struct chunk **ret)
{
	CLEANUP(chunk_cache_check_closep)
	struct chunk_cache_check *check = NULL;
	struct chunk_outcome outcome = { 0 };
	struct digest key;
	int r;

	if (!loader->parts.cache ||
	    !chunk_table_get_key(loader->parts.table, ref, &key))
		return CHUNK_LOADER_ABSENT;
	check = chunk_lookahead_take(&loader->lookahead, number);
	if (!check)
		r = chunk_parts_load(&loader->parts, number, ref->raw_size,
				     &key, ret);
	else if (chunk_cache_check_finish(check) == CHUNK_CACHE_CHECK_DONE)
		r = chunk_parts_take(&loader->parts, number, ref->raw_size,
				     check, ret);
	else
		r = CHUNK_LOADER_ABSENT;
	if (r != CHUNK_LOADER_FOUND)
		return r;
	chunk_board_keep(loader->parts.board, *ret, &outcome);
	chunk_outcome_settle(&outcome, loader->parts.cache);
	return CHUNK_LOADER_FOUND;
}

static void note_touch(struct chunk_loader *loader, uint32_t number)
{
	if (loader->touches)
		chunk_touches_note(loader->touches, number);
}

int chunk_loader_load(struct chunk_loader *loader, uint32_t number,
		      struct chunk **ret)
{
	struct chunk *chunk = chunk_board_find(loader->parts.board, number);
	struct chunk_ref ref;
	int r;

	note_touch(loader, number);
	if (chunk) {
		*ret = chunk;
		return CHUNK_LOADER_FOUND;
	}
	r = chunk_parts_get_ref(&loader->parts, number, &ref, NULL);
	if (r < 0)
		return r;
	/* not twice: who asks for it is answered with the others */
	if (chunk_board_is_in_flight(loader->parts.board, number))
		return CHUNK_LOADER_ABSENT;
	return load_cached(loader, number, &ref, ret);
}

bool chunk_loader_has(struct chunk_loader *loader, uint32_t number)
{
	CLEANUP(chunk_unrefp)
	struct chunk *chunk = chunk_board_find(loader->parts.board, number);
	struct chunk_ref ref;
	struct digest key;

	if (chunk)
		return true;
	if (!loader->parts.cache ||
	    chunk_parts_get_ref(&loader->parts, number, &ref, NULL) < 0 ||
	    digest_is_zero(&ref.digest))
		return false;
	chunk_ref_key(&ref, &key);
	return chunk_cache_has(loader->parts.cache, &key, ref.raw_size);
}

/*
 * Give a request what memory and cache have, and make a flight for each chunk
 * they lack.  An error is the request's result.
 */
static int gather(struct chunk_loader *loader, struct chunk_request *request,
		  struct chunk_flight **flights, struct error *err)
{
	bool in_flight[CHUNK_LOADER_REQUEST_CHUNKS_MAX];
	struct chunk_ref ref;

	chunk_board_fill(loader->parts.board, request, in_flight);
	for (size_t i = 0; i < request->count; i++) {
		CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
		uint32_t number = request->numbers[i];
		int r;

		if (request->chunks[i])
			continue;
		r = chunk_parts_get_ref(&loader->parts, number, &ref, err);
		if (r < 0)
			return r;
		if (!in_flight[i])
			r = load_cached(loader, number, &ref, &chunk);
		if (chunk) {
			chunk_request_give(request, i, chunk);
			continue;
		}
		flights[i] = chunk_flight_create(loader->parts.table, number,
						 &ref, request->priority);
		if (r < 0 || !flights[i])
			return error_set(err, -ENOMEM, "out of memory");
		request->miss_number = number;
		request->miss_blob = ref.blob;
		request->miss_size += ref.stored_size;
	}
	return 0;
}

/* What a profile foresaw comes without its neighbours. */
static bool wants_companions(const struct chunk_loader *loader,
			     const struct chunk_request *request)
{
	if (request->priority != CHUNK_DEMAND)
		return false;
	for (size_t i = 0; loader->touches && i < request->count; i++)
		if (chunk_touches_is_expected(loader->touches,
					      request->numbers[i]))
			return false;
	return true;
}

/* Chunks that nobody foresaw: what they cost is counted. */
static void begin_wait(struct chunk_loader *loader,
		       struct chunk_request *request)
{
	if (!loader->streamer)
		return;
	request->streamer = loader->streamer;
	chunk_streamer_begin_wait(loader->streamer, request->miss_blob,
				  request->miss_number, request->miss_size);
}

static int join(struct chunk_loader *loader, struct chunk_request *request,
		struct chunk_flight **flights)
{
	struct chunk_flight *companions[CHUNK_BLOCK_COMPANIONS_MAX];
	struct chunk_outcome outcome = { 0 };
	size_t count = 0;
	int r = chunk_crew_start(&loader->crew, NULL);

	if (r < 0) {
		chunk_request_destroy(request);
		return r;
	}
	if (wants_companions(loader, request)) {
		begin_wait(loader, request);
		count = chunk_block_gather(&loader->parts, flights,
					   request->count, companions);
		count += chunk_speculation_gather(
			&loader->speculation, flights, request->count,
			companions + count, CHUNK_BLOCK_COMPANIONS_MAX - count);
	}
	r = chunk_board_join(loader->parts.board, request, flights, companions,
			     count, &outcome);
	if (r < 0) {
		if (request->streamer)
			chunk_streamer_end_wait(request->streamer,
						request->miss_blob, false);
		chunk_request_destroy(request);
	}
	chunk_outcome_settle(&outcome, loader->parts.cache);
	for (size_t i = 0; i < count; i++)
		chunk_flight_destroy(companions[i]);
	return r;
}

static int submit(struct chunk_loader *loader, struct chunk_request *request)
{
	struct chunk_flight *flights[CHUNK_LOADER_REQUEST_CHUNKS_MAX] = { 0 };
	int r = 0;

	request->result = gather(loader, request, flights, &request->err);
	if (request->result < 0 || request->missing == 0)
		chunk_request_finish(request);
	else
		r = join(loader, request, flights);
	for (size_t i = 0; i < CHUNK_LOADER_REQUEST_CHUNKS_MAX; i++)
		chunk_flight_destroy(flights[i]);
	return r;
}

int chunk_loader_request(struct chunk_loader *loader, const uint32_t *numbers,
			 size_t count, enum chunk_priority priority,
			 chunk_loader_done_fn *done, void *arg)
{
	struct chunk_request *request;

	if (count == 0 || count > CHUNK_LOADER_REQUEST_CHUNKS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] >= loader->parts.table->count)
			return -EINVAL;
	}
	for (size_t i = 0; priority == CHUNK_DEMAND && i < count; i++)
		note_touch(loader, numbers[i]);
	request = chunk_request_create(numbers, count, priority, done, arg);
	if (!request)
		return -ENOMEM;
	return submit(loader, request);
}

/* -- one chunk, waited for */

struct wait {
	struct completion end;
	struct chunk *chunk; /* once it has ended well */
};

static void end_wait(void *arg, int result, struct chunk *const *chunks,
		     size_t count, const struct error *err)
{
	struct wait *wait = arg;

	assert(result < 0 || count == 1);
	(void)count;
	if (result == 0)
		wait->chunk = chunk_ref(chunks[0]);
	completion_end(&wait->end, result, err);
}

int chunk_loader_get(struct chunk_loader *loader, uint32_t number,
		     struct chunk **ret, struct error *err)
{
	struct wait wait = { 0 };
	int r;

	completion_init(&wait.end);
	r = chunk_loader_request(loader, &number, 1, CHUNK_DEMAND, end_wait,
				 &wait);
	if (r < 0)
		error_set_errno(err, r, "cannot ask for chunk %u", number);
	else
		r = completion_wait(&wait.end, err);
	if (r == 0)
		*ret = wait.chunk;
	completion_fini(&wait.end);
	return r;
}

/* -- ahead of demand */

bool chunk_loader_is_at_hand(struct chunk_loader *loader, uint32_t number)
{
	return chunk_prefetch_is_at_hand(&loader->parts, number);
}

/* What nobody can fetch waits for the next one who asks. */
static void see_to(struct chunk_loader *loader, size_t started)
{
	if (started > 0)
		(void)chunk_crew_start(&loader->crew, NULL);
}

void chunk_loader_prefetch(struct chunk_loader *loader, uint32_t first,
			   uint32_t count, enum chunk_priority priority)
{
	see_to(loader,
	       chunk_prefetch_run(&loader->parts, first, count, priority));
}

void chunk_loader_prefetch_many(struct chunk_loader *loader,
				const uint32_t *numbers, uint32_t count,
				enum chunk_priority priority)
{
	see_to(loader,
	       chunk_prefetch_start(&loader->parts, numbers, count, priority));
}

void chunk_loader_prefetch_runs(struct chunk_loader *loader,
				const struct chunk_loader_run *runs,
				size_t run_count, enum chunk_priority priority)
{
	see_to(loader,
	       chunk_prefetch_runs(&loader->parts, runs, run_count, priority));
}

size_t chunk_loader_count_queued(struct chunk_loader *loader,
				 enum chunk_priority priority)
{
	return chunk_board_count_queued(loader->parts.board, priority);
}

void chunk_loader_drop_queued(struct chunk_loader *loader,
			      enum chunk_priority priority)
{
	struct chunk_outcome outcome = { 0 };

	chunk_board_drop_queued(loader->parts.board, priority, &outcome);
	chunk_outcome_settle(&outcome, loader->parts.cache);
}

void chunk_loader_note_read(struct chunk_loader *loader, uint64_t stream,
			    uint32_t first, uint32_t count,
			    uint32_t last_of_file)
{
	struct chunk_read_ahead_range range;
	size_t started;

	/* it is on its way: what lies behind it is not said to be read */
	if (loader->touches &&
	    chunk_touches_are_expected(loader->touches, first, count))
		return;
	/* without a cache what is read ahead must fit into memory */
	if (loader->parts.cache)
		chunk_read_ahead_widen(&loader->read_ahead,
				       chunk_pace_ahead(chunk_board_pace(
					       loader->parts.board)));
	range = chunk_read_ahead_note(&loader->read_ahead, stream, first, count,
				      last_of_file);
	if (range.next_count > 0)
		chunk_lookahead_expect(&loader->lookahead, range.next_first,
				       range.next_count);
	started = chunk_prefetch_missing(&loader->parts, range.first,
					 range.count, CHUNK_READ_AHEAD);
	if (started == 0)
		return;
	see_to(loader, started);
	chunk_traffic_count(
		&chunk_board_counters(loader->parts.board)->read_ahead_chunks,
		started);
}

bool chunk_loader_look_ahead(struct chunk_loader *loader)
{
	return chunk_lookahead_step(&loader->lookahead);
}

void chunk_loader_get_counters(struct chunk_loader *loader,
			       struct chunk_loader_counters *ret)
{
	struct chunk_loader_counters *from =
		chunk_board_counters(loader->parts.board);

#define READ(field) ret->field = __atomic_load_n(&from->field, __ATOMIC_RELAXED)
	READ(memory_hits);
	READ(cache_hits);
	READ(fetched_chunks);
	READ(fetched_bytes);
	READ(fetched_ranges);
	READ(flights_joined);
	READ(node_waits);
	READ(bad_digests);
	READ(failed_chunks);
	READ(cache_store_failures);
	READ(read_ahead_chunks);
	READ(streamed_chunks);
#undef READ
}
