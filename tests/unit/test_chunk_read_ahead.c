/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_read_ahead.h"

#include "tests/support/memory_table.h"

#include <criterion/criterion.h>

enum {
	CHUNKS = 1000,
	SIZE = 100,
	PER_REQUEST = 10,
	LAST = CHUNKS - 1,
};

static struct memory_table *table;
static struct chunk_read_ahead ahead;

static void setup(void)
{
	struct chunk_ref ref = { .stored_size = SIZE, .raw_size = SIZE };

	table = memory_table_create(CHUNKS);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		ref.stored_off = (uint64_t)i * SIZE;
		memory_table_add(table, &ref);
	}
	chunk_read_ahead_init(&ahead, &table->table, SIZE * PER_REQUEST, 4);
}

static void teardown(void)
{
	chunk_read_ahead_fini(&ahead);
	memory_table_destroy(table);
}

TestSuite(chunk_read_ahead, .init = setup, .fini = teardown);

static struct chunk_read_ahead_range note(uint64_t stream, uint32_t number)
{
	return chunk_read_ahead_note(&ahead, stream, number, 1, LAST);
}

#define EXPECT(range, expected_first, expected_count)                          \
	do {                                                                   \
		struct chunk_read_ahead_range range_ = (range);                \
		cr_expect_eq(range_.count, (uint32_t)(expected_count),         \
			     "count %u", range_.count);                        \
		if (range_.count)                                              \
			cr_expect_eq(range_.first, (uint32_t)(expected_first), \
				     "is %u", range_.first);                   \
	} while (0)

Test(chunk_read_ahead, says_nothing_at_the_first_read)
{
	EXPECT(note(1, 0), 0, 0);
	EXPECT(chunk_read_ahead_note(&ahead, 2, 5, 3, LAST), 0, 0);
}

Test(chunk_read_ahead, widens_with_each_chunk_up_to_the_maximum)
{
	note(1, 0);
	EXPECT(note(1, 1), 2, PER_REQUEST);
	/* of two requests nine chunks are there: a whole one more */
	EXPECT(note(1, 2), 12, 11);
	EXPECT(note(1, 3), 23, 21);
	/* wide open: the next only when a whole request has room */
	for (uint32_t i = 4; i < 13; i++)
		EXPECT(note(1, i), 44, i == 13 ? PER_REQUEST : 0);
	EXPECT(note(1, 13), 44, PER_REQUEST);
}

Test(chunk_read_ahead, says_nothing_while_a_chunk_is_read_in_pieces)
{
	note(1, 0);
	cr_expect_gt(note(1, 1).count, 0);
	for (int i = 0; i < 8; i++)
		EXPECT(note(1, 1), 0, 0);
}

Test(chunk_read_ahead, forgives_two_reads_that_changed_places)
{
	note(1, 0);
	note(1, 1);
	note(1, 3); /* would be a jump from 1 */
	EXPECT(note(1, 4), 5, PER_REQUEST);
	EXPECT(note(1, 3), 0, 0);
	cr_expect_gt(note(1, 5).count, 0, "still sequential");
}

Test(chunk_read_ahead, closes_the_window_of_one_who_jumps)
{
	for (uint32_t i = 0; i < 5; i++)
		note(1, i);
	EXPECT(note(1, 500), 0, 0);
	EXPECT(note(1, 501), 502, PER_REQUEST);
}

Test(chunk_read_ahead, says_nothing_to_a_random_reader)
{
	for (uint32_t i = 0; i < 100; i++)
		EXPECT(note(1, i * 37 % CHUNKS), 0, 0);
}

Test(chunk_read_ahead, stops_at_the_end_of_the_file)
{
	chunk_read_ahead_note(&ahead, 1, 0, 1, 5);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 1, 1, 5), 2, 4);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 2, 1, 5), 0, 0);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 5, 1, 5), 0, 0);
}

Test(chunk_read_ahead, follows_several_streams)
{
	for (uint64_t s = 0; s < CHUNK_READ_AHEAD_STREAMS; s++)
		note(s, (uint32_t)s * 50);
	for (uint64_t s = 0; s < CHUNK_READ_AHEAD_STREAMS; s++)
		EXPECT(note(s, (uint32_t)s * 50 + 1), s * 50 + 2, PER_REQUEST);
}

Test(chunk_read_ahead, forgets_the_stream_not_seen_for_longest)
{
	note(100, 0);
	for (uint64_t s = 0; s < CHUNK_READ_AHEAD_STREAMS; s++)
		note(s, 0);
	EXPECT(note(100, 1), 0, 0);
	EXPECT(note(CHUNK_READ_AHEAD_STREAMS - 1, 1), 2, PER_REQUEST);
}

Test(chunk_read_ahead, is_bounded_for_tiny_chunks)
{
	struct chunk_read_ahead_range range;

	for (uint32_t i = 0; i < CHUNKS; i++)
		table->refs[i].stored_size = table->refs[i].raw_size = 1;
	note(1, 0);
	range = note(1, 1);
	cr_expect_eq(range.count, 64);
}

Test(chunk_read_ahead, stops_where_the_table_is_damaged)
{
	table->refs[5].stored_size = 0;
	note(1, 0);
	EXPECT(note(1, 1), 2, 3);
	EXPECT(note(1, 6), 0, 0);
}

Test(chunk_read_ahead, survives_numbers_at_the_edge)
{
	EXPECT(chunk_read_ahead_note(&ahead, 1, UINT32_MAX, 5, UINT32_MAX), 0,
	       0);
	EXPECT(chunk_read_ahead_note(&ahead, 1, UINT32_MAX - 1, 1, UINT32_MAX),
	       0, 0);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 0, 0, UINT32_MAX), 0, 0);
}
