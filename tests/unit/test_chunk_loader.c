/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_loader.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/chunk_cache.h"
#include "fetch/range_source.h"
#include "tests/support/fault_source.h"
#include "tests/support/memory_table.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	CHUNK = 10000,
	CHUNKS = 100,
	BLOB = CHUNK * CHUNKS,
	ANSWERS_MAX = 128,
	WAIT_MS = 10000,
};

static uint8_t blob[BLOB];
static char dir[TEMP_DIR_SIZE];
static struct memory_table *table;
static struct range_source *source;
static struct chunk_cache *cache;
static struct chunk_loader *loader;

/* Everything small: 4 chunks in memory, 5 in a range, 2 ranges. */
static const struct chunk_loader_options small = {
	.memory_size = 4 * (CHUNK + 512),
	.flight_size_max = 20 * CHUNK,
	.request_size_max = 5 * CHUNK,
	.gap_size_max = CHUNK,
	.requests_max = 2,
	.worker_count = 2,
	.read_ahead_requests = 2,
};

static void setup(void)
{
	for (size_t i = 0; i < BLOB; i++)
		blob[i] = (uint8_t)(i * 2654435761u >> 13);
	temp_dir_create(dir);
	table = memory_table_create(2 * CHUNKS);
	memory_table_cut(table, 0, blob, BLOB, CHUNK);
	source = fault_source_create(blob, BLOB);
	cr_assert_not_null(source);
	cr_assert_eq(chunk_cache_open(dir, 1 << 30, &cache, NULL), 0);
}

static void teardown(void)
{
	chunk_loader_destroy(loader);
	range_source_destroy(source);
	chunk_cache_close(cache);
	memory_table_destroy(table);
	temp_dir_remove(dir);
}

TestSuite(chunk_loader, .init = setup, .fini = teardown);

static struct chunk_loader *create(struct chunk_cache *with,
				   const struct chunk_loader_options *options)
{
	struct chunk_loader *created = NULL;
	struct error err = { 0 };

	cr_assert_eq(chunk_loader_create(&table->table, &source, 1, with,
					 options, &created, &err),
		     0, "%s", err.text);
	return created;
}

static void start(struct chunk_cache *with)
{
	loader = create(with, &small);
}

static void expect_chunk(const struct chunk *chunk, uint32_t number)
{
	const struct chunk_ref *ref = &table->refs[number];

	cr_assert_not_null(chunk);
	cr_expect_eq(chunk->number, number);
	cr_assert_eq(chunk->size, ref->raw_size);
	cr_expect_eq(memcmp(chunk->data, blob + ref->stored_off, chunk->size),
		     0, "bytes of chunk %u", number);
}

static void expect_get(uint32_t number)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
	struct error err = { 0 };

	cr_assert_eq(chunk_loader_get(loader, number, &chunk, &err), 0, "%s",
		     err.text);
	expect_chunk(chunk, number);
}

static int get_result(uint32_t number, struct error *err)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;

	return chunk_loader_get(loader, number, &chunk, err);
}

static struct chunk_loader_counters counters(void)
{
	struct chunk_loader_counters ret;

	chunk_loader_get_counters(loader, &ret);
	return ret;
}

/* What callbacks bring, in the order in which they come. */
struct answers {
	struct mutex lock;
	struct condition comes;
	size_t count;
	int results[ANSWERS_MAX];
	uint32_t firsts[ANSWERS_MAX];
	struct error err;
};

static struct answers *answers_create(void)
{
	struct answers *answers = calloc(1, sizeof(*answers));

	cr_assert_not_null(answers);
	mutex_init(&answers->lock);
	condition_init(&answers->comes);
	return answers;
}

static void answers_destroy(struct answers *answers)
{
	condition_fini(&answers->comes);
	mutex_fini(&answers->lock);
	free(answers);
}

static void note_answer(void *arg, int result, struct chunk *const *chunks,
			size_t count, const struct error *err)
{
	struct answers *answers = arg;

	mutex_lock(&answers->lock);
	answers->results[answers->count] = result;
	answers->firsts[answers->count] = count ? chunks[0]->number : 0;
	if (result < 0)
		answers->err = *err;
	for (size_t i = 0; i < count; i++)
		expect_chunk(chunks[i], chunks[i]->number);
	answers->count++;
	condition_signal(&answers->comes);
	mutex_unlock(&answers->lock);
}

static void await(struct answers *answers, size_t count)
{
	int64_t deadline_ms = clock_ms() + WAIT_MS;

	mutex_lock(&answers->lock);
	while (answers->count < count && clock_ms() < deadline_ms)
		condition_wait_until(&answers->comes, &answers->lock,
				     deadline_ms);
	cr_assert_eq(answers->count, count, "%zu answers of %zu",
		     answers->count, count);
	mutex_unlock(&answers->lock);
}

static void request(struct answers *answers, const uint32_t *numbers,
		    size_t count)
{
	cr_assert_eq(chunk_loader_request(loader, numbers, count, CHUNK_DEMAND,
					  note_answer, answers),
		     0);
}

static void request_one(struct answers *answers, uint32_t number)
{
	request(answers, &number, 1);
}

/* Until a counter that another thread adds to has come to a value. */
#define AWAIT_COUNTER(field, value)                                            \
	do {                                                                   \
		int64_t until_ms = clock_ms() + WAIT_MS;                       \
		while (counters().field < (value) && clock_ms() < until_ms)    \
			usleep(200);                                           \
		cr_assert_eq(counters().field, (value), #field " is %lu",      \
			     counters().field);                                \
	} while (0)

/* Until nothing is in flight: a fresh chunk goes through all of it. */
static void await_cached(uint32_t number)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	struct digest key;

	chunk_ref_key(&table->refs[number], &key);
	while (!chunk_cache_has(cache, &key, table->refs[number].raw_size) &&
	       clock_ms() < until_ms)
		usleep(200);
	cr_assert(chunk_cache_has(cache, &key, table->refs[number].raw_size),
		  "chunk %u in the cache", number);
}

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
	expect_get(3);
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

Test(chunk_loader, lets_demands_overtake)
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
	fault_source_release_all(source);
	await(answers, 5);
	cr_expect_eq(answers->firsts[0], 0);
	cr_expect_eq(answers->firsts[1], 80);
	answers_destroy(answers);
}

Test(chunk_loader, raises_a_prefetch_that_is_demanded)
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
	cr_expect_eq(answers->firsts[1], 60);
	await_cached(20);
	await_cached(40);
	answers_destroy(answers);
}

Test(chunk_loader, keeps_a_slot_free_of_prefetches)
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

Test(chunk_loader, bounds_the_bytes_in_flight)
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

Test(chunk_loader, retries_wrong_bytes)
{
	fault_source_script(source, FAULT_WRONG, 0, 2);
	start(cache);
	expect_get(5);
	cr_expect_eq(counters().bad_digests, 2);
	cr_expect_eq(counters().fetched_ranges, 3);
	cr_expect_eq(counters().fetched_chunks, 1);
	cr_expect_eq(fault_source_bad_count(source), 2);
}

Test(chunk_loader, gives_up_on_wrong_bytes)
{
	struct error err = { 0 };
	struct digest key;

	fault_source_script(source, FAULT_WRONG, 0, 3);
	start(cache);
	cr_expect_eq(get_result(5, &err), -EBADMSG);
	cr_expect_eq(err.code, -EBADMSG);
	cr_expect_not_null(strstr(err.text, "chunk 5 (10000 bytes at 50000"),
			   "%s", err.text);
	cr_expect_eq(counters().failed_chunks, 1);
	chunk_ref_key(&table->refs[5], &key);
	cr_expect_not(chunk_cache_has(cache, &key, CHUNK));
	/* a failed flight is forgotten */
	expect_get(5);
}

Test(chunk_loader, keeps_good_chunks_of_a_bad_range)
{
	static const uint32_t numbers[] = { 0, 1, 2 };
	struct answers *answers = answers_create();

	/* the middle byte of three chunks is in the second */
	fault_source_script(source, FAULT_WRONG, 0, 1);
	start(cache);
	request(answers, numbers, 3);
	await(answers, 1);
	cr_expect_eq(answers->results[0], 0);
	cr_expect_eq(counters().bad_digests, 1);
	cr_expect_eq(counters().fetched_bytes, 4 * CHUNK);
	cr_expect_eq(counters().fetched_chunks, 3);
	answers_destroy(answers);
}

Test(chunk_loader, passes_on_what_the_source_says)
{
	static const struct {
		int code;
		int result;
	} cases[] = {
		{ -EIO, -EIO },	      { -EACCES, -EIO },
		{ -ENOENT, -EIO },    { -EPROTO, -EIO },
		{ -ENOMEM, -ENOMEM }, { -ECANCELED, -ECANCELED },
	};

	start(cache);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = { 0 };

		fault_source_script(source, FAULT_FAIL, cases[i].code, 1);
		cr_expect_eq(get_result(5, &err), cases[i].result, "case: %d",
			     cases[i].code);
		cr_expect_not_null(strstr(err.text, "as the test asked"));
	}
	expect_get(5);
	cr_expect_eq(counters().failed_chunks, 6);
}

Test(chunk_loader, fails_a_request_with_its_first_chunk)
{
	static const uint32_t numbers[] = { 0, 50 };
	struct answers *answers = answers_create();

	fault_source_script(source, FAULT_HOLD, 0, 1);
	fault_source_script(source, FAULT_FAIL, -EIO, 1);
	start(cache);
	request(answers, numbers, 2);
	await(answers, 1);
	cr_expect_eq(answers->results[0], -EIO);
	/* the other one comes nevertheless */
	fault_source_release_all(source);
	await_cached(0);
	cr_expect_eq(answers->count, 1);
	answers_destroy(answers);
}

Test(chunk_loader, gives_up_at_the_deadline_when_the_source_hangs)
{
	struct chunk_loader_options quick = small;
	struct error err = { 0 };

	quick.deadline_ms = 50;
	fault_source_script(source, FAULT_HOLD, 0, 1);
	loader = create(cache, &quick);
	cr_expect_eq(get_result(5, &err), -ETIMEDOUT);
	cr_expect_not_null(strstr(err.text, "50 ms"), "%s", err.text);
	/* anew, while the old answer is still held */
	for (int i = 0; i < 100 && get_result(5, NULL) != 0; i++)
		;
	expect_get(5);
	fault_source_release_all(source);
	expect_get(6);
}

Test(chunk_loader, tries_again_for_who_joined_a_hanging_flight_late)
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

Test(chunk_loader, gives_up_its_claims_when_it_is_destroyed)
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

Test(chunk_loader, fails_a_chunk_whose_window_is_forged)
{
	struct error err = { 0 };

	table->refs[1].window_size = 10;
	table->windows = blob;
	table->windows_size = BLOB;
	start(cache);
	cr_expect_eq(get_result(1, &err), -EBADMSG);
	cr_expect_not_null(strstr(err.text, "window"), "%s", err.text);
	cr_expect_eq(counters().fetched_ranges, 1, "no use in fetching again");
}

Test(chunk_loader, accepts_chunks_without_a_digest)
{
	struct chunk_cache_figures figures;

	for (uint32_t i = 0; i < CHUNKS; i++)
		memset(&table->refs[i].digest, 0, sizeof(struct digest));
	start(cache);
	expect_get(5);
	expect_get(5);
	cr_expect_eq(counters().fetched_chunks, 1);
	cr_expect_eq(counters().memory_hits, 1);
	cr_assert_eq(chunk_cache_get_figures(cache, &figures, NULL), 0);
	cr_expect_eq(figures.count, 0, "there is no name to store it under");
	cr_expect_eq(counters().cache_store_failures, 0);
}

Test(chunk_loader, goes_on_without_a_cache_that_cannot_store)
{
	temp_dir_remove(dir);
	start(cache);
	expect_get(5);
	AWAIT_COUNTER(cache_store_failures, 1);
	chunk_loader_prefetch(loader, 10, 1, CHUNK_FILL);
	AWAIT_COUNTER(cache_store_failures, 2);
	expect_get(10);
	cr_expect_eq(counters().fetched_chunks, 2,
		     "what cannot be stored stays in memory");
}

Test(chunk_loader, repairs_a_damaged_cache_file)
{
	char command[TEMP_DIR_SIZE + 100];

	start(cache);
	expect_get(5);
	await_cached(5);
	chunk_loader_destroy(loader);
	snprintf(command, sizeof(command),
		 "for f in %s/chunks/*/*; do printf x | dd of=$f bs=1 seek=99 "
		 "conv=notrunc 2>/dev/null; done",
		 dir);
	cr_assert_eq(system(command), 0);
	start(cache);
	expect_get(5);
	cr_expect_eq(counters().fetched_chunks, 1);
	cr_expect_eq(counters().cache_hits, 0);
	await_cached(5);
}

Test(chunk_loader, waits_for_another_process_that_fetches)
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

Test(chunk_loader, takes_over_from_a_process_that_died)
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

Test(chunk_loader, does_not_wait_forever_for_another_process)
{
	struct chunk_cache *other = NULL;
	struct chunk_loader_options quick = small;
	struct digest key;

	cr_assert_eq(chunk_cache_open(dir, 0, &other, NULL), 0);
	chunk_ref_key(&table->refs[5], &key);
	cr_assert_eq(chunk_cache_try_claim(other, &key), CHUNK_CACHE_CLAIMED);
	quick.deadline_ms = 400; /* patience: an eighth */
	loader = create(cache, &quick);
	expect_get(5);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().node_waits, 1);
	chunk_cache_close(other);
}

Test(chunk_loader, fetches_around_what_another_process_fetches)
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
