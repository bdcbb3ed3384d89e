/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_flight.h"

#include <criterion/criterion.h>

static const struct chunk_table no_table = { 0 };

static struct chunk_flight_table table;

static void teardown(void)
{
	struct chunk_flight *flight;

	for (int state = 0; state < CHUNK_FLIGHT_STATES; state++) {
		while ((flight = chunk_flight_table_first(
				&table, (enum chunk_flight_state)state))) {
			chunk_flight_table_remove(&table, flight);
			chunk_flight_destroy(flight);
		}
	}
	chunk_flight_table_selfcheck(&table);
	cr_expect_eq(table.count, 0);
}

TestSuite(chunk_flight, .fini = teardown);

static struct chunk_flight *add(uint32_t number, enum chunk_priority priority)
{
	struct chunk_ref ref = {
		.stored_size = 10,
		.raw_size = 10,
		.digest.bytes[0] = 1,
	};
	struct chunk_flight *flight =
		chunk_flight_create(&no_table, number, &ref, priority);

	cr_assert_not_null(flight);
	chunk_flight_table_add(&table, flight);
	chunk_flight_table_selfcheck(&table);
	return flight;
}

static uint32_t first_queued(void)
{
	return chunk_flight_table_first(&table, CHUNK_FLIGHT_QUEUED)->number;
}

Test(chunk_flight, finds_flights_by_chunk)
{
	struct chunk_flight *a = add(3, CHUNK_DEMAND);
	struct chunk_flight *b = add(3 + CHUNK_FLIGHT_BUCKETS, CHUNK_DEMAND);

	cr_expect_eq(chunk_flight_table_find(&table, 3), a);
	cr_expect_eq(chunk_flight_table_find(&table, 3 + CHUNK_FLIGHT_BUCKETS),
		     b);
	cr_expect_null(chunk_flight_table_find(&table, 4));
	chunk_flight_table_remove(&table, a);
	chunk_flight_destroy(a);
	cr_expect_null(chunk_flight_table_find(&table, 3));
	cr_expect_eq(chunk_flight_table_find(&table, 3 + CHUNK_FLIGHT_BUCKETS),
		     b);
}

Test(chunk_flight, hands_out_the_highest_priority_first)
{
	add(1, CHUNK_FILL);
	add(2, CHUNK_READ_AHEAD);
	add(3, CHUNK_DEMAND);
	add(4, CHUNK_DEMAND);
	cr_expect_eq(first_queued(), 3);
	cr_expect_null(chunk_flight_table_first(&table, CHUNK_FLIGHT_READY));
}

Test(chunk_flight, moves_between_states)
{
	struct chunk_flight *a = add(1, CHUNK_DEMAND);
	struct chunk_flight *b = add(2, CHUNK_DEMAND);

	chunk_flight_table_move(&table, a, CHUNK_FLIGHT_FETCHING);
	cr_expect_eq(first_queued(), 2);
	cr_expect_eq(chunk_flight_table_first(&table, CHUNK_FLIGHT_FETCHING),
		     a);
	chunk_flight_table_move(&table, b, CHUNK_FLIGHT_FETCHING);
	chunk_flight_table_selfcheck(&table);
	cr_expect_eq(table.state_counts[CHUNK_FLIGHT_FETCHING], 2);
	/* one that returns is the next again */
	add(3, CHUNK_DEMAND);
	chunk_flight_table_return(&table, b);
	cr_expect_eq(first_queued(), 2);
	chunk_flight_table_selfcheck(&table);
}

Test(chunk_flight, rises_but_never_falls)
{
	struct chunk_flight *a = add(1, CHUNK_PROFILE);
	struct chunk_flight *b = add(2, CHUNK_PROFILE);

	chunk_flight_table_raise(&table, b, CHUNK_DEMAND);
	cr_expect_eq(first_queued(), 2);
	chunk_flight_table_raise(&table, a, CHUNK_FILL);
	cr_expect_eq(a->priority, CHUNK_PROFILE);
	chunk_flight_table_selfcheck(&table);
}

Test(chunk_flight, has_no_key_without_a_digest)
{
	struct chunk_ref ref = { .stored_size = 10, .raw_size = 10 };
	struct chunk_flight *flight =
		chunk_flight_create(&no_table, 1, &ref, CHUNK_DEMAND);

	cr_expect_not(flight->has_key);
	chunk_flight_destroy(flight);
	cr_expect(add(2, CHUNK_DEMAND)->has_key);
}
