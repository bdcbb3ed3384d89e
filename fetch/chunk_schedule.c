/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_schedule.h"

#include "common/error.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_range.h"
#include "fetch/chunk_request.h"
#include "fetch/chunk_traffic.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

static bool has_slot(const struct chunk_traffic *traffic,
		     enum chunk_priority priority)
{
	unsigned scaled =
		chunk_pace_scale(&traffic->pace, traffic->limits.requests_max);
	unsigned profile = traffic->limits.profile_requests_max;
	unsigned max = scaled;

	if (priority > CHUNK_DEMAND)
		max -= scaled / 4;
	if (priority == CHUNK_PROFILE && max < profile)
		max = profile;
	/* a profile's requests are none that a demand waits for */
	if (priority == CHUNK_DEMAND && max < profile + scaled / 4)
		max = profile + scaled / 4;
	return traffic->range_count < max;
}

/* One range may always be in flight, however large. */
static bool has_room(const struct chunk_traffic *traffic,
		     enum chunk_priority priority, size_t size)
{
	size_t max = chunk_pace_size(&traffic->pace);

	if (priority > CHUNK_DEMAND)
		max -= max / 4;
	if (priority == CHUNK_PROFILE &&
	    max < traffic->limits.profile_flight_size)
		max = traffic->limits.profile_flight_size;
	/* copies count: they are memory, too */
	return traffic->flight_size == 0 ||
	       (size <= max &&
		traffic->flight_size + traffic->early_size <= max - size);
}

/* Flights that may go into one range with a first one. */
struct company {
	const struct chunk_flight_table *flights;
	uint32_t run; /* the first one's */
	bool is_demanded;
};

/* chunk_plan_find_fn */
static const struct chunk_ref *find_company(void *arg, uint32_t number)
{
	const struct company *company = arg;
	const struct chunk_flight *flight =
		chunk_flight_table_find(company->flights, number);

	if (!flight || flight->state != CHUNK_FLIGHT_QUEUED ||
	    (company->is_demanded && flight->priority != CHUNK_DEMAND))
		return NULL;
	return flight->run == company->run ? &flight->ref : NULL;
}

static void take_flight(struct chunk_traffic *traffic, struct chunk_step *step,
			struct chunk_flight *flight)
{
	assert(step->count < CHUNK_PLAN_CHUNKS_MAX);
	step->probes[step->count] = CHUNK_PROBE_NONE;
	step->flights[step->count++] = flight;
	chunk_flight_table_move(&traffic->flights, flight,
				CHUNK_FLIGHT_PROBING);
}

/*
 * The flight wanted most with those that go well with it.  On a long link what
 * is waited for goes alone, and what comes along follows at once in a range of
 * its own: a reader waits for the round trip, not for its neighbours' bytes.
 */
static bool plan(struct chunk_traffic *traffic, struct chunk_step *step)
{
	struct chunk_flight_table *flights = &traffic->flights;
	const struct chunk_flight *flight =
		chunk_flight_table_first(flights, CHUNK_FLIGHT_QUEUED);
	struct company company = { .flights = flights };
	struct chunk_plan found;

	if (!flight || !has_slot(traffic, flight->priority))
		return false;
	company.run = flight->run;
	company.is_demanded = flight->priority == CHUNK_DEMAND &&
			      traffic->pace.rtt_us >= CHUNK_PACE_NEAR_US;
	chunk_plan_gather(flight->priority == CHUNK_PROFILE
				  ? &traffic->limits.profile_plan
				  : &traffic->limits.plan,
			  flight->number, find_company, &company, &found);
	if (!has_room(traffic, flight->priority, chunk_plan_size(&found)))
		return false;
	for (size_t i = 0; i < found.count; i++)
		take_flight(traffic, step,
			    chunk_flight_table_find(flights, found.numbers[i]));
	step->first = found.first;
	return true;
}

/* A range came to nothing: its flights try again, or end. */
static void abandon(struct chunk_traffic *traffic, struct chunk_range *range,
		    struct chunk_outcome *outcome)
{
	struct error err = { 0 };

	error_set(&err, -ETIMEDOUT,
		  "no answer within %lld ms for %zu bytes at %llu of blob %u",
		  (long long)traffic->limits.deadline_ms, range->size,
		  (unsigned long long)range->off, range->blob);
	chunk_traffic_forget(traffic, range);
	for (size_t i = 0; i < range->count; i++) {
		struct chunk_flight *flight = range->flights[i];

		if (flight->waiters)
			chunk_traffic_retry(traffic, flight, -ETIMEDOUT, &err,
					    outcome);
		else
			chunk_traffic_fail(traffic, flight, -ETIMEDOUT, &err,
					   outcome);
	}
}

static void expire_request(struct chunk_traffic *traffic, int64_t now_ms,
			   struct chunk_request *request,
			   struct chunk_outcome *outcome)
{
	struct error err = { 0 };

	error_set(&err, -ETIMEDOUT,
		  "%zu of %zu chunks from number %u on did not come within "
		  "%lld ms: the network or the server is too slow",
		  request->missing, request->count, request->numbers[0],
		  (long long)traffic->limits.deadline_ms);
	for (size_t i = 0; i < request->count; i++) {
		const struct error *reason = NULL;

		if (!request->chunks[i])
			reason = chunk_failures_find(&traffic->reasons, now_ms,
						     request->numbers[i]);
		if (reason)
			err = *reason;
	}
	for (size_t i = 0; i < request->count; i++)
		if (!request->chunks[i])
			chunk_traffic_note_late(traffic, now_ms,
						request->numbers[i], &err);
	chunk_traffic_fail_request(traffic, request, -ETIMEDOUT, &err, outcome);
}

/* True when something ended. */
static bool expire(struct chunk_traffic *traffic, int64_t now_ms,
		   struct chunk_outcome *outcome)
{
	bool expired = false;

	while (traffic->requests && traffic->requests->deadline_ms <= now_ms) {
		expire_request(traffic, now_ms, traffic->requests, outcome);
		expired = true;
	}
	while (traffic->ranges && traffic->ranges->deadline_ms <= now_ms) {
		abandon(traffic, traffic->ranges, outcome);
		expired = true;
	}
	return expired;
}

/* A flight whose pause is over, or NULL; *wake_ms: when the next one's is */
static struct chunk_flight *find_rested(struct chunk_traffic *traffic,
					int64_t now_ms, int64_t *wake_ms)
{
	struct chunk_flight *flight;

	for (int i = 0; i < CHUNK_FLIGHT_PRIORITIES; i++) {
		DL_FOREACH (traffic->flights.lists[CHUNK_FLIGHT_WAITING][i],
			    flight) {
			if (flight->probe_ms <= now_ms)
				return flight;
			if (flight->probe_ms < *wake_ms)
				*wake_ms = flight->probe_ms;
		}
	}
	return NULL;
}

bool chunk_schedule_find_step(struct chunk_traffic *traffic, int64_t now_ms,
			      struct chunk_step *ret_step,
			      struct chunk_outcome *outcome,
			      int64_t *ret_wake_ms)
{
	int64_t wake_ms = INT64_MAX;
	struct chunk_flight *rested;

	ret_step->count = 0;
	ret_step->first = 0;
	if (expire(traffic, now_ms, outcome))
		return true;
	rested = find_rested(traffic, now_ms, &wake_ms);
	if (rested) {
		take_flight(traffic, ret_step, rested);
		return true;
	}
	if (plan(traffic, ret_step))
		return true;
	if (traffic->requests && traffic->requests->deadline_ms < wake_ms)
		wake_ms = traffic->requests->deadline_ms;
	if (traffic->ranges && traffic->ranges->deadline_ms < wake_ms)
		wake_ms = traffic->ranges->deadline_ms;
	*ret_wake_ms = wake_ms;
	return false;
}

/* Another process has the claim.  False: patience is at its end. */
static bool wait_for_other(struct chunk_traffic *traffic, int64_t now_ms,
			   struct chunk_flight *flight,
			   struct chunk_outcome *outcome)
{
	if (!flight->waiters) {
		/* it comes into the cache without us */
		chunk_traffic_end(traffic, flight, outcome);
		return true;
	}
	if (flight->wait_ms == 0) {
		flight->wait_start_ms = now_ms;
		flight->wait_ms = CHUNK_SCHEDULE_WAIT_MS_MIN / 2;
		chunk_traffic_count(&traffic->counters.node_waits, 1);
	}
	/* Fetching twice is better than waiting for one who hangs. */
	if (now_ms - flight->wait_start_ms >=
	    traffic->limits.deadline_ms / CHUNK_SCHEDULE_PATIENCE)
		return false;
	flight->wait_ms *= 2;
	if (flight->wait_ms > CHUNK_SCHEDULE_WAIT_MS_MAX)
		flight->wait_ms = CHUNK_SCHEDULE_WAIT_MS_MAX;
	flight->probe_ms = now_ms + flight->wait_ms;
	chunk_flight_table_move(&traffic->flights, flight,
				CHUNK_FLIGHT_WAITING);
	return true;
}

/* A flight that the cache has: a worker reads it for those who wait. */
static void take_cached(struct chunk_traffic *traffic,
			struct chunk_flight *flight,
			struct chunk_outcome *outcome)
{
	if (flight->waiters || flight->goes_to_memory)
		chunk_flight_table_move(&traffic->flights, flight,
					CHUNK_FLIGHT_READY);
	else
		chunk_traffic_end(traffic, flight, outcome);
}

/* Whether this flight is ours to fetch; else it has been dealt with. */
static bool is_ours(struct chunk_traffic *traffic, int64_t now_ms,
		    struct chunk_flight *flight, enum chunk_probe probe,
		    struct chunk_outcome *outcome)
{
	assert(flight->state == CHUNK_FLIGHT_PROBING);
	switch (probe) {
	case CHUNK_PROBE_CLAIMED:
		flight->is_claimed = true;
		return true;
	case CHUNK_PROBE_UNCLAIMED:
		return true;
	case CHUNK_PROBE_TAKEN:
		return !wait_for_other(traffic, now_ms, flight, outcome);
	case CHUNK_PROBE_CACHED:
		take_cached(traffic, flight, outcome);
		return false;
	case CHUNK_PROBE_NONE:
		break;
	}
	chunk_flight_table_return(&traffic->flights, flight);
	return false;
}

/* The range over all of these; false when there is no slot for it now. */
static bool start_range(struct chunk_traffic *traffic, int64_t now_ms,
			struct chunk_range *range,
			struct chunk_flight *const *flights, size_t count)
{
	enum chunk_priority priority = flights[0]->priority;
	struct chunk_plan all;

	chunk_plan_init(&all, &flights[0]->ref);
	for (size_t i = 1; i < count; i++) {
		chunk_plan_cover(&all, &flights[i]->ref);
		if (flights[i]->priority < priority)
			priority = flights[i]->priority;
	}
	if (!has_slot(traffic, priority) ||
	    !has_room(traffic, priority, chunk_plan_size(&all)))
		return false;
	range->blob = all.blob;
	range->off = all.off;
	range->size = chunk_plan_size(&all);
	range->deadline_ms = now_ms + traffic->limits.deadline_ms;
	range->refs = 1 + (unsigned)count;
	range->count = count;
	range->next_size = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		size_t end = chunk_range_end_of(range, &flights[i]->ref);

		if (end < range->next_size)
			range->next_size = end;
		range->flights[i] = flights[i];
		flights[i]->range = range;
		chunk_flight_table_move(&traffic->flights, flights[i],
					CHUNK_FLIGHT_FETCHING);
	}
	DL_APPEND(traffic->ranges, range);
	traffic->range_count++;
	traffic->flight_size += range->size;
	chunk_traffic_count(&traffic->counters.fetched_ranges, 1);
	return true;
}

bool chunk_schedule_start(struct chunk_traffic *traffic, int64_t now_ms,
			  const struct chunk_step *step,
			  struct chunk_range *range,
			  struct chunk_outcome *outcome)
{
	struct chunk_flight *ours[CHUNK_PLAN_CHUNKS_MAX];
	size_t first = CHUNK_PLAN_CHUNKS_MAX;
	size_t count;

	/* backwards: those that return to the queue's head keep their order */
	for (size_t i = step->count; i > 0; i--) {
		struct chunk_flight *flight = step->flights[i - 1];

		if (is_ours(traffic, now_ms, flight, step->probes[i - 1],
			    outcome))
			ours[--first] = flight;
	}
	count = CHUNK_PLAN_CHUNKS_MAX - first;
	if (count > 0 && range &&
	    start_range(traffic, now_ms, range, ours + first, count))
		return true;
	for (size_t i = CHUNK_PLAN_CHUNKS_MAX; i > first; i--) {
		if (range)
			chunk_flight_table_return(&traffic->flights,
						  ours[i - 1]);
		else
			chunk_traffic_fail(traffic, ours[i - 1], -ENOMEM, NULL,
					   outcome);
	}
	return false;
}
