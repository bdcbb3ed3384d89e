/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_streamer.h"

#include "fetch/chunk_pace.h"
#include "fetch/chunk_touches.h"
#include "tests/support/loader_fixture.h"

static struct chunk_touches *touches;
static uint64_t rate;
static uint64_t rtt_us;

static void get_link(void *arg, struct chunk_link *ret)
{
	(void)arg;
	*ret = (struct chunk_link){ .rtt_us = rtt_us, .rate = rate };
}

static void setup(void)
{
	loader_setup();
	touches = chunk_touches_create(CHUNKS);
	cr_assert_not_null(touches);
	rate = 50 << 20;
	rtt_us = 4000000;
}

static void teardown(void)
{
	loader_teardown();
	chunk_touches_destroy(touches);
}

TestSuite(chunk_streamer, .init = setup, .fini = teardown);

static void start_streaming(struct chunk_cache *with, bool may_stream)
{
	struct chunk_loader_options options = small;

	options.touches = touches;
	options.may_stream = may_stream;
	options.get_link = get_link;
	loader = create(with, &options);
}

static void wait_for(uint32_t number, unsigned ms)
{
	struct answers *answers = answers_create();

	fault_source_script(source, FAULT_HOLD, 0, 1);
	request_one(answers, number);
	cr_assert(fault_source_wait_held(source, 1));
	usleep(ms * 1000);
	fault_source_release_all(source);
	await(answers, 1);
	answers_destroy(answers);
}

/* For a little longer than the least that counts of any wait. */
static void wait_long_for(uint32_t number)
{
	wait_for(number, CHUNK_STREAMER_WAIT_MS_MIN + 100);
}

Test(chunk_streamer, is_behind_by_a_share_of_what_a_stream_takes)
{
	static const struct {
		const char *label;
		uint64_t waited_ms;
		uint64_t count;
		uint64_t waited_size;
		uint64_t size;
		struct chunk_link link;
		bool is_behind;
		uint64_t close;
	} cases[] = {
		{ "a quarter",
		  3000,
		  150,
		  0,
		  120 << 20,
		  { 20000, 10 << 20 },
		  true },
		{ "less than a quarter",
		  3000,
		  150,
		  0,
		  121 << 20,
		  { 20000, 10 << 20 },
		  false },
		{ "too short to matter",
		  2999,
		  150,
		  0,
		  1 << 20,
		  { 20000, 10 << 20 },
		  false },
		{ "in order, so that a second is enough",
		  1000,
		  100,
		  0,
		  40 << 20,
		  { 20000, 10 << 20 },
		  true,
		  75 },
		{ "in order, for a twentieth of a long stream",
		  2000,
		  100,
		  0,
		  400 << 20,
		  { 20000, 10 << 20 },
		  true,
		  100 },
		{ "in order, for less of it",
		  2000,
		  100,
		  0,
		  401 << 20,
		  { 20000, 10 << 20 },
		  false,
		  100 },
		{ "not quite in order",
		  2999,
		  200,
		  0,
		  40 << 20,
		  { 20000, 10 << 20 },
		  false,
		  149 },
		{ "in order, too short to matter",
		  999,
		  100,
		  0,
		  1 << 20,
		  { 20000, 10 << 20 },
		  false,
		  100 },
		{ "nothing is known", 99999, 50, 0, 1 << 20, { 0, 0 }, false },
		{ "a rate that no core decodes at",
		  3000,
		  150,
		  0,
		  900 << 20,
		  { 20000, 1ULL << 40 },
		  false },
		{ "the link is full",
		  10000,
		  500,
		  100 << 20,
		  200 << 20,
		  { 20000, 10 << 20 },
		  false },
		{ "half of it is the link's",
		  10000,
		  500,
		  50 << 20,
		  200 << 20,
		  { 20000, 10 << 20 },
		  true },
		{ "few round trips on a busy machine",
		  10000,
		  20,
		  0,
		  4 << 20,
		  { 20000, 10 << 20 },
		  false },
		{ "no way to speak of",
		  10000,
		  500,
		  0,
		  4 << 20,
		  { 100, 10 << 20 },
		  false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct chunk_streamer_waits waits = {
			.us = cases[i].waited_ms * 1000,
			.count = cases[i].count,
			.close = cases[i].close,
			.size = cases[i].waited_size,
		};

		cr_expect_eq(chunk_streamer_is_behind(&waits, cases[i].size,
						      &cases[i].link),
			     cases[i].is_behind, "case: %s", cases[i].label);
	}
}

Test(chunk_streamer, brings_the_rest_of_a_blob_that_readers_wait_for)
{
	start_streaming(cache, true);
	wait_long_for(70);
	for (uint32_t i = 0; i < CHUNKS; i++)
		await_cached(i);
	cr_expect_geq(counters().streamed_chunks, CHUNKS - 5);
	cr_expect_eq(fault_source_byte_count(source), 1, "nothing comes twice");
	expect_get(3);
}

static void expect_no_stream(void)
{
	usleep(200000);
	cr_expect_eq(counters().streamed_chunks, 0);
}

Test(chunk_streamer, helps_those_sooner_who_read_in_order)
{
	start_streaming(cache, true);
	wait_for(CHUNK_STREAMER_CLOSE, CHUNK_STREAMER_ORDERLY_MS_MIN + 100);
	for (uint32_t i = 0; i < CHUNKS; i++)
		await_cached(i);
}

Test(chunk_streamer, does_not_help_those_so_soon_who_do_not)
{
	start_streaming(cache, true);
	wait_for(CHUNK_STREAMER_CLOSE + 1, CHUNK_STREAMER_ORDERLY_MS_MIN + 100);
	expect_no_stream();
}

Test(chunk_streamer, does_not_count_more_than_a_round_trip_of_a_wait)
{
	rtt_us = 20000;
	start_streaming(cache, true);
	wait_long_for(70);
	expect_no_stream();
}

Test(chunk_streamer, leaves_a_blob_alone_that_is_read_without_waiting)
{
	start_streaming(cache, true);
	for (uint32_t i = 0; i < 20; i++)
		expect_get(5 * i);
	expect_no_stream();
}

Test(chunk_streamer, does_not_count_what_was_foreseen)
{
	start_streaming(cache, true);
	chunk_touches_expect(touches, 70);
	wait_long_for(70);
	expect_no_stream();
}

Test(chunk_streamer, does_nothing_unless_it_is_wanted)
{
	start_streaming(cache, false);
	wait_long_for(70);
	expect_no_stream();
}

Test(chunk_streamer, does_nothing_without_a_cache_to_put_it_in)
{
	start_streaming(NULL, true);
	wait_long_for(70);
	expect_no_stream();
}

Test(chunk_streamer, does_not_count_what_failed)
{
	struct answers *answers = answers_create();

	start_streaming(cache, true);
	fault_source_script(source, FAULT_HOLD, 0, 1);
	request_one(answers, 70);
	cr_assert(fault_source_wait_held(source, 1));
	usleep((CHUNK_STREAMER_WAIT_MS_MIN + 100) * 1000);
	chunk_loader_destroy(loader);
	loader = NULL;
	await(answers, 1);
	cr_expect_eq(answers->results[0], -ECANCELED);
	answers_destroy(answers);
	fault_source_release_all(source);
}

Test(chunk_streamer, ends_with_its_loader_in_the_middle_of_a_stream)
{
	struct answers *answers = answers_create();

	start_streaming(cache, true);
	/* the chunk, and a range of the stream after it */
	fault_source_script(source, FAULT_HOLD, 0, 2);
	request_one(answers, 70);
	cr_assert(fault_source_wait_held(source, 1));
	usleep((CHUNK_STREAMER_WAIT_MS_MIN + 100) * 1000);
	fault_source_release(source, 70 * CHUNK);
	await(answers, 1);
	answers_destroy(answers);
	cr_assert(fault_source_wait_held(source, 1), "of the stream");
	chunk_loader_destroy(loader);
	loader = NULL;
	fault_source_release_all(source);
}
