/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile_plan.h"

#include "tests/support/memory_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { KIB = 1024, SIZE = 128 * KIB, COUNT = 1000, MIB = 1 << 20 };

static struct memory_table *table;
static struct profile_chunk wanted[COUNT];
static uint32_t wanted_count;
static struct profile_plan_range *ranges;
static uint32_t range_count;

static void setup(void)
{
	table = memory_table_create(COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct chunk_ref ref = {
			.blob = i < COUNT / 2 ? 0 : 1,
			.stored_off = (uint64_t)(i % (COUNT / 2)) * SIZE,
			.stored_size = SIZE,
			.raw_size = SIZE,
		};

		memory_table_add(table, &ref);
	}
	wanted_count = 0;
	ranges = NULL;
}

static void teardown(void)
{
	free(ranges);
	memory_table_destroy(table);
}

TestSuite(profile_plan, .init = setup, .fini = teardown);

static void want(uint32_t first, uint32_t count, uint32_t first_ms)
{
	for (uint32_t i = 0; i < count; i++)
		wanted[wanted_count++] =
			(struct profile_chunk){ first + i, first_ms };
}

static uint64_t plan_with_head(uint64_t head_size)
{
	const struct profile_plan_limits limits = {
		.request_size_max = 4 * MIB,
		.gap_size_min = 32 * KIB,
		.head_size = head_size,
		.head_part_size = 4 * SIZE,
	};
	uint64_t size = 0;

	cr_assert_eq(profile_plan_make(&table->table, wanted, wanted_count,
				       &limits, &ranges, &range_count),
		     0);
	for (uint32_t i = 0; i < range_count; i++) {
		size += ranges[i].size;
		cr_expect_leq(ranges[i].size, limits.request_size_max);
		cr_expect_eq(ranges[i].size, (uint64_t)ranges[i].count * SIZE);
		cr_expect(i == 0 || head_size > 0 ||
			  ranges[i].first_ms >= ranges[i - 1].first_ms);
	}
	for (uint32_t i = 0; i < wanted_count; i++) {
		unsigned times = 0;

		for (uint32_t j = 0; j < range_count; j++)
			times += wanted[i].number >= ranges[j].first &&
				 wanted[i].number - ranges[j].first <
					 ranges[j].count;
		cr_expect_eq(times, 1, "chunk %u is in %u ranges",
			     wanted[i].number, times);
	}
	return size;
}

static uint64_t plan(void)
{
	return plan_with_head(0);
}

Test(profile_plan, of_nothing_is_nothing)
{
	cr_expect_eq(plan(), 0);
	cr_expect_eq(range_count, 0);
}

Test(profile_plan, takes_neighbours_together)
{
	want(11, 1, 9);
	want(10, 1, 5);
	want(12, 1, 7);
	want(40, 1, 3);
	cr_expect_eq(plan(), 4 * SIZE);
	cr_assert_eq(range_count, 2);
	cr_expect_eq(ranges[0].first, 40, "what is needed first comes first");
	cr_expect_eq(ranges[1].first, 10);
	cr_expect_eq(ranges[1].count, 3);
	cr_expect_eq(ranges[1].first_ms, 5);
}

Test(profile_plan, does_not_cross_blobs)
{
	want(COUNT / 2 - 1, 2, 0);
	plan();
	cr_expect_eq(range_count, 2);
}

Test(profile_plan, cuts_what_is_long_into_equal_parts)
{
	want(0, 65, 0);
	plan();
	cr_assert_eq(range_count, 3);
	for (uint32_t i = 0; i < range_count; i++)
		cr_expect_geq(ranges[i].count, 21);
}

Test(profile_plan, leaves_gaps_while_there_are_few_ranges)
{
	for (uint32_t i = 0; i < PROFILE_PLAN_RANGES_FREE; i++)
		want(3 * i, 1, i);
	cr_expect_eq(plan(), PROFILE_PLAN_RANGES_FREE * SIZE);
	cr_expect_eq(range_count, PROFILE_PLAN_RANGES_FREE);
}

Test(profile_plan, joins_over_the_smallest_gaps_first)
{
	uint64_t size;

	/* 80 runs of 8 chunks (1 MiB), every tenth with a smaller gap */
	for (uint32_t i = 0, at = 0; i < 50; i++) {
		want(at, 8, i);
		at += 8 + (i % 10 == 0 ? 1 : 2);
	}
	size = plan();
	cr_expect_leq(range_count, size / MIB + PROFILE_PLAN_RANGES_FREE);
	cr_expect_eq(size, 50 * 8 * SIZE, "50 runs of 1 MiB need no join");
}

Test(profile_plan, holds_both_bounds)
{
	uint64_t wanted_size;
	uint64_t size;

	/* 100 runs of 4 chunks (512 KiB): 50 MiB allow 68 ranges */
	for (uint32_t i = 0; i < 100; i++)
		want(5 * i, i == 99 ? 1 : 4, i);
	wanted_size = (uint64_t)wanted_count * SIZE;
	size = plan();
	cr_expect_leq(range_count, size / MIB + PROFILE_PLAN_RANGES_FREE);
	cr_expect_geq(range_count, 50, "and no more joins than need be");
	cr_expect_leq(size, wanted_size + wanted_size / PROFILE_PLAN_GAP_SHARE);
}

Test(profile_plan, prefers_bytes_to_requests)
{
	/* each second chunk: every gap is as large as what is wanted */
	for (uint32_t i = 0; i < 100; i++)
		want(2 * i, 1, i);
	cr_expect_leq(plan(), 100 * SIZE + 100 * SIZE / PROFILE_PLAN_GAP_SHARE);
	cr_expect_geq(range_count, 85);
}

Test(profile_plan, takes_what_is_needed_first_in_small_parts)
{
	want(100, 16, 50);
	want(0, 16, 0); /* two MiB, of which one is the head */
	cr_expect_eq(plan_with_head(MIB), 32 * SIZE);
	cr_assert_eq(range_count, 4);
	cr_expect_eq(ranges[0].first, 0);
	cr_expect_eq(ranges[0].count, 4);
	cr_expect_eq(ranges[1].first, 4);
	cr_expect_eq(ranges[1].count, 4);
	cr_expect_eq(ranges[2].first, 8, "the rest of the run is one range");
	cr_expect_eq(ranges[2].count, 8);
	cr_expect_eq(ranges[3].first, 100);
	cr_expect_eq(ranges[3].count, 16);
}

Test(profile_plan, cuts_what_is_needed_as_early_as_the_head)
{
	want(0, 8, 8); /* the head */
	want(100, 24, 10);
	want(200, 24, 11);
	plan_with_head(MIB);
	cr_assert_eq(range_count, 6);
	for (uint32_t i = 2; i < 5; i++) {
		cr_expect_eq(ranges[i].first, 100 + 8 * (i - 2));
		cr_expect_eq(ranges[i].count, 8);
	}
	cr_expect_eq(ranges[5].first, 200);
	cr_expect_eq(ranges[5].count, 24, "a quarter later is not as early");
}

Test(profile_plan, bounds_the_parts_of_what_is_as_early)
{
	want(0, 8, 8);
	want(100, 100, 8);
	plan_with_head(MIB);
	/* 12.5 MiB would be four ranges */
	cr_expect_eq(range_count, 2 + 4 + PROFILE_PLAN_EARLY_PARTS);
}

Test(profile_plan, bounds_the_parts_of_the_head)
{
	/* single chunks, needed one after the other */
	for (uint32_t i = 0; i < 100; i++)
		want(4 * i, 1, i);
	plan_with_head(100 * SIZE);
	for (uint32_t i = 0; i < PROFILE_PLAN_HEAD_PARTS_MAX; i++) {
		cr_expect_eq(ranges[i].first, 4 * i);
		cr_expect_eq(ranges[i].count, 1);
	}
	cr_expect_gt(ranges[PROFILE_PLAN_HEAD_PARTS_MAX].count, 1,
		     "the rest is joined");
}

Test(profile_plan, joins_nothing_over_the_head)
{
	/* so many runs that the smallest gaps are joined; the head lies in one
	 * of those */
	for (uint32_t i = 0; i < 60; i++)
		want(8 * i, i == 30 ? 3 : 4, i + 10);
	want(8 * 30 + 4, 2, 0);
	plan_with_head(2 * SIZE);
	cr_expect_eq(ranges[0].first, 8 * 30 + 4);
	cr_expect_eq(ranges[0].count, 2);
	for (uint32_t i = 1; i < range_count; i++)
		cr_expect(ranges[i].first > 8 * 30 + 5 ||
				  ranges[i].first + ranges[i].count <=
					  8 * 30 + 4,
			  "%u+%u", ranges[i].first, ranges[i].count);
}

Test(profile_plan, counts_the_head_among_the_ranges)
{
	uint64_t size;

	for (uint32_t i = 0; i < 100; i++)
		want(5 * i, 4, i);
	size = plan_with_head(4 * MIB);
	cr_expect_leq(range_count, size / MIB + PROFILE_PLAN_RANGES_FREE +
					   PROFILE_PLAN_EARLY_PARTS);
}
