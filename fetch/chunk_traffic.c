/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_traffic.h"

#include "common/error.h"
#include "fetch/chunk.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_range.h"
#include "fetch/chunk_request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* A flight needs its body no more. */
static void leave_range(struct chunk_traffic *traffic,
			struct chunk_flight *flight,
			struct chunk_outcome *outcome)
{
	struct chunk_range *range = flight->range;

	if (flight->stored) {
		assert(traffic->early_size >= flight->ref.stored_size);
		traffic->early_size -= flight->ref.stored_size;
		free(flight->stored);
		flight->stored = NULL;
	}
	if (!range)
		return;
	flight->range = NULL;
	assert(range->refs > 0);
	if (--range->refs > 0)
		return;
	assert(!range->is_abandoned && traffic->flight_size >= range->size);
	traffic->flight_size -= range->size;
	DL_APPEND(outcome->ranges, range);
}

static void stop_waiting(struct chunk_waiter *waiter)
{
	DL_DELETE(waiter->flight->waiters, waiter);
	waiter->flight = NULL;
}

static void finish_request(struct chunk_traffic *traffic,
			   struct chunk_request *request,
			   struct chunk_outcome *outcome)
{
	DL_DELETE(traffic->requests, request);
	DL_APPEND(outcome->finished, request);
}

static void give(struct chunk_traffic *traffic, struct chunk_flight *flight,
		 struct chunk *chunk, struct chunk_outcome *outcome)
{
	while (flight->waiters) {
		struct chunk_waiter *waiter = flight->waiters;
		struct chunk_request *request = waiter->request;

		stop_waiting(waiter);
		chunk_request_give(request, (size_t)(waiter - request->waiters),
				   chunk);
		if (request->missing == 0)
			finish_request(traffic, request, outcome);
	}
}

static void join_flight(struct chunk_traffic *traffic,
			struct chunk_request *request, size_t index,
			struct chunk_flight **fresh)
{
	struct chunk_waiter *waiter = &request->waiters[index];
	struct chunk_flight *flight = chunk_flight_table_find(
		&traffic->flights, request->numbers[index]);

	if (flight) {
		chunk_traffic_count(&traffic->counters.flights_joined, 1);
		chunk_flight_table_raise(&traffic->flights, flight,
					 request->priority);
	} else {
		flight = *fresh;
		*fresh = NULL;
		assert(flight->number == request->numbers[index]);
		chunk_flight_table_add(&traffic->flights, flight);
	}
	waiter->flight = flight;
	DL_APPEND(flight->waiters, waiter);
}

void chunk_traffic_init(struct chunk_traffic *traffic,
			const struct chunk_traffic_limits *limits)
{
	assert(limits->requests_max > 0 && limits->deadline_ms > 0);
	*traffic = (struct chunk_traffic){ .limits = *limits };
	chunk_memory_init(&traffic->memory, limits->memory_size);
	chunk_pace_init(&traffic->pace, limits->flight_size_max,
			limits->flight_size_wide ? limits->flight_size_wide
						 : limits->flight_size_max);
}

void chunk_traffic_fini(struct chunk_traffic *traffic)
{
	assert(traffic->flights.count == 0 && !traffic->requests);
	assert(!traffic->ranges && traffic->flight_size == 0);
	chunk_memory_fini(&traffic->memory);
}

void chunk_traffic_keep(struct chunk_traffic *traffic, struct chunk *chunk,
			struct chunk_outcome *outcome)
{
	assert(!outcome->given_up);
	outcome->given_up = chunk_memory_insert(&traffic->memory, chunk);
}

void chunk_traffic_fill(struct chunk_traffic *traffic,
			struct chunk_request *request)
{
	for (size_t i = 0; i < request->count; i++) {
		struct chunk *chunk = NULL;

		if (!request->chunks[i])
			chunk = chunk_memory_find(&traffic->memory,
						  request->numbers[i]);
		if (!chunk)
			continue;
		chunk_request_give(request, i, chunk);
		chunk_traffic_count(&traffic->counters.memory_hits, 1);
	}
}

void chunk_traffic_note_late(struct chunk_traffic *traffic, int64_t now_ms,
			     uint32_t number, const struct error *err)
{
	chunk_failures_note(&traffic->failures,
			    now_ms + traffic->limits.deadline_ms /
					     CHUNK_FAILURES_SHARE,
			    number, err);
}

void chunk_traffic_note_reason(struct chunk_traffic *traffic, int64_t now_ms,
			       uint32_t number, const struct error *err)
{
	chunk_failures_note(&traffic->reasons,
			    now_ms + traffic->limits.deadline_ms, number, err);
}

/* NULL: none of what it misses failed a moment ago. */
static const struct error *find_failed(const struct chunk_traffic *traffic,
				       int64_t now_ms,
				       const struct chunk_request *request)
{
	for (size_t i = 0; i < request->count; i++) {
		const struct error *err = NULL;

		if (!request->chunks[i])
			err = chunk_failures_find(&traffic->failures, now_ms,
						  request->numbers[i]);
		if (err)
			return err;
	}
	return NULL;
}

int chunk_traffic_join(struct chunk_traffic *traffic, int64_t now_ms,
		       struct chunk_request *request,
		       struct chunk_flight **flights,
		       struct chunk_outcome *outcome)
{
	const struct error *failed;

	/* some may have landed since the caller looked */
	chunk_traffic_fill(traffic, request);
	if (traffic->flights.count + request->missing >
	    CHUNK_TRAFFIC_FLIGHTS_MAX)
		return -ENOMEM;
	request->deadline_ms = now_ms + traffic->limits.deadline_ms;
	DL_APPEND(traffic->requests, request);
	failed = find_failed(traffic, now_ms, request);
	for (size_t i = 0; i < request->count && !failed; i++) {
		if (!request->chunks[i])
			join_flight(traffic, request, i, &flights[i]);
	}
	if (failed)
		chunk_traffic_fail_request(traffic, request, failed->code,
					   failed, outcome);
	else if (request->missing == 0)
		finish_request(traffic, request, outcome);
	return 0;
}

bool chunk_traffic_wants(struct chunk_traffic *traffic, uint32_t number)
{
	return traffic->flights.count < CHUNK_TRAFFIC_PREFETCHES_MAX &&
	       !chunk_memory_find(&traffic->memory, number) &&
	       !chunk_flight_table_find(&traffic->flights, number);
}

bool chunk_traffic_answer(struct chunk_traffic *traffic, int64_t now_ms,
			  uint64_t rtt_us, struct chunk_range *range)
{
	assert(range->refs > 0);
	range->refs--;
	if (range->is_abandoned)
		return false;
	DL_DELETE(traffic->ranges, range);
	traffic->range_count--;
	for (size_t i = 0; i < range->count; i++)
		chunk_flight_table_move(&traffic->flights, range->flights[i],
					CHUNK_FLIGHT_READY);
	if (range->result == 0) {
		chunk_traffic_count(&traffic->counters.fetched_bytes,
				    range->size);
		chunk_pace_note(&traffic->pace, now_ms, range->size, rtt_us);
	}
	if (range->refs > 0)
		return true;
	/* every chunk was taken out while it came */
	traffic->flight_size -= range->size;
	return false;
}

/* A copy of a flight's bytes, so that it needs the range no more. */
static bool take_early(struct chunk_traffic *traffic,
		       struct chunk_flight *flight, const uint8_t *data)
{
	size_t size = flight->ref.stored_size;

	if (!flight->waiters &&
	    traffic->early_size + size > CHUNK_TRAFFIC_EARLY_SIZE_MAX)
		return false;
	flight->stored = malloc(size ? size : 1);
	if (!flight->stored)
		return false; /* the answer will do */
	memcpy(flight->stored,
	       data + (flight->ref.stored_off - flight->range->off), size);
	traffic->early_size += size;
	return true;
}

void chunk_traffic_progress(struct chunk_traffic *traffic,
			    struct chunk_range *range, const uint8_t *data,
			    size_t size)
{
	size_t left = 0;

	assert(!range->is_abandoned);
	range->next_size = SIZE_MAX;
	for (size_t i = 0; i < range->count; i++) {
		struct chunk_flight *flight = range->flights[i];
		size_t end = chunk_range_end_of(range, &flight->ref);

		if (end <= size && !digest_is_zero(&flight->ref.digest) &&
		    take_early(traffic, flight, data)) {
			flight->range = NULL;
			range->refs--;
			chunk_flight_table_move(&traffic->flights, flight,
						CHUNK_FLIGHT_READY);
			continue;
		}
		if (end > size && end < range->next_size)
			range->next_size = end;
		range->flights[left++] = flight;
	}
	range->count = left;
}

void chunk_traffic_forget(struct chunk_traffic *traffic,
			  struct chunk_range *range)
{
	range->is_abandoned = true;
	DL_DELETE(traffic->ranges, range);
	traffic->range_count--;
	traffic->flight_size -= range->size;
	for (size_t i = 0; i < range->count; i++)
		range->flights[i]->range = NULL;
	range->refs -= (unsigned)range->count;
	/* the answer's own */
	assert(range->refs == 1);
}

void chunk_traffic_deliver(struct chunk_traffic *traffic,
			   struct chunk_flight *flight, struct chunk *chunk,
			   struct chunk_outcome *outcome)
{
	assert(flight->state == CHUNK_FLIGHT_LANDING);
	if (flight->waiters) {
		flight->is_kept = true;
		chunk_traffic_keep(traffic, chunk, outcome);
		give(traffic, flight, chunk, outcome);
	}
	leave_range(traffic, flight, outcome);
}

void chunk_traffic_land(struct chunk_traffic *traffic,
			struct chunk_flight *flight, struct chunk *chunk,
			bool is_cached, struct chunk_outcome *outcome)
{
	assert(flight->state == CHUNK_FLIGHT_LANDING);
	if (!flight->is_kept &&
	    (flight->waiters || flight->goes_to_memory || !is_cached))
		chunk_traffic_keep(traffic, chunk, outcome);
	give(traffic, flight, chunk, outcome);
	chunk_traffic_end(traffic, flight, outcome);
}

void chunk_traffic_end(struct chunk_traffic *traffic,
		       struct chunk_flight *flight,
		       struct chunk_outcome *outcome)
{
	assert(!flight->waiters);
	leave_range(traffic, flight, outcome);
	chunk_flight_table_remove(&traffic->flights, flight);
	DL_APPEND(outcome->ended, flight);
}

void chunk_traffic_fail_request(struct chunk_traffic *traffic,
				struct chunk_request *request, int code,
				const struct error *err,
				struct chunk_outcome *outcome)
{
	assert(code < 0);
	for (size_t i = 0; i < request->count; i++) {
		struct chunk_waiter *waiter = &request->waiters[i];
		struct chunk_flight *flight = waiter->flight;

		if (!flight)
			continue;
		stop_waiting(waiter);
		if (!flight->waiters && (flight->state == CHUNK_FLIGHT_QUEUED ||
					 flight->state == CHUNK_FLIGHT_WAITING))
			chunk_traffic_end(traffic, flight, outcome);
	}
	request->result = code;
	if (err)
		request->err = *err;
	finish_request(traffic, request, outcome);
}

void chunk_traffic_fail(struct chunk_traffic *traffic,
			struct chunk_flight *flight, int code,
			const struct error *err, struct chunk_outcome *outcome)
{
	/* else the last request to fail would end it */
	assert(flight->state != CHUNK_FLIGHT_QUEUED &&
	       flight->state != CHUNK_FLIGHT_WAITING);
	while (flight->waiters)
		chunk_traffic_fail_request(traffic, flight->waiters->request,
					   code, err, outcome);
	chunk_traffic_count(&traffic->counters.failed_chunks, 1);
	chunk_traffic_end(traffic, flight, outcome);
}

void chunk_traffic_retry(struct chunk_traffic *traffic,
			 struct chunk_flight *flight, int code,
			 const struct error *err, struct chunk_outcome *outcome)
{
	flight->attempts++;
	if (flight->attempts >= CHUNK_TRAFFIC_ATTEMPTS_MAX) {
		chunk_traffic_fail(traffic, flight, code, err, outcome);
		return;
	}
	leave_range(traffic, flight, outcome);
	chunk_flight_table_return(&traffic->flights, flight);
}

void chunk_traffic_drain(struct chunk_traffic *traffic,
			 struct chunk_outcome *outcome)
{
	struct chunk_flight *flight;
	struct error err = { 0 };

	error_set(&err, -ECANCELED, "the image is being closed");
	while (traffic->requests)
		chunk_traffic_fail_request(traffic, traffic->requests,
					   -ECANCELED, &err, outcome);
	while (traffic->ranges)
		chunk_traffic_forget(traffic, traffic->ranges);
	for (int state = 0; state < CHUNK_FLIGHT_STATES; state++) {
		while ((flight = chunk_flight_table_first(
				&traffic->flights,
				(enum chunk_flight_state)state)))
			chunk_traffic_end(traffic, flight, outcome);
	}
	assert(traffic->flight_size == 0 && traffic->range_count == 0);
	assert(traffic->early_size == 0);
}

void chunk_traffic_selfcheck(const struct chunk_traffic *traffic)
{
	const struct chunk_request *request;
	const struct chunk_range *range;
	size_t count = 0;
	size_t size = 0;

	chunk_memory_selfcheck(&traffic->memory);
	chunk_flight_table_selfcheck(&traffic->flights);
	DL_FOREACH (traffic->ranges, range) {
		assert(range->refs == range->count + 1);
		count++;
		size += range->size;
	}
	assert(count == traffic->range_count && size <= traffic->flight_size);
	DL_FOREACH (traffic->requests, request) {
		size_t waiting = 0;

		for (size_t i = 0; i < request->count; i++)
			waiting += request->waiters[i].flight != NULL;
		assert(waiting == request->missing && waiting > 0);
	}
}
