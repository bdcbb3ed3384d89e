/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_worker.h"

#include "tests/support/loader_fixture.h"

#include <zlib.h>

TestSuite(chunk_worker, .init = loader_setup, .fini = loader_teardown);

Test(chunk_worker, retries_wrong_bytes)
{
	fault_source_script(source, FAULT_WRONG, 0, 2);
	start(cache);
	expect_get(5);
	cr_expect_eq(counters().bad_digests, 2);
	cr_expect_eq(counters().fetched_ranges, 3);
	cr_expect_eq(counters().fetched_chunks, 1);
	cr_expect_eq(fault_source_bad_count(source), 2);
}

Test(chunk_worker, gives_up_on_wrong_bytes)
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

Test(chunk_worker, keeps_good_chunks_of_a_bad_range)
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

Test(chunk_worker, passes_on_what_the_source_says)
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

Test(chunk_worker, fails_a_request_with_its_first_chunk)
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

Test(chunk_worker, fails_a_chunk_whose_window_is_forged)
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

Test(chunk_worker, accepts_chunks_without_a_digest)
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

Test(chunk_worker, goes_on_without_a_cache_that_cannot_store)
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

Test(chunk_worker, repairs_a_damaged_cache_file)
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

/* A table of zlib streams in one blob instead of the raw one. */
static void compress_all(void)
{
	static uint8_t packed[2 * BLOB];
	size_t end = 0;

	for (uint32_t i = 0; i < CHUNKS; i++) {
		struct chunk_ref *ref = &table->refs[i];
		uLongf size = sizeof(packed) - end;

		cr_assert_eq(compress2(packed + end, &size,
				       blob + (size_t)i * CHUNK, CHUNK, 1),
			     Z_OK);
		ref->codec = CODEC_ZLIB;
		ref->stored_off = end;
		ref->stored_size = (uint32_t)size;
		digest_compute(packed + end, size, &ref->digest);
		end += size;
	}
	range_source_destroy(source);
	source = fault_source_create(packed, end);
	cr_assert_not_null(source);
}

static void expect_raw(uint32_t number)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;

	cr_assert_eq(chunk_loader_get(loader, number, &chunk, NULL), 0);
	cr_assert_eq(chunk->size, CHUNK);
	cr_expect_eq(memcmp(chunk->data, blob + (size_t)number * CHUNK, CHUNK),
		     0);
}

Test(chunk_worker, decodes_compressed_chunks)
{
	compress_all();
	start(cache);
	chunk_loader_prefetch(loader, 0, CHUNKS, CHUNK_FILL);
	for (uint32_t i = 0; i < CHUNKS; i++)
		expect_raw(i);
	cr_expect_eq(counters().fetched_chunks, CHUNKS);
	cr_expect_eq(counters().fetched_bytes, source->size);
}

Test(chunk_worker, does_not_retry_good_bytes_that_cannot_be_decoded)
{
	struct error err = { 0 };

	table->refs[5].codec = CODEC_ZLIB;
	start(cache);
	cr_expect_eq(get_result(5, &err), -EBADMSG);
	cr_expect_not_null(strstr(err.text, "decode"), "%s", err.text);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().bad_digests, 0);
}

Test(chunk_worker, retries_a_chunk_without_digest_that_does_not_decode)
{
	compress_all();
	memset(&table->refs[5].digest, 0, sizeof(struct digest));
	fault_source_script(source, FAULT_WRONG, 0, 1);
	start(cache);
	expect_raw(5);
	cr_expect_eq(counters().fetched_ranges, 2);
	cr_expect_eq(fault_source_bad_count(source), 1);
}
