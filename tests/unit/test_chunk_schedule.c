/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader's decisions with a clock of the test's own and no threads.
 */
#include "fetch/chunk_schedule.h"

#include "common/error.h"
#include "fetch/chunk.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_range.h"
#include "fetch/chunk_request.h"
#include "fetch/chunk_traffic.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { SIZE = 1000 };

static const struct chunk_table no_table = { 0 };

static struct chunk_traffic traffic;
static struct chunk_outcome outcome;
static struct chunk_step step;
static int64_t now;
static int64_t wake;
static unsigned done_count;
static int last_result;
static struct error last_err;

static void setup(void)
{
	static const struct chunk_traffic_limits limits = {
		.memory_size = 1 << 20,
		.flight_size_max = 20 * SIZE,
		.requests_max = 4,
		.deadline_ms = 800,
		.plan = { .request_size_max = 5 * SIZE, .gap_size_max = 0 },
	};

	chunk_traffic_init(&traffic, &limits);
	memset(&outcome, 0, sizeof(outcome));
	now = 1000;
	done_count = 0;
}

static void settle(void)
{
	chunk_outcome_settle(&outcome, NULL);
	chunk_traffic_selfcheck(&traffic);
}

static void teardown(void)
{
	chunk_traffic_drain(&traffic, &outcome);
	settle();
	chunk_traffic_fini(&traffic);
}

TestSuite(chunk_schedule, .init = setup, .fini = teardown);

static void note_done(void *arg, int result, struct chunk *const *chunks,
		      size_t count, const struct error *err)
{
	(void)arg;
	(void)chunks;
	(void)count;
	done_count++;
	last_result = result;
	last_err = err ? *err : (struct error){ 0 };
}

static struct chunk_flight *make_flight(uint32_t number,
					enum chunk_priority priority)
{
	struct chunk_ref ref = {
		.stored_off = (uint64_t)number * SIZE,
		.stored_size = SIZE,
		.raw_size = SIZE,
		.digest.bytes[0] = 1,
	};

	return chunk_flight_create(&no_table, number, &ref, priority);
}

static void demand(uint32_t number)
{
	struct chunk_flight *flight = make_flight(number, CHUNK_DEMAND);
	struct chunk_request *request =
		chunk_request_create(&number, 1, CHUNK_DEMAND, note_done, NULL);

	cr_assert_eq(
		chunk_traffic_join(&traffic, now, request, &flight, &outcome),
		0);
	chunk_flight_destroy(flight);
	settle();
}

static void prefetch(uint32_t number)
{
	chunk_flight_table_add(&traffic.flights,
			       make_flight(number, CHUNK_FILL));
}

static bool find_step(void)
{
	return chunk_schedule_find_step(&traffic, now, &step, &outcome, &wake);
}

/* Probe as told, then start; the range, or NULL. */
static struct chunk_range *start(enum chunk_probe probe)
{
	struct chunk_range *range = chunk_range_create();
	bool is_started;

	for (size_t i = 0; i < step.count; i++)
		step.probes[i] = probe;
	is_started =
		chunk_schedule_start(&traffic, now, &step, range, &outcome);
	settle();
	if (is_started)
		return range;
	chunk_range_destroy(range);
	return NULL;
}

/* As the board and then a worker would, with wrong bytes. */
static void drop(struct chunk_range *range)
{
	if (!chunk_traffic_answer(&traffic, now, 0, range))
		chunk_range_destroy(range);
}

static enum chunk_flight_state state_of(uint32_t number)
{
	return chunk_flight_table_find(&traffic.flights, number)->state;
}

Test(chunk_schedule, has_nothing_to_do_at_first)
{
	cr_expect_not(find_step());
	cr_expect_eq(wake, INT64_MAX);
}

Test(chunk_schedule, plans_and_starts_a_range)
{
	struct chunk_range *range;

	demand(5);
	prefetch(6);
	cr_assert(find_step());
	cr_expect_eq(step.count, 2);
	cr_expect_eq(step.first, 0);
	cr_expect_eq(state_of(6), CHUNK_FLIGHT_PROBING);
	range = start(CHUNK_PROBE_UNCLAIMED);
	cr_assert_not_null(range);
	cr_expect_eq(range->off, 5 * SIZE);
	cr_expect_eq(range->size, 2 * SIZE);
	cr_expect_eq(range->deadline_ms, now + 800);
	cr_expect_not(find_step());
	cr_expect_eq(wake, now + 800);
	drop(range);
}

Test(chunk_schedule, lets_a_demand_go_alone_on_a_long_link)
{
	struct chunk_range *range;
	struct chunk_range *along;

	traffic.pace.rtt_us = CHUNK_PACE_NEAR_US;
	demand(5);
	prefetch(4);
	prefetch(6);
	prefetch(7);
	demand(6);
	cr_assert(find_step());
	range = start(CHUNK_PROBE_UNCLAIMED);
	cr_assert_not_null(range);
	cr_expect_eq(range->off, 5 * SIZE);
	cr_expect_eq(range->size, 2 * SIZE, "both demands, and no more");
	cr_assert(find_step());
	along = start(CHUNK_PROBE_UNCLAIMED);
	cr_assert_not_null(along, "at once");
	drop(range);
	drop(along);
}

Test(chunk_schedule, returns_what_was_not_probed)
{
	struct chunk_range unused = { 0 };

	demand(5);
	prefetch(6);
	prefetch(7);
	cr_assert(find_step());
	step.probes[0] = CHUNK_PROBE_CACHED;
	cr_expect_not(
		chunk_schedule_start(&traffic, now, &step, &unused, &outcome));
	settle();
	cr_expect_eq(state_of(5), CHUNK_FLIGHT_READY);
	cr_expect_eq(state_of(6), CHUNK_FLIGHT_QUEUED);
	cr_assert(find_step());
	cr_expect_eq(step.flights[step.first]->number, 6, "in their order");
	cr_expect_eq(step.count, 2);
	drop(start(CHUNK_PROBE_UNCLAIMED));
}

Test(chunk_schedule, drops_prefetches_that_are_cached_or_taken)
{
	prefetch(5);
	cr_assert(find_step());
	cr_expect_null(start(CHUNK_PROBE_CACHED));
	cr_expect_eq(traffic.flights.count, 0);
	prefetch(5);
	cr_assert(find_step());
	cr_expect_null(start(CHUNK_PROBE_TAKEN));
	cr_expect_eq(traffic.flights.count, 0);
	cr_expect_eq(traffic.counters.node_waits, 0);
}

Test(chunk_schedule, waits_longer_and_longer_for_another_process)
{
	static const int64_t pauses[] = { 4, 8, 16, 32, 50 };

	demand(5);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		cr_assert(find_step());
		cr_expect_null(start(CHUNK_PROBE_TAKEN));
		cr_expect_eq(state_of(5), CHUNK_FLIGHT_WAITING);
		cr_assert_not(find_step());
		cr_expect_eq(wake - now, pauses[i], "pause %zu", i);
		now = wake;
	}
	cr_expect_eq(traffic.counters.node_waits, 1);
	/* patience ends after 100 ms, an eighth of the deadline */
	cr_assert(find_step());
	drop(start(CHUNK_PROBE_TAKEN));
	cr_expect_eq(state_of(5), CHUNK_FLIGHT_READY);
}

Test(chunk_schedule, fails_at_once_what_was_late_a_moment_ago)
{
	/* the kernel's second try for a page: no second deadline */
	demand(5);
	now += 800;
	find_step();
	settle();
	cr_expect_eq(done_count, 1);
	now += 800 / CHUNK_FAILURES_SHARE - 1;
	demand(5);
	cr_expect_eq(done_count, 2);
	cr_expect_eq(last_result, -ETIMEDOUT);
	demand(6); /* another one */
	cr_expect_eq(done_count, 2);
	now += 1;
	demand(5);
	cr_expect_eq(done_count, 2);
}

Test(chunk_schedule, tells_who_is_late_what_the_last_try_met)
{
	struct error err = { 0 };

	error_set(&err, -ETIMEDOUT, "the server has sent nothing for 8 s");
	demand(5);
	chunk_traffic_note_reason(&traffic, now + 700, 5, &err);
	demand(6);
	now += 800;
	find_step();
	settle();
	cr_expect_eq(done_count, 2);
	cr_expect(strstr(last_err.text, "did not come within 800 ms"), "%s",
		  last_err.text);
	demand(5);
	cr_expect_eq(done_count, 3);
	cr_expect_str_eq(last_err.text, err.text);
}

Test(chunk_schedule, ends_requests_at_their_deadline)
{
	struct chunk_range *range;

	demand(5);
	cr_assert(find_step());
	range = start(CHUNK_PROBE_UNCLAIMED);
	now += 799;
	cr_assert_not(find_step());
	cr_expect_eq(done_count, 0);
	now = wake;
	cr_assert(find_step());
	cr_expect_eq(step.count, 0);
	settle();
	cr_expect_eq(done_count, 1);
	cr_expect_eq(last_result, -ETIMEDOUT);
	cr_expect_eq(traffic.flights.count, 0, "nobody wants it any more");
	cr_expect_eq(traffic.flight_size, 0);
	cr_expect_eq(traffic.range_count, 0);
	drop(range);
}

Test(chunk_schedule, ends_requests_that_never_got_a_slot)
{
	demand(5);
	now += 800;
	cr_assert(find_step());
	settle();
	cr_expect_eq(last_result, -ETIMEDOUT);
	cr_expect_eq(traffic.flights.count, 0);
	cr_assert_not(find_step());
	cr_expect_eq(wake, INT64_MAX);
}

Test(chunk_schedule, tries_again_for_those_who_joined_late)
{
	struct chunk_range *range;
	struct chunk_range *again;

	demand(5);
	cr_assert(find_step());
	range = start(CHUNK_PROBE_UNCLAIMED);
	now += 500;
	demand(5);
	cr_expect_eq(traffic.counters.flights_joined, 1);
	now += 300;
	cr_assert(find_step());
	settle();
	cr_expect_eq(done_count, 1);
	cr_assert(find_step());
	again = start(CHUNK_PROBE_UNCLAIMED);
	cr_assert_not_null(again);
	/* the late answer is dropped, the new one counts */
	drop(range);
	cr_expect_eq(state_of(5), CHUNK_FLIGHT_FETCHING);
	drop(again);
	cr_expect_eq(state_of(5), CHUNK_FLIGHT_READY);
}

Test(chunk_schedule, leaves_a_quarter_to_demands)
{
	struct chunk_range *ranges[4];

	for (uint32_t i = 0; i < 40; i += 10)
		prefetch(i);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert(find_step());
		ranges[i] = start(CHUNK_PROBE_UNCLAIMED);
	}
	cr_expect_not(find_step(), "three of four slots");
	demand(50);
	cr_assert(find_step());
	ranges[3] = start(CHUNK_PROBE_UNCLAIMED);
	demand(60);
	cr_expect_not(find_step(), "four of four slots");
	for (unsigned i = 0; i < 4; i++)
		drop(ranges[i]);
	cr_expect(find_step());
	drop(start(CHUNK_PROBE_UNCLAIMED));
}

static void prefetch_in_run(uint32_t number, uint32_t run)
{
	struct chunk_flight *flight = make_flight(number, CHUNK_PROFILE);

	flight->run = run;
	chunk_flight_table_add(&traffic.flights, flight);
}

Test(chunk_schedule, keeps_runs_apart)
{
	struct chunk_range *range;

	traffic.limits.profile_plan = traffic.limits.plan;
	prefetch_in_run(10, 10);
	prefetch_in_run(11, 10);
	prefetch_in_run(12, 12);
	cr_assert(find_step());
	cr_expect_eq(step.count, 2, "12 is of another run");
	range = start(CHUNK_PROBE_UNCLAIMED);
	cr_assert_not_null(range);
	cr_expect_eq(range->size, 2 * SIZE);
	drop(range);
	cr_assert(find_step());
	cr_expect_eq(step.count, 1);
	drop(start(CHUNK_PROBE_UNCLAIMED));
}

Test(chunk_schedule, has_a_slot_for_a_demand_beside_a_profile)
{
	struct chunk_range *ranges[7];

	traffic.limits.profile_requests_max = 6;
	traffic.limits.profile_plan = traffic.limits.plan;
	for (uint32_t i = 0; i < 70; i += 10)
		prefetch_in_run(i, i);
	for (unsigned i = 0; i < 6; i++) {
		cr_assert(find_step());
		ranges[i] = start(CHUNK_PROBE_UNCLAIMED);
	}
	cr_expect_not(find_step(), "six of six for a profile");
	demand(100);
	cr_assert(find_step());
	ranges[6] = start(CHUNK_PROBE_UNCLAIMED);
	cr_assert_not_null(ranges[6]);
	cr_expect_eq(ranges[6]->off, 100 * SIZE);
	demand(110);
	cr_expect_not(find_step(), "a quarter of four beside them");
	for (unsigned i = 0; i < 7; i++)
		drop(ranges[i]);
	cr_expect(find_step());
	drop(start(CHUNK_PROBE_UNCLAIMED));
}

Test(chunk_schedule, queues_a_rested_flight_when_there_is_no_slot)
{
	struct chunk_range *ranges[4];

	demand(5);
	cr_assert(find_step());
	cr_expect_null(start(CHUNK_PROBE_TAKEN));
	for (uint32_t i = 0; i < 4; i++) {
		demand(10 + 10 * i);
		cr_assert(find_step());
		ranges[i] = start(CHUNK_PROBE_UNCLAIMED);
		cr_assert_not_null(ranges[i]);
	}
	now += 10;
	cr_assert(find_step());
	cr_expect_null(start(CHUNK_PROBE_UNCLAIMED));
	cr_expect_eq(state_of(5), CHUNK_FLIGHT_QUEUED);
	drop(ranges[0]);
	cr_assert(find_step());
	cr_expect_eq(step.flights[0]->number, 5);
	ranges[0] = start(CHUNK_PROBE_UNCLAIMED);
	for (unsigned i = 0; i < 4; i++)
		drop(ranges[i]);
}

Test(chunk_schedule, fails_what_it_has_no_memory_for)
{
	demand(5);
	cr_assert(find_step());
	step.probes[0] = CHUNK_PROBE_UNCLAIMED;
	cr_expect_not(
		chunk_schedule_start(&traffic, now, &step, NULL, &outcome));
	settle();
	cr_expect_eq(last_result, -ENOMEM);
	cr_expect_eq(traffic.flights.count, 0);
}

Test(chunk_schedule, lets_one_large_chunk_exceed_the_bytes)
{
	struct chunk_flight *flight = make_flight(5, CHUNK_FILL);
	struct chunk_range *range;

	flight->ref.stored_size = 1 << 20;
	chunk_flight_table_add(&traffic.flights, flight);
	cr_assert(find_step());
	range = start(CHUNK_PROBE_UNCLAIMED);
	cr_assert_not_null(range);
	demand(500);
	cr_expect_not(find_step(), "until it is through");
	drop(range);
}

Test(chunk_schedule, keeps_a_chunk_once_however_late_a_reader_comes)
{
	struct chunk *chunk = chunk_create(5, calloc(1, SIZE), SIZE);
	struct chunk_flight *flight;

	demand(5);
	cr_assert(find_step());
	drop(start(CHUNK_PROBE_UNCLAIMED));
	flight = chunk_flight_table_first(&traffic.flights, CHUNK_FLIGHT_READY);
	chunk_flight_table_move(&traffic.flights, flight, CHUNK_FLIGHT_LANDING);
	chunk_traffic_deliver(&traffic, flight, chunk, &outcome);
	settle();
	cr_expect_eq(done_count, 1);
	/* evicted while the worker stores it, and asked for again */
	chunk_memory_fini(&traffic.memory);
	demand(5);
	chunk_traffic_land(&traffic, flight, chunk, true, &outcome);
	settle();
	cr_expect_eq(done_count, 2);
	cr_expect_eq(last_result, 0);
	cr_expect_eq(traffic.memory.count, 0);
	chunk_unref(chunk);
}
