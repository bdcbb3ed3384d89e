/* SPDX-License-Identifier: Apache-2.0 */
/* Through the loader that owns it, with chunks that stay in the cache's files.
 */
#include "fetch/chunk_lookahead.h"

#include "fetch/chunk_board.h"
#include "fetch/chunk_cache_check.h"
#include "fetch/chunk_cache_name.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_traffic.h"
#include "tests/support/loader_fixture.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	LARGE = 200000,
	COUNT = 5,
	STEPS = 1 + LARGE / CHUNK_CACHE_CHECK_STEP + 1, /* opening, reading */
};

/* The fixture's blob, cut into few chunks. */
static void setup(void)
{
	static_assert(LARGE * COUNT == BLOB, "no rest");
	loader_setup();
	memory_table_destroy(table);
	table = memory_table_create(COUNT);
	memory_table_cut(table, 0, blob, BLOB, LARGE);
	loader = create(cache, NULL);
	for (uint32_t i = 0; i < COUNT; i++)
		expect_get(i);
	await_cached(COUNT - 1);
	chunk_loader_destroy(loader);
	loader = create(cache, NULL);
}

TestSuite(chunk_lookahead, .init = setup, .fini = loader_teardown);

static struct chunk_lookahead lookahead;
static struct chunk_parts parts;
static struct chunk_traffic_limits limits = {
	.memory_size = 10 * LARGE,
	.flight_size_max = BLOB,
	.requests_max = 1,
	.deadline_ms = 1000,
};

static void begin(void)
{
	parts = (struct chunk_parts){
		.table = &table->table,
		.sources = &source,
		.source_count = 1,
		.cache = cache,
		.board = chunk_board_create(&limits),
	};
	cr_assert_not_null(parts.board);
	chunk_lookahead_init(&lookahead, &parts);
}

static void end(void)
{
	struct chunk_outcome outcome = { 0 };

	chunk_lookahead_fini(&lookahead);
	chunk_board_stop(parts.board);
	chunk_board_drain(parts.board, &outcome);
	chunk_outcome_settle(&outcome, cache);
	chunk_board_unref(parts.board);
}

static unsigned work(void)
{
	unsigned steps = 0;

	while (chunk_lookahead_step(&lookahead))
		steps++;
	return steps;
}

static bool is_in_memory(uint32_t number)
{
	struct chunk *chunk = chunk_board_find(parts.board, number);
	uint8_t bytes[100];
	bool found = chunk;

	if (chunk) {
		cr_expect_eq(chunk_read(chunk, LARGE - 100, 100, bytes), 0);
		cr_expect_arr_eq(bytes, blob + number * LARGE + LARGE - 100,
				 100);
	}
	chunk_unref(chunk);
	return found;
}

Test(chunk_lookahead, checks_what_is_expected_step_by_step)
{
	begin();
	cr_expect_not(chunk_lookahead_step(&lookahead), "nothing to do");
	chunk_lookahead_expect(&lookahead, 1, 2);
	cr_expect_eq(work(), 2 * STEPS);
	cr_expect(is_in_memory(1) && is_in_memory(2));
	cr_expect_not(is_in_memory(0) || is_in_memory(3));
	chunk_lookahead_expect(&lookahead, 1, 2);
	cr_expect_eq(work(), 2, "they are there");
	chunk_lookahead_expect(&lookahead, COUNT, 3);
	cr_expect_eq(work(), 3, "there are no such chunks");
	end();
}

Test(chunk_lookahead, gives_what_it_began_to_who_wants_it_now)
{
	struct chunk_cache_check *check;

	begin();
	chunk_lookahead_expect(&lookahead, 1, 1);
	cr_assert(chunk_lookahead_step(&lookahead));
	cr_assert(chunk_lookahead_step(&lookahead));
	cr_expect_null(chunk_lookahead_take(&lookahead, 2));
	check = chunk_lookahead_take(&lookahead, 1);
	cr_assert_not_null(check);
	cr_expect_null(chunk_lookahead_take(&lookahead, 1), "once");
	cr_expect_eq(chunk_cache_check_finish(check), CHUNK_CACHE_CHECK_DONE);
	chunk_cache_check_close(check);
	cr_expect_eq(work(), 0);
	/* and what nobody takes ends with it */
	chunk_lookahead_expect(&lookahead, 3, 1);
	cr_assert(chunk_lookahead_step(&lookahead));
	end();
}

Test(chunk_lookahead, passes_over_what_is_damaged)
{
	char path[CHUNK_CACHE_NAME_SIZE];
	struct digest key;
	int fd;

	chunk_ref_key(&table->refs[1], &key);
	chunk_cache_name_format(&key, path);
	fd = openat(chunk_cache_dir_fd(cache), path, O_RDWR | O_CLOEXEC);
	cr_assert_eq(pwrite(fd, "?", 1, 150000), 1);
	close(fd);
	begin();
	chunk_lookahead_expect(&lookahead, 1, 2);
	work();
	cr_expect_not(is_in_memory(1));
	cr_expect_not(chunk_cache_has(cache, &key, LARGE));
	cr_expect(is_in_memory(2));
	end();
}

/* Whoever wants a chunk that is half checked finishes it, once. */
Test(chunk_lookahead, serves_the_loader)
{
	struct chunk *chunk = NULL;

	for (uint32_t i = 0; i < COUNT; i++) {
		cr_assert_eq(chunk_loader_load(loader, i, &chunk),
			     CHUNK_LOADER_FOUND);
		cr_expect_null(chunk->data, "it lies in a file");
		chunk_unref(chunk);
	}
	cr_expect_eq(counters().cache_hits, COUNT);
}
