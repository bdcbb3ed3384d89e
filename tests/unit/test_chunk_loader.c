/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_loader.h"

#include "tests/support/loader_fixture.h"

#include <unistd.h>

TestSuite(chunk_loader, .init = loader_setup, .fini = loader_teardown);

Test(chunk_loader, gets_every_chunk)
{
	start(cache);
	for (uint32_t i = 0; i < CHUNKS; i++)
		expect_get(i);
	cr_expect_eq(counters().fetched_chunks, CHUNKS);
	cr_expect_eq(counters().fetched_bytes, BLOB);
	cr_expect_eq(fault_source_byte_count(source), 1);
}

Test(chunk_loader, works_without_a_cache)
{
	start(NULL);
	expect_get(3);
	expect_get(3);
	cr_expect_eq(counters().fetched_chunks, 1);
	cr_expect_eq(counters().memory_hits, 1);
}

Test(chunk_loader, answers_from_memory)
{
	start(cache);
	expect_get(3);
	expect_get(3);
	cr_expect_eq(counters().memory_hits, 1);
	cr_expect_eq(counters().fetched_ranges, 1);
}

Test(chunk_loader, answers_from_the_cache_of_an_earlier_run)
{
	start(cache);
	expect_get(3);
	chunk_loader_destroy(loader);
	start(cache);
	expect_get(3);
	expect_get(3);
	cr_expect_eq(counters().cache_hits, 1);
	cr_expect_eq(counters().memory_hits, 1, "the cache fills memory");
	cr_expect_eq(counters().fetched_ranges, 0);
}

Test(chunk_loader, loads_only_what_is_at_hand)
{
	struct chunk *chunk = NULL;

	start(cache);
	cr_expect_eq(chunk_loader_load(loader, 3, &chunk), CHUNK_LOADER_ABSENT);
	cr_expect_null(chunk);
	cr_expect_not(chunk_loader_has(loader, 3));
	expect_get(3);
	cr_expect(chunk_loader_has(loader, 3));
	cr_expect_not(chunk_loader_has(loader, 4));
	cr_expect_not(chunk_loader_has(loader, CHUNKS), "no such chunk");
	cr_expect_eq(chunk_loader_load(loader, 3, &chunk), CHUNK_LOADER_FOUND);
	expect_chunk(chunk, 3);
	chunk_unref(chunk);
	cr_expect_eq(counters().fetched_ranges, 1);
}

Test(chunk_loader, keeps_chunks_that_readers_hold)
{
	struct chunk *chunk = NULL;

	start(NULL);
	cr_assert_eq(chunk_loader_get(loader, 0, &chunk, NULL), 0);
	for (uint32_t i = 1; i < 20; i++)
		expect_get(i);
	expect_chunk(chunk, 0);
	chunk_unref(chunk);
	expect_get(0);
	cr_expect_eq(counters().fetched_chunks, 21, "memory is bounded");
}

Test(chunk_loader, fetches_neighbours_in_one_range)
{
	static const uint32_t numbers[] = { 12, 10, 11, 13 };
	struct answers *answers = answers_create();

	start(cache);
	request(answers, numbers, 4);
	await(answers, 1);
	cr_expect_eq(answers->results[0], 0);
	cr_expect_eq(answers->firsts[0], 12, "in the order asked for");
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().fetched_chunks, 4);
	cr_expect_eq(counters().fetched_bytes, 4 * CHUNK);
	answers_destroy(answers);
}

Test(chunk_loader, fetches_a_small_gap_along)
{
	static const uint32_t numbers[] = { 10, 12, 15 };
	struct answers *answers = answers_create();

	start(cache);
	request(answers, numbers, 3);
	await(answers, 1);
	/* 10 to 12 with the gap, 15 alone */
	cr_expect_eq(counters().fetched_ranges, 2);
	cr_expect_eq(counters().fetched_bytes, 4 * CHUNK);
	cr_expect_eq(counters().fetched_chunks, 3);
	answers_destroy(answers);
}

Test(chunk_loader, decodes_neighbours_that_share_a_byte)
{
	static const uint32_t numbers[] = { 0, 1 };
	struct answers *answers = answers_create();
	struct chunk_ref *ref = &table->refs[1];

	ref->stored_off--;
	digest_compute(blob + ref->stored_off, CHUNK, &ref->digest);
	start(cache);
	request(answers, numbers, 2);
	await(answers, 1);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().fetched_bytes, 2 * CHUNK - 1);
	answers_destroy(answers);
}

Test(chunk_loader, accepts_one_chunk_twice_in_a_request)
{
	static const uint32_t numbers[] = { 7, 7, 8, 7 };
	struct answers *answers = answers_create();

	start(cache);
	request(answers, numbers, 4);
	await(answers, 1);
	cr_expect_eq(answers->results[0], 0);
	cr_expect_eq(counters().fetched_chunks, 2);
	answers_destroy(answers);
}

Test(chunk_loader, shares_a_flight_between_requests)
{
	enum { READERS = 16 };
	struct answers *answers = answers_create();

	fault_source_script(source, FAULT_HOLD, 0, 1);
	start(cache);
	for (unsigned i = 0; i < READERS; i++)
		request_one(answers, 5);
	cr_assert(fault_source_wait_held(source, 1));
	request_one(answers, 5);
	fault_source_release_all(source);
	await(answers, READERS + 1);
	cr_expect_eq(counters().fetched_chunks, 1);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().flights_joined, READERS);
	answers_destroy(answers);
}

Test(chunk_loader, answers_what_has_come_of_a_range)
{
	fault_source_script(source, FAULT_HOLD, 0, 1);
	start(cache);
	chunk_loader_prefetch(loader, 10, 8, CHUNK_PROFILE);
	cr_assert(fault_source_wait_held(source, 1));
	fault_source_show_held(source, 2 * CHUNK - 1);
	expect_get(10);
	fault_source_show_held(source, 4 * CHUNK);
	expect_get(13);
	expect_get(11);
	cr_expect_eq(counters().fetched_ranges, 1);
	/* another try begins anew: what has been taken stays */
	fault_source_show_held(source, CHUNK);
	expect_get(12);
	fault_source_release_all(source);
	for (uint32_t i = 10; i < 18; i++)
		expect_get(i);
	cr_expect_eq(counters().fetched_chunks, 8);
	cr_expect_eq(fault_source_byte_count(source), 1);
}

Test(chunk_loader, takes_nothing_early_without_a_digest)
{
	struct answers *answers = answers_create();

	table->refs[10].digest = (struct digest){ 0 };
	fault_source_script(source, FAULT_HOLD, 0, 1);
	start(NULL);
	chunk_loader_prefetch(loader, 10, 3, CHUNK_PROFILE);
	cr_assert(fault_source_wait_held(source, 1));
	request_one(answers, 10);
	fault_source_show_held(source, 2 * CHUNK);
	expect_get(11);
	cr_expect_eq(answers->count, 0);
	fault_source_release_all(source);
	await(answers, 1);
	cr_expect_eq(answers->results[0], 0);
	answers_destroy(answers);
}

Test(chunk_loader, drops_what_comes_of_an_abandoned_range)
{
	struct answers *answers = answers_create();

	fault_source_script(source, FAULT_HOLD, 0, 1);
	start(cache);
	request_one(answers, 5);
	cr_assert(fault_source_wait_held(source, 1));
	chunk_loader_destroy(loader);
	loader = NULL;
	cr_expect_eq(answers->results[0], -ECANCELED);
	fault_source_show_held(source, CHUNK);
	fault_source_release_all(source);
	answers_destroy(answers);
}

Test(chunk_loader, puts_a_prefetch_into_the_cache_only)
{
	struct chunk *chunk = NULL;

	start(cache);
	chunk_loader_prefetch(loader, 10, 5, CHUNK_READ_AHEAD);
	for (uint32_t i = 10; i < 15; i++)
		await_cached(i);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(chunk_loader_load(loader, 10, &chunk), CHUNK_LOADER_FOUND);
	chunk_unref(chunk);
	cr_expect_eq(counters().cache_hits, 1);
	cr_expect_eq(counters().memory_hits, 0);
}

Test(chunk_loader, puts_a_prefetch_into_memory_without_a_cache)
{
	start(NULL);
	chunk_loader_prefetch(loader, 10, 2, CHUNK_READ_AHEAD);
	AWAIT_COUNTER(fetched_chunks, 2);
	expect_get(10);
	expect_get(11);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().fetched_chunks, 2);
}

Test(chunk_loader, drops_a_prefetch_of_what_is_cached)
{
	start(cache);
	chunk_loader_prefetch(loader, 10, 5, CHUNK_FILL);
	for (uint32_t i = 10; i < 15; i++)
		await_cached(i);
	chunk_loader_prefetch(loader, 10, 5, CHUNK_FILL);
	expect_get(50);
	cr_expect_eq(counters().fetched_chunks, 6);
}

Test(chunk_loader, ignores_a_prefetch_past_the_end)
{
	start(cache);
	chunk_loader_prefetch(loader, CHUNKS - 2, 1000, CHUNK_FILL);
	chunk_loader_prefetch(loader, CHUNKS, 1, CHUNK_FILL);
	chunk_loader_prefetch(loader, UINT32_MAX, UINT32_MAX, CHUNK_FILL);
	await_cached(CHUNKS - 1);
	cr_expect_eq(counters().fetched_chunks, 2);
}

Test(chunk_loader, reads_ahead_of_a_sequential_reader)
{
	start(cache);
	for (uint32_t i = 0; i < 50; i++) {
		chunk_loader_note_read(loader, 1, i, 1, 49);
		expect_get(i);
	}
	cr_expect_gt(counters().read_ahead_chunks, 30);
	cr_expect_leq(counters().fetched_ranges, 20);
	cr_expect_eq(fault_source_byte_count(source), 1);
	expect_get(60);
	cr_expect_eq(counters().fetched_chunks, 51, "not past the file's end");
}

Test(chunk_loader, loads_what_a_sequential_reader_comes_to_next)
{
	struct chunk_loader_options roomy = small;
	uint64_t before;
	unsigned steps = 0;

	roomy.memory_size = 20 * (CHUNK + 512);
	start(cache);
	for (uint32_t i = 0; i < 20; i++)
		expect_get(i);
	await_cached(19);
	chunk_loader_destroy(loader);
	loader = create(cache, &roomy);
	cr_expect_not(chunk_loader_look_ahead(loader), "nobody reads yet");
	for (uint32_t i = 0; i < 12; i++) {
		chunk_loader_note_read(loader, 1, i, 1, 19);
		expect_get(i);
	}
	while (chunk_loader_look_ahead(loader) && steps < 100)
		steps++;
	cr_expect_eq(steps, 4, "12 to 15");
	cr_expect_eq(counters().cache_hits, 16);
	before = counters().memory_hits;
	expect_get(15);
	cr_expect_eq(counters().memory_hits, before + 1);
	cr_expect_eq(counters().cache_hits, 16, "each was loaded once");
	cr_expect_eq(counters().fetched_ranges, 0);
}

Test(chunk_loader, does_not_read_ahead_of_a_random_reader)
{
	start(cache);
	for (uint32_t i = 0; i < 50; i++) {
		uint32_t number = i * 37 % CHUNKS;

		chunk_loader_note_read(loader, 1, number, 1, CHUNKS - 1);
		expect_get(number);
	}
	cr_expect_eq(counters().read_ahead_chunks, 0);
}

Test(chunk_loader, cancels_requests_when_it_is_destroyed)
{
	struct answers *answers = answers_create();

	fault_source_script(source, FAULT_HOLD, 0, 2);
	start(cache);
	for (uint32_t i = 0; i < 10; i++)
		request_one(answers, i * 10);
	cr_assert(fault_source_wait_held(source, 2));
	chunk_loader_destroy(loader);
	loader = NULL;
	cr_expect_eq(answers->count, 10);
	for (size_t i = 0; i < 10; i++)
		cr_expect_eq(answers->results[i], -ECANCELED);
	/* late answers find nobody */
	fault_source_release_all(source);
	answers_destroy(answers);
}

Test(chunk_loader, refuses_numbers_that_are_not_there)
{
	static const uint32_t numbers[65] = { 0 };
	struct answers *answers = answers_create();
	struct chunk *chunk = NULL;
	uint32_t past = CHUNKS;

	start(cache);
	cr_expect_eq(get_result(CHUNKS, NULL), -EINVAL);
	cr_expect_eq(chunk_loader_load(loader, past, &chunk), -EINVAL);
	cr_expect_eq(chunk_loader_request(loader, &past, 1, CHUNK_DEMAND,
					  note_answer, answers),
		     -EINVAL);
	cr_expect_eq(chunk_loader_request(loader, numbers, 0, CHUNK_DEMAND,
					  note_answer, answers),
		     -EINVAL);
	cr_expect_eq(chunk_loader_request(loader, numbers, 65, CHUNK_DEMAND,
					  note_answer, answers),
		     -EINVAL);
	cr_expect_eq(answers->count, 0);
	answers_destroy(answers);
}

Test(chunk_loader, says_that_the_index_is_damaged)
{
	struct chunk *chunk = NULL;
	struct error err = { 0 };

	table->refs[1].stored_size = 0;
	table->refs[2].blob = 1;
	table->refs[3].stored_off = BLOB - CHUNK + 1;
	start(cache);
	for (uint32_t i = 1; i <= 3; i++) {
		cr_expect_eq(get_result(i, &err), -EBADMSG);
		cr_expect_not_null(strstr(err.text, "index"), "%s", err.text);
		cr_expect_eq(chunk_loader_load(loader, i, &chunk), -EBADMSG);
	}
	/* neighbours suffer not */
	chunk_loader_prefetch(loader, 0, 5, CHUNK_FILL);
	expect_get(0);
	expect_get(4);
}

Test(chunk_loader, accepts_sources_that_answer_at_once)
{
	fault_source_set_inline(source);
	start(cache);
	for (uint32_t i = 0; i < CHUNKS; i++)
		expect_get(i);
	cr_expect_eq(counters().fetched_chunks, CHUNKS);
}

Test(chunk_loader, accepts_answers_in_any_order)
{
	struct answers *answers = answers_create();
	struct chunk_loader_options wide = small;

	wide.requests_max = 8;
	fault_source_script(source, FAULT_HOLD, 0, 8);
	loader = create(cache, &wide);
	for (uint32_t i = 0; i < 8; i++)
		request_one(answers, i * 10);
	cr_assert(fault_source_wait_held(source, 8));
	fault_source_release_all(source);
	await(answers, 8);
	cr_expect_eq(counters().fetched_chunks, 8);
	answers_destroy(answers);
}

Test(chunk_loader, may_be_destroyed_when_it_is_nothing)
{
	chunk_loader_destroy(NULL);
}
