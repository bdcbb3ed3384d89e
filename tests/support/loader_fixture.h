/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * loader_fixture: one blob of a hundred chunks, a source that fails on demand,
 * a cache and a loader, for the Criterion tests of the loader's parts.  A suite
 * names loader_setup and loader_teardown as its .init and .fini.
 */
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

static inline void loader_setup(void)
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

static inline void loader_teardown(void)
{
	chunk_loader_destroy(loader);
	range_source_destroy(source);
	chunk_cache_close(cache);
	memory_table_destroy(table);
	temp_dir_remove(dir);
}

static inline struct chunk_loader *create(
	struct chunk_cache *with, const struct chunk_loader_options *options)
{
	struct chunk_loader *created = NULL;
	struct error err = { 0 };

	cr_assert_eq(chunk_loader_create(&table->table, &source, 1, with,
					 options, &created, &err),
		     0, "%s", err.text);
	return created;
}

static inline void start(struct chunk_cache *with)
{
	loader = create(with, &small);
}

static inline void expect_chunk(const struct chunk *chunk, uint32_t number)
{
	const struct chunk_ref *ref = &table->refs[number];

	cr_assert_not_null(chunk);
	cr_expect_eq(chunk->number, number);
	cr_assert_eq(chunk->size, ref->raw_size);
	cr_expect_eq(memcmp(chunk->data, blob + ref->stored_off, chunk->size),
		     0, "bytes of chunk %u", number);
}

static inline void expect_get(uint32_t number)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
	struct error err = { 0 };

	cr_assert_eq(chunk_loader_get(loader, number, &chunk, &err), 0, "%s",
		     err.text);
	expect_chunk(chunk, number);
}

static inline int get_result(uint32_t number, struct error *err)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;

	return chunk_loader_get(loader, number, &chunk, err);
}

static inline struct chunk_loader_counters counters(void)
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

static inline struct answers *answers_create(void)
{
	struct answers *answers = calloc(1, sizeof(*answers));

	cr_assert_not_null(answers);
	mutex_init(&answers->lock);
	condition_init(&answers->comes);
	return answers;
}

static inline void answers_destroy(struct answers *answers)
{
	condition_fini(&answers->comes);
	mutex_fini(&answers->lock);
	free(answers);
}

static inline void note_answer(void *arg, int result,
			       struct chunk *const *chunks, size_t count,
			       const struct error *err)
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

static inline void await(struct answers *answers, size_t count)
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

static inline void request(struct answers *answers, const uint32_t *numbers,
			   size_t count)
{
	cr_assert_eq(chunk_loader_request(loader, numbers, count, CHUNK_DEMAND,
					  note_answer, answers),
		     0);
}

static inline void request_one(struct answers *answers, uint32_t number)
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
static inline void await_cached(uint32_t number)
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
