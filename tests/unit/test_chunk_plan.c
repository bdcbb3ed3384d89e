/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_plan.h"

#include "common/chunk_ref.h"

#include <criterion/criterion.h>
#include <string.h>

enum {
	SIZE = 1000,
	COUNT = 300,
};

static struct chunk_ref refs[COUNT];
static bool wanted[COUNT];
static struct chunk_plan_limits limits;

static void setup(void)
{
	memset(wanted, 0, sizeof(wanted));
	limits.request_size_max = 10 * SIZE;
	limits.gap_size_max = 2 * SIZE;
	for (uint32_t i = 0; i < COUNT; i++)
		refs[i] = (struct chunk_ref){ .stored_off = (uint64_t)i * SIZE,
					      .stored_size = SIZE };
}

TestSuite(chunk_plan, .init = setup);

static const struct chunk_ref *find(void *arg, uint32_t number)
{
	(void)arg;
	return number < COUNT && wanted[number] ? &refs[number] : NULL;
}

static void want(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		wanted[i] = true;
}

static struct chunk_plan gather(uint32_t number)
{
	struct chunk_plan plan;

	chunk_plan_gather(&limits, number, find, NULL, &plan);
	cr_assert_geq(plan.count, 1);
	cr_assert_lt(plan.first, plan.count);
	cr_expect_eq(plan.numbers[plan.first], number);
	for (size_t i = 0; i < plan.count; i++) {
		const struct chunk_ref *ref = &refs[plan.numbers[i]];

		cr_expect(wanted[plan.numbers[i]]);
		cr_expect_geq(ref->stored_off, plan.off);
		cr_expect_leq(ref->stored_off + ref->stored_size, plan.end);
		cr_expect(i == 0 || plan.numbers[i] > plan.numbers[i - 1]);
	}
	return plan;
}

static void expect_plan(uint32_t number, uint32_t first, uint32_t last)
{
	struct chunk_plan plan = gather(number);

	cr_expect_eq(plan.numbers[0], first);
	cr_expect_eq(plan.numbers[plan.count - 1], last);
}

Test(chunk_plan, takes_one_chunk_alone)
{
	want(5, 1);
	expect_plan(5, 5, 5);
	cr_expect_eq(gather(5).count, 1);
}

Test(chunk_plan, joins_neighbours_on_both_sides)
{
	want(3, 5);
	expect_plan(5, 3, 7);
	cr_expect_eq(gather(5).count, 5);
	cr_expect_eq(gather(5).off, 3 * SIZE);
	cr_expect_eq(gather(5).end, 8 * SIZE);
}

Test(chunk_plan, prefers_what_comes_after)
{
	want(0, 40);
	expect_plan(20, 20, 29);
	expect_plan(35, 30, 39);
}

Test(chunk_plan, bridges_small_gaps_only)
{
	want(5, 1);
	want(8, 1); /* two away: as large as the limit */
	want(12, 1);
	expect_plan(5, 5, 8);
	expect_plan(12, 12, 12);
	limits.gap_size_max--;
	expect_plan(5, 5, 5);
}

Test(chunk_plan, joins_neighbours_that_share_a_byte)
{
	want(5, 3);
	refs[6].stored_off--;
	refs[7].stored_off -= 2;
	expect_plan(5, 5, 7);
	cr_expect_eq(chunk_plan_size(&(struct chunk_plan){
			     .off = gather(5).off, .end = gather(5).end }),
		     3 * SIZE - 2);
}

Test(chunk_plan, stays_within_one_blob)
{
	want(5, 4);
	refs[7].blob = 1;
	refs[8].blob = 1;
	expect_plan(5, 5, 6);
	expect_plan(8, 7, 8);
}

Test(chunk_plan, lets_a_large_chunk_travel_alone)
{
	want(5, 3);
	refs[6].stored_size = 11 * SIZE;
	expect_plan(6, 6, 6);
	cr_expect_eq(gather(6).count, 1);
}

Test(chunk_plan, bounds_the_number_of_chunks)
{
	limits.request_size_max = COUNT * SIZE;
	want(0, COUNT);
	cr_expect_eq(gather(150).count, CHUNK_PLAN_CHUNKS_MAX);
	cr_expect_eq(gather(0).count, CHUNK_PLAN_CHUNKS_MAX);
	expect_plan(COUNT - 1, COUNT - CHUNK_PLAN_CHUNKS_MAX, COUNT - 1);
}

Test(chunk_plan, does_not_look_far_for_the_next)
{
	want(5, 1);
	want(5 + CHUNK_PLAN_SKIP_MAX + 2, 1);
	for (uint32_t i = 6; i < COUNT; i++)
		refs[i].stored_off = 6 * SIZE;
	expect_plan(5, 5, 5);
}

Test(chunk_plan, survives_a_table_in_any_order)
{
	unsigned random = 1;

	want(0, COUNT);
	for (unsigned round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < COUNT; i++) {
			random = random * 1103515245u + 12345u;
			refs[i].stored_off = random >> 8 & 0xffff;
			refs[i].stored_size = 1 + (random >> 24) * 64;
		}
		for (uint32_t i = 0; i < COUNT; i += 17) {
			struct chunk_plan plan = gather(i);

			cr_expect(plan.count == 1 ||
				  plan.end - plan.off <=
					  limits.request_size_max);
		}
	}
}

Test(chunk_plan, knows_the_first_and_the_last_number)
{
	struct chunk_plan plan;

	want(0, 1);
	chunk_plan_gather(&limits, 0, find, NULL, &plan);
	cr_expect_eq(plan.count, 1);
	cr_expect_eq(plan.first, 0);
}
