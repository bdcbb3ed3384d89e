/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_scheduler.h"

#include "tests/support/loader_fixture.h"

TestSuite(chunk_scheduler, .init = loader_setup, .fini = loader_teardown);

Test(chunk_scheduler, gives_up_at_the_deadline_when_the_source_hangs)
{
	struct chunk_loader_options quick = small;
	struct error err = { 0 };

	quick.deadline_ms = 200;
	fault_source_script(source, FAULT_HOLD, 0, 1);
	loader = create(cache, &quick);
	cr_expect_eq(get_result(5, &err), -ETIMEDOUT);
	cr_expect_not_null(strstr(err.text, "200 ms"), "%s", err.text);
	/* anew, while the old answer is still held */
	for (int i = 0; i < 100 && get_result(5, NULL) != 0; i++)
		usleep(2000); /* it fails at once for a moment */
	expect_get(5);
	fault_source_release_all(source);
	expect_get(6);
}

Test(chunk_scheduler, tries_again_for_who_joined_a_hanging_flight_late)
{
	struct answers *answers = answers_create();
	struct chunk_loader_options quick = small;

	quick.deadline_ms = 200;
	fault_source_script(source, FAULT_HOLD, 0, 1);
	loader = create(cache, &quick);
	request_one(answers, 5);
	cr_assert(fault_source_wait_held(source, 1));
	usleep(120 * 1000);
	request_one(answers, 5);
	await(answers, 2);
	cr_expect_eq(answers->results[0], -ETIMEDOUT);
	cr_expect_eq(answers->results[1], 0);
	cr_expect_eq(counters().fetched_ranges, 2);
	answers_destroy(answers);
}

Test(chunk_scheduler, waits_for_another_process_that_fetches)
{
	struct answers *answers = answers_create();
	struct chunk_cache *other = NULL;
	struct digest key;

	cr_assert_eq(chunk_cache_open(dir, 0, &other, NULL), 0);
	chunk_ref_key(&table->refs[5], &key);
	cr_assert_eq(chunk_cache_try_claim(other, &key), CHUNK_CACHE_CLAIMED);
	start(cache);
	request_one(answers, 5);
	AWAIT_COUNTER(node_waits, 1);
	cr_expect_eq(answers->count, 0);
	chunk_cache_store(other, &key, blob + 5 * CHUNK, CHUNK);
	chunk_cache_unclaim(other, &key);
	await(answers, 1);
	cr_expect_eq(answers->results[0], 0);
	cr_expect_eq(counters().fetched_ranges, 0);
	cr_expect_eq(counters().cache_hits, 1);
	chunk_cache_close(other);
	answers_destroy(answers);
}

Test(chunk_scheduler, takes_over_from_a_process_that_died)
{
	struct answers *answers = answers_create();
	struct chunk_cache *other = NULL;
	struct digest key;

	cr_assert_eq(chunk_cache_open(dir, 0, &other, NULL), 0);
	chunk_ref_key(&table->refs[5], &key);
	cr_assert_eq(chunk_cache_try_claim(other, &key), CHUNK_CACHE_CLAIMED);
	start(cache);
	request_one(answers, 5);
	AWAIT_COUNTER(node_waits, 1);
	chunk_cache_close(other);
	await(answers, 1);
	cr_expect_eq(answers->results[0], 0);
	cr_expect_eq(counters().fetched_ranges, 1);
	answers_destroy(answers);
}

Test(chunk_scheduler, does_not_wait_forever_for_another_process)
{
	struct chunk_cache *other = NULL;
	struct chunk_loader_options quick = small;
	struct digest key;

	cr_assert_eq(chunk_cache_open(dir, 0, &other, NULL), 0);
	chunk_ref_key(&table->refs[5], &key);
	cr_assert_eq(chunk_cache_try_claim(other, &key), CHUNK_CACHE_CLAIMED);
	quick.deadline_ms = 2000; /* patience: an eighth */
	loader = create(cache, &quick);
	expect_get(5);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().node_waits, 1);
	chunk_cache_close(other);
}

Test(chunk_scheduler, fetches_around_what_another_process_fetches)
{
	static const uint32_t numbers[] = { 3, 4, 6, 7 };
	struct answers *answers = answers_create();
	struct chunk_cache *other = NULL;
	struct digest key;

	cr_assert_eq(chunk_cache_open(dir, 0, &other, NULL), 0);
	chunk_ref_key(&table->refs[5], &key);
	cr_assert_eq(chunk_cache_try_claim(other, &key), CHUNK_CACHE_CLAIMED);
	start(cache);
	chunk_loader_prefetch(loader, 3, 5, CHUNK_FILL);
	request(answers, numbers, 4);
	await(answers, 1);
	await_cached(7);
	cr_expect_eq(counters().fetched_chunks, 4);
	cr_expect_eq(counters().fetched_bytes, 4 * CHUNK);
	chunk_cache_close(other);
	answers_destroy(answers);
}

Test(chunk_scheduler, gives_up_its_claims_when_it_is_destroyed)
{
	struct chunk_cache *other = NULL;
	struct answers *answers = answers_create();
	struct digest key;

	cr_assert_eq(chunk_cache_open(dir, 0, &other, NULL), 0);
	chunk_ref_key(&table->refs[5], &key);
	fault_source_script(source, FAULT_HOLD, 0, 1);
	start(cache);
	request_one(answers, 5);
	cr_assert(fault_source_wait_held(source, 1));
	cr_expect_eq(chunk_cache_try_claim(other, &key), CHUNK_CACHE_TAKEN);
	chunk_loader_destroy(loader);
	loader = NULL;
	cr_expect_eq(chunk_cache_try_claim(other, &key), CHUNK_CACHE_CLAIMED);
	chunk_cache_close(other);
	answers_destroy(answers);
}

Test(chunk_scheduler, lets_demands_overtake)
{
	static const uint32_t far[] = { 20, 40, 60 };
	struct answers *answers = answers_create();
	struct chunk_loader_options one = small;

	one.requests_max = 1;
	fault_source_script(source, FAULT_HOLD, 0, 1);
	loader = create(cache, &one);
	request_one(answers, 0);
	cr_assert(fault_source_wait_held(source, 1));
	for (size_t i = 0; i < 3; i++)
		chunk_loader_request(loader, &far[i], 1, CHUNK_FILL,
				     note_answer, answers);
	request_one(answers, 80);
	fault_source_script(source, FAULT_HOLD, 0, 1);
	fault_source_release_all(source);
	cr_assert(fault_source_wait_held(source, 1));
	/* The next range is the demand's: another's would hold all up. */
	fault_source_release(source, 80 * CHUNK);
	await(answers, 5);
	answers_destroy(answers);
}

Test(chunk_scheduler, raises_a_prefetch_that_is_demanded)
{
	struct answers *answers = answers_create();
	struct chunk_loader_options one = small;

	one.requests_max = 1;
	fault_source_script(source, FAULT_HOLD, 0, 1);
	loader = create(cache, &one);
	request_one(answers, 0);
	cr_assert(fault_source_wait_held(source, 1));
	chunk_loader_prefetch(loader, 20, 1, CHUNK_FILL);
	chunk_loader_prefetch(loader, 40, 1, CHUNK_FILL);
	chunk_loader_prefetch(loader, 60, 1, CHUNK_FILL);
	request_one(answers, 60);
	fault_source_script(source, FAULT_HOLD, 0, 1);
	fault_source_release_all(source);
	cr_assert(fault_source_wait_held(source, 1));
	fault_source_release(source, 60 * CHUNK);
	await(answers, 2);
	await_cached(20);
	await_cached(40);
	answers_destroy(answers);
}

Test(chunk_scheduler, keeps_a_slot_free_of_prefetches)
{
	struct answers *answers = answers_create();
	struct chunk_loader_options four = small;

	four.requests_max = 4;
	fault_source_script(source, FAULT_HOLD, 0, 3);
	loader = create(cache, &four);
	/* ranges of five chunks each: eight, of which three may start */
	chunk_loader_prefetch(loader, 0, 40, CHUNK_READ_AHEAD);
	cr_assert(fault_source_wait_held(source, 3));
	cr_expect_eq(counters().fetched_ranges, 3);
	request_one(answers, 90);
	await(answers, 1);
	cr_expect_eq(counters().fetched_ranges, 4);
	fault_source_release_all(source);
	answers_destroy(answers);
}

Test(chunk_scheduler, bounds_the_bytes_in_flight)
{
	struct answers *answers = answers_create();
	struct chunk_loader_options tight = small;

	tight.requests_max = 8;
	tight.flight_size_max = 10 * CHUNK;
	fault_source_script(source, FAULT_HOLD, 0, 8);
	loader = create(cache, &tight);
	for (uint32_t i = 0; i < 80; i += 10) {
		const uint32_t numbers[] = { i, i + 1, i + 2 };

		request(answers, numbers, 3);
	}
	cr_assert(fault_source_wait_held(source, 3));
	usleep(2000);
	cr_expect_eq(counters().fetched_ranges, 3, "of three each, in ten");
	for (uint32_t i = 0; i < 80; i += 10) {
		fault_source_release(source, i * CHUNK);
		await(answers, i / 10 + 1);
		if (i < 50)
			cr_assert(fault_source_wait_held(source, 3));
		cr_expect_leq(counters().fetched_ranges, i / 10 + 4);
	}
	answers_destroy(answers);
}
