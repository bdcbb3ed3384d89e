/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_speculation.h"

#include "fetch/chunk_pace.h"
#include "fetch/chunk_touches.h"
#include "tests/support/loader_fixture.h"

static struct chunk_touches *touches;
static struct chunk_link link_known;

static void get_link(void *arg, struct chunk_link *ret)
{
	(void)arg;
	*ret = link_known;
}

/* A link on which three chunks come along with one. */
static void setup(void)
{
	struct chunk_loader_options options = small;

	loader_setup();
	touches = chunk_touches_create(CHUNKS);
	cr_assert_not_null(touches);
	link_known = (struct chunk_link){
		.rtt_us = 20000,
		.rate = (uint64_t)(3 * CHUNK + CHUNK / 2) * 2 * 50,
	};
	options.touches = touches;
	options.get_link = get_link;
	loader = create(cache, &options);
}

static void teardown(void)
{
	loader_teardown();
	chunk_touches_destroy(touches);
}

TestSuite(chunk_speculation, .init = setup, .fini = teardown);

Test(chunk_speculation, takes_along_what_a_long_fast_link_has_time_for)
{
	static const struct {
		const char *label;
		struct chunk_link link;
		size_t size;
	} cases[] = {
		{ "nothing is known", { 0, 0 }, 0 },
		{ "loopback", { 100, 2000000000 }, 0 },
		{ "a local network", { 1000, 125000000 }, 0 },
		{ "20 ms, 1 Gbit/s", { 20000, 125000000 }, 1250000 },
		{ "20 ms, 50 Mbit/s", { 20000, 6250000 }, 62500 },
		{ "very long",
		  { 500000, 125000000 },
		  CHUNK_SPECULATION_SIZE_MAX },
		{ "no rate yet", { 20000, 0 }, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(chunk_speculation_size(&cases[i].link),
			     cases[i].size, "case: %s: %zu", cases[i].label,
			     chunk_speculation_size(&cases[i].link));
}

Test(chunk_speculation, makes_one_range_of_a_chunk_and_what_follows)
{
	expect_get(10);
	for (uint32_t i = 11; i < 14; i++)
		await_cached(i);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().fetched_chunks, 4);
	/* 13 may still be landing, and who waits for a flight speculates too */
	link_known.rtt_us = 0;
	expect_get(13);
	cr_expect_eq(counters().fetched_ranges, 1);
}

Test(chunk_speculation, passes_over_what_is_at_hand)
{
	link_known.rtt_us = 0;
	expect_get(12);
	await_cached(12);
	link_known.rtt_us = 20000;
	expect_get(10);
	await_cached(11);
	await_cached(13);
	cr_expect_eq(counters().fetched_chunks, 4);
	/* 12 is a gap small enough to be fetched along again */
	cr_expect_eq(fault_source_byte_count(source), 2);
}

Test(chunk_speculation, leaves_large_chunks)
{
	table->refs[11].stored_size = CHUNK_SPECULATION_COLD_SIZE + 1;
	expect_get(10);
	await_cached(10);
	cr_expect_eq(counters().fetched_chunks, 1);
}

Test(chunk_speculation, ends_when_it_proves_wrong)
{
	/* every fourth chunk is read: what comes along never is */
	for (uint32_t i = 0; i < CHUNKS; i += 4)
		expect_get(i);
	cr_expect_leq(counters().fetched_chunks,
		      CHUNKS / 4 * (1 + CHUNK_SPECULATION_SHARE) +
			      CHUNK_SPECULATION_FREE);
	/* only small gaps are fetched along again */
	cr_expect_leq(fault_source_byte_count(source), 2);
}

Test(chunk_speculation, leaves_it_to_a_profile_that_knows_better)
{
	chunk_touches_expect(touches, 10);
	expect_get(10);
	await_cached(10);
	cr_expect_eq(counters().fetched_chunks, 1);
}
