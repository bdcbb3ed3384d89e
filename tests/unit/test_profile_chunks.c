/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile_chunks.h"

#include "fetch/chunk_touches.h"
#include "tests/support/memory_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { SIZE = 100, COUNT = 40 };

static struct memory_table *table;
static struct chunk_touches *touches;
static struct profile_chunk *chunks;
static uint32_t count;
static const uint32_t both[] = { 0, 1 };

/* Two blobs; chunks share a byte with their neighbours, as spans do. */
static void setup(void)
{
	table = memory_table_create(COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct chunk_ref ref = {
			.blob = i < COUNT / 2 ? 0 : 1,
			.stored_off = (uint64_t)(i % (COUNT / 2)) * SIZE,
			.stored_size = SIZE + 1,
			.raw_size = SIZE + 1,
		};

		memory_table_add(table, &ref);
	}
	touches = chunk_touches_create(COUNT);
	cr_assert_not_null(touches);
	chunks = NULL;
	count = 0;
}

static void teardown(void)
{
	free(chunks);
	chunk_touches_destroy(touches);
	memory_table_destroy(table);
}

TestSuite(profile_chunks, .init = setup, .fini = teardown);

static void find(const struct profile_entry *entries, uint32_t entry_count,
		 const uint32_t *blobs)
{
	cr_assert_eq(profile_chunks_find(entries, entry_count, blobs,
					 &table->table, touches, &chunks,
					 &count),
		     0);
}

Test(profile_chunks, come_back_as_they_were_touched)
{
	struct profile_entry *entries = NULL;
	uint32_t entry_count = 0;

	chunk_touches_note(touches, 3);
	chunk_touches_note(touches, 4);
	chunk_touches_note(touches, COUNT / 2 + 7);
	cr_assert_eq(profile_chunks_collect(touches, 0, &table->table, &entries,
					    &entry_count),
		     0);
	cr_assert_eq(entry_count, 3);
	cr_expect_eq(entries[2].blob, 1);
	cr_expect_eq(entries[2].off, 700);
	find(entries, entry_count, both);
	cr_assert_eq(count, 3);
	cr_expect_eq(chunks[0].number, 3);
	cr_expect_eq(chunks[1].number, 4);
	cr_expect_eq(chunks[2].number, COUNT / 2 + 7);
	cr_expect(chunk_touches_is_expected(touches, 4));
	cr_expect_not(chunk_touches_is_expected(touches, 5));
	free(entries);
}

Test(profile_chunks, are_found_where_an_index_was_cut_otherwise)
{
	static const struct profile_entry entries[] = {
		{ .blob = 0, .off = 250, .size = 300, .first_ms = 1 },
		{ .blob = 0, .off = 500, .size = 200, .first_ms = 2 },
	};

	find(entries, 2, both);
	cr_assert_eq(count, 5, "2 to 5, and 6: each once");
	for (uint32_t i = 0; i < count; i++)
		cr_expect_eq(chunks[i].number, 2 + i);
	cr_expect_eq(chunks[4].first_ms, 2);
}

Test(profile_chunks, of_other_layers_are_none)
{
	static const uint32_t swapped[] = { UINT32_MAX, 0 };
	static const struct profile_entry entries[] = {
		{ .blob = 0, .off = 300, .size = 101 },
		{ .blob = 1, .off = 400, .size = 101 },
	};

	find(entries, 2, swapped);
	cr_assert_eq(count, 1);
	cr_expect_eq(chunks[0].number, 4, "layer 1 there is layer 0 here");
}

Test(profile_chunks, beyond_a_blob_are_none)
{
	static const struct profile_entry entries[] = {
		{ .blob = 0, .off = COUNT * SIZE, .size = 101 },
		{ .blob = 1, .off = 1ull << 60, .size = 101 },
	};

	find(entries, 2, both);
	cr_expect_eq(count, 0);
}
