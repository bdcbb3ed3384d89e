/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each worker has a decoder of its own and takes one READY flight after
 * another, demands first.  Most of them take only what readers wait for or are
 * about to read; the others take all, and give way to the job for the CPU, so
 * that what is fetched for later does not slow down what runs now.  A flight in
 * LANDING belongs to its worker.
 *
 * Readers are answered before the chunk is written to the cache; the flight
 * stays until it is, so that who asks in between waits for it instead of
 * fetching again, and the claim stays, so that other processes do.
 *
 * Wrong bytes are reported to the source and fetched again, a few times.  A
 * source that failed has retried already: its error ends the flight.
 */
#include "fetch/chunk_worker.h"

#include "common/codec.h"
#include "common/error.h"
#include "fetch/chunk.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_range.h"
#include "fetch/range_source.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	SENDER_SIZE = 256,
	/* A tenth of the weight of the program that starts meanwhile: on two
	 * cores that it and the decoders fill, it is ready 12 % sooner. */
	BACKGROUND_NICE = 10,
};

struct chunk_worker {
	const struct chunk_parts *parts;
	enum chunk_priority least; /* of the flights that it takes */
	struct codec_context *codec;
	uint8_t window[CHUNK_WINDOW_SIZE_MAX];
};

struct chunk_worker *chunk_worker_create(const struct chunk_parts *parts,
					 enum chunk_priority least)
{
	CLEANUP(chunk_worker_destroyp)
	struct chunk_worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	worker->parts = parts;
	worker->least = least;
	worker->codec = codec_context_create();
	return worker->codec ? STEAL_PTR(worker) : NULL;
}

void chunk_worker_destroy(struct chunk_worker *worker)
{
	if (!worker)
		return;
	if (worker->codec)
		codec_context_destroy(worker->codec);
	free(worker);
}

static struct chunk_loader_counters *counters(const struct chunk_worker *worker)
{
	return chunk_board_counters(worker->parts->board);
}

static int check(const struct chunk_ref *ref, const uint8_t *stored,
		 struct error *err)
{
	struct digest digest;

	if (digest_is_zero(&ref->digest))
		return 0;
	digest_compute(stored, ref->stored_size, &digest);
	if (digest_equal(&digest, &ref->digest))
		return 0;
	return error_set(err, -EBADMSG,
			 "wrong bytes: their SHA-256 is not what the index "
			 "says: the server or a cache is damaged; if it was "
			 "replaced, index it anew");
}

static int decode(struct chunk_worker *worker, const struct chunk_ref *ref,
		  const uint8_t *stored, uint8_t *ret_raw, struct error *err)
{
	int r = 0;

	if (ref->window_size)
		r = chunk_table_load_window(worker->parts->table, ref,
					    worker->window);
	if (r < 0)
		return error_set_errno(err, r,
				       "cannot load its window from the index");
	r = codec_decode(worker->codec, ref, stored,
			 ref->window_size ? worker->window : NULL, ret_raw);
	if (r == -ENOTSUP)
		return error_set(err, r, "its compression (%d) is not built in",
				 ref->codec);
	if (r < 0)
		return error_set_errno(err, r, "cannot decode it");
	return 0;
}

/*
 * Body to chunk.  *ret_is_bad: what came is wrong, so another try may help; a
 * chunk without a digest is judged by whether it decodes.
 */
static int open_body(struct chunk_worker *worker,
		     const struct chunk_flight *flight, struct chunk **ret,
		     bool *ret_is_bad, struct error *err)
{
	const struct chunk_ref *ref = &flight->ref;
	const struct chunk_range *range = flight->range;
	const uint8_t *stored = flight->stored;
	autofree uint8_t *raw = NULL;
	int r;

	if (!stored) {
		assert(chunk_range_end_of(range, ref) <= range->size);
		stored = range->data + (ref->stored_off - range->off);
	}
	r = check(ref, stored, err);
	*ret_is_bad = r < 0;
	if (r < 0)
		return r;
	raw = malloc(ref->raw_size ? ref->raw_size : 1);
	if (!raw)
		return error_set(err, -ENOMEM, "out of memory");
	r = decode(worker, ref, stored, raw, err);
	*ret_is_bad = r == -EBADMSG && digest_is_zero(&ref->digest);
	if (r < 0)
		return r;
	*ret = chunk_create(flight->number, raw, ref->raw_size);
	if (!*ret)
		return error_set(err, -ENOMEM, "out of memory");
	raw = NULL;
	chunk_traffic_count(&counters(worker)->fetched_chunks, 1);
	return 0;
}

static bool store(struct chunk_worker *worker,
		  const struct chunk_flight *flight, const struct chunk *chunk)
{
	struct chunk_cache *cache = worker->parts->cache;

	if (!cache || !flight->has_key)
		return false;
	if (chunk_cache_store(cache, &flight->key, chunk->data, chunk->size) ==
	    0)
		return true;
	chunk_traffic_count(&counters(worker)->cache_store_failures, 1);
	return false;
}

static void succeed(struct chunk_worker *worker, struct chunk_flight *flight,
		    struct chunk *chunk, bool is_cached)
{
	const struct chunk_parts *parts = worker->parts;
	struct chunk_outcome outcome = { 0 };

	assert(chunk && chunk->number == flight->number);
	chunk_board_deliver(parts->board, flight, chunk, &outcome);
	chunk_outcome_settle(&outcome, parts->cache);
	if (!is_cached)
		is_cached = store(worker, flight, chunk);
	chunk_board_land(parts->board, flight, chunk, is_cached, &outcome);
	chunk_outcome_settle(&outcome, parts->cache);
}

/* The few codes that a done callback promises; @err keeps the words. */
static int result_of(int code)
{
	switch (code) {
	case -EBADMSG:
	case -ETIMEDOUT:
	case -ENOMEM:
	case -ECANCELED:
		return code;
	default:
		return -EIO;
	}
}

static void fail(struct chunk_worker *worker, struct chunk_flight *flight,
		 int code, bool may_retry, struct error *err)
{
	const struct chunk_parts *parts = worker->parts;
	const struct chunk_ref *ref = &flight->ref;
	struct chunk_outcome outcome = { 0 };
	int result = result_of(code);

	error_prefix(err, result, "chunk %u (%u bytes at %llu of blob %u)",
		     flight->number, ref->stored_size,
		     (unsigned long long)ref->stored_off, ref->blob);
	if (may_retry)
		chunk_board_retry(parts->board, flight, result, err, &outcome);
	else
		chunk_board_fail(parts->board, flight, result, err, &outcome);
	chunk_outcome_settle(&outcome, parts->cache);
}

/* A flight whose chunk is in the cache by now. */
static void land_cached(struct chunk_worker *worker,
			struct chunk_flight *flight)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
	struct error err = { 0 };
	int r = chunk_parts_load(worker->parts, flight->number,
				 flight->ref.raw_size, &flight->key, &chunk);

	if (r == CHUNK_LOADER_FOUND) {
		succeed(worker, flight, chunk, true);
		return;
	}
	if (r == CHUNK_LOADER_ABSENT)
		r = error_set(&err, -EIO, "it vanished from the cache");
	else
		error_set_errno(&err, r, "cannot load it from the cache");
	fail(worker, flight, r, r == -EIO, &err);
}

static void report_bad(struct range_source *source, const struct chunk_ref *ref,
		       struct error *err)
{
	char sender[SENDER_SIZE];

	if (range_source_find_sender(source, ref->stored_off, ref->stored_size,
				     sender, sizeof(sender)))
		error_prefix(err, err->code, "%s", sender);
	range_source_report_bad(source, ref->stored_off, ref->stored_size);
}

static void land_fetched(struct chunk_worker *worker,
			 struct chunk_flight *flight)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
	const struct chunk_ref *ref = &flight->ref;
	struct error err = { 0 };
	bool is_bad = false;
	int r = open_body(worker, flight, &chunk, &is_bad, &err);

	if (r == 0) {
		succeed(worker, flight, chunk, false);
		return;
	}
	if (is_bad) {
		chunk_traffic_count(&counters(worker)->bad_digests, 1);
		report_bad(worker->parts->sources[ref->blob], ref, &err);
	}
	fail(worker, flight, r, is_bad, &err);
}

/* The calling thread's; refusal does no harm. */
static void give_way(void)
{
	setpriority(PRIO_PROCESS, (id_t)gettid(), BACKGROUND_NICE);
	/* and who wakes it goes on: another 3 % */
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
}

void *chunk_worker_run(void *arg)
{
	struct chunk_worker *worker = arg;
	struct chunk_flight *flight;

	if (worker->least == CHUNK_FILL)
		give_way();
	while ((flight = chunk_board_next_landing(worker->parts->board,
						  worker->least))) {
		const struct chunk_range *range = flight->range;

		if (flight->stored) {
			land_fetched(worker, flight);
		} else if (!range) {
			land_cached(worker, flight);
		} else if (range->result < 0) {
			struct error err = range->err;

			/* those who joined late may have time left */
			fail(worker, flight, range->result,
			     range->result == -ETIMEDOUT, &err);
		} else {
			land_fetched(worker, flight);
		}
	}
	return NULL;
}
