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

/* Three chunks in a row: reading on from there is reading ahead. */
static void begin(uint64_t stream, uint32_t number)
{
	for (uint32_t i = 0; i < 3; i++)
		EXPECT(note(stream, number + i), 0, 0);
}

Test(chunk_read_ahead, says_nothing_at_the_first_reads)
{
	begin(1, 0);
	EXPECT(chunk_read_ahead_note(&ahead, 2, 5, 3, LAST), 0, 0);
}

Test(chunk_read_ahead, widens_with_each_chunk_up_to_the_maximum)
{
	/* the window doubles from 62 bytes to 4000; chunks have 100 */
	static const uint32_t counts[] = { 1, 2, 2, 3, 6, 11, 21 };
	uint32_t end = 4;

	begin(1, 0);
	for (uint32_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		EXPECT(note(1, 3 + i), end, counts[i]);
		end += counts[i];
	}
	cr_assert_eq(end, 10 + 4 * PER_REQUEST);
	/* wide open: the next only when a whole request has room */
	for (uint32_t i = 10; i < 19; i++)
		EXPECT(note(1, i), 0, 0);
	EXPECT(note(1, 19), end, PER_REQUEST);
	for (uint32_t i = 20; i < 29; i++)
		EXPECT(note(1, i), 0, 0);
	EXPECT(note(1, 29), end + PER_REQUEST, PER_REQUEST);
}

Test(chunk_read_ahead, refills_when_half_of_the_window_is_used_up)
{
	for (uint32_t i = 0; i < CHUNKS; i++)
		table->refs[i].stored_size = table->refs[i].raw_size = 10;
	begin(1, 0);
	EXPECT(note(1, 3), 4, 7);   /* window 62 */
	EXPECT(note(1, 4), 11, 7);  /* 124, 60 of them there */
	EXPECT(note(1, 5), 18, 13); /* 248, 120 there */
	EXPECT(note(1, 6), 31, 26); /* 496, 240 there */
}

Test(chunk_read_ahead, waits_while_more_than_half_of_the_window_is_there)
{
	table->refs[4].stored_size = table->refs[4].raw_size = 10;
	table->refs[5].stored_size = table->refs[5].raw_size = 63;
	begin(1, 0);
	EXPECT(note(1, 3), 4, 2); /* window 62 */
	EXPECT(note(1, 4), 0, 0); /* 124, 63 of them there */
	EXPECT(note(1, 5), 6, 3); /* 248, none there */
}

Test(chunk_read_ahead, says_nothing_when_switched_off)
{
	struct chunk_read_ahead off;

	chunk_read_ahead_init(&off, &table->table, SIZE * PER_REQUEST, 0);
	for (uint32_t i = 0; i < 20; i++)
		EXPECT(chunk_read_ahead_note(&off, 1, i, 1, LAST), 0, 0);
	chunk_read_ahead_fini(&off);
}

Test(chunk_read_ahead, says_nothing_while_a_chunk_is_read_in_pieces)
{
	begin(1, 0);
	for (int i = 0; i < 8; i++)
		EXPECT(note(1, 2), 0, 0);
	cr_expect_gt(note(1, 3).count, 0);
	for (int i = 0; i < 8; i++)
		EXPECT(note(1, 3), 0, 0);
}

Test(chunk_read_ahead, forgives_two_reads_that_changed_places)
{
	note(1, 0);
	note(1, 1);
	note(1, 3); /* would be a jump from 1 */
	EXPECT(note(1, 4), 0, 0);
	EXPECT(note(1, 3), 0, 0);
	EXPECT(note(1, 5), 0, 0);
	EXPECT(note(1, 6), 7, 1);
	EXPECT(note(1, 5), 0, 0);
	cr_expect_gt(note(1, 7).count, 0, "still sequential");
}

Test(chunk_read_ahead, closes_the_window_of_one_who_jumps)
{
	for (uint32_t i = 0; i < 8; i++)
		note(1, i);
	begin(1, 500);
	EXPECT(note(1, 503), 504, 1);
	/* backwards too */
	begin(1, 100);
	EXPECT(note(1, 103), 104, 1);
}

Test(chunk_read_ahead, says_nothing_to_a_random_reader)
{
	for (uint32_t i = 0; i < 100; i++)
		EXPECT(note(1, i * 37 % CHUNKS), 0, 0);
}

Test(chunk_read_ahead, stops_at_the_end_of_the_file)
{
	for (uint32_t i = 0; i < 5; i++)
		chunk_read_ahead_note(&ahead, 1, i, 1, 8);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 5, 1, 8), 7, 2);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 6, 1, 8), 0, 0);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 8, 1, 8), 0, 0);
}

Test(chunk_read_ahead, follows_several_streams)
{
	for (uint64_t s = 0; s < CHUNK_READ_AHEAD_STREAMS; s++)
		note(s, (uint32_t)s * 50);
	for (uint32_t i = 1; i < 3; i++)
		for (uint64_t s = 0; s < CHUNK_READ_AHEAD_STREAMS; s++)
			EXPECT(note(s, (uint32_t)s * 50 + i), 0, 0);
	for (uint64_t s = 0; s < CHUNK_READ_AHEAD_STREAMS; s++)
		EXPECT(note(s, (uint32_t)s * 50 + 3), s * 50 + 4, 1);
}

Test(chunk_read_ahead, forgets_the_stream_not_seen_for_longest)
{
	begin(100, 0);
	for (uint64_t s = 0; s < CHUNK_READ_AHEAD_STREAMS; s++)
		begin(s, 0);
	EXPECT(note(100, 3), 0, 0);
	EXPECT(note(CHUNK_READ_AHEAD_STREAMS - 1, 3), 4, 1);
}

Test(chunk_read_ahead, is_bounded_for_tiny_chunks)
{
	struct chunk_read_ahead_range range;

	for (uint32_t i = 0; i < CHUNKS; i++)
		table->refs[i].stored_size = table->refs[i].raw_size = 1;
	begin(1, 0);
	EXPECT(note(1, 3), 4, 62); /* the window holds no more */
	EXPECT(note(1, 4), 66, 4 + 64 + 1 - 66);
	for (uint32_t i = 5; i < 100; i++) {
		range = note(1, i);
		cr_expect_leq(range.count ? range.first + range.count : 0,
			      i + 5 * 64 + 1, "at %u", i);
	}
	EXPECT(note(1, 100), 99 + 5 * 64 + 1, 1);
}

Test(chunk_read_ahead, stops_where_the_table_is_damaged)
{
	table->refs[14].stored_size = 0;
	for (uint32_t i = 0; i < 7; i++)
		note(1, i);
	EXPECT(note(1, 7), 12, 2); /* of 6 */
	EXPECT(note(1, 8), 0, 0);
	EXPECT(note(1, 15), 0, 0);
}

Test(chunk_read_ahead, survives_numbers_at_the_edge)
{
	EXPECT(chunk_read_ahead_note(&ahead, 1, UINT32_MAX, 5, UINT32_MAX), 0,
	       0);
	EXPECT(chunk_read_ahead_note(&ahead, 1, UINT32_MAX - 1, 1, UINT32_MAX),
	       0, 0);
	EXPECT(chunk_read_ahead_note(&ahead, 1, 0, 0, UINT32_MAX), 0, 0);
}

Test(chunk_read_ahead, goes_further_on_a_long_link)
{
	/* fourfold each step, from a quarter of a request at the third chunk */
	uint32_t window = 0;
	uint32_t end = 0;
	uint32_t widest = 0;

	chunk_read_ahead_widen(&ahead, 20 * SIZE * PER_REQUEST);
	for (uint32_t i = 0; i < 600; i++) {
		struct chunk_read_ahead_range range = note(1, i);

		if (range.count)
			end = range.first + range.count;
		if (end > i && end - i > widest)
			widest = end - i;
		if (i == 2)
			window = PER_REQUEST / 4 + 1;
		else if (window < 20 * PER_REQUEST)
			window *= 4;
		cr_expect(end <= (i < 2 ? 0 : i + window + 1), "%u at chunk %u",
			  end, i);
	}
	cr_expect_geq(widest, 19 * PER_REQUEST);
	cr_expect_leq(widest, 20 * PER_REQUEST + 1);
}

Test(chunk_read_ahead, says_what_the_reader_comes_to_next)
{
	struct chunk_read_ahead_range range = { 0 };
	struct chunk_ref ref;
	uint64_t size = 0;

	for (uint32_t i = 0; i < CHUNK_READ_AHEAD_NEXT_STEPS; i++)
		cr_expect_eq(note(1, i).next_count, 0, "too soon");
	range = note(1, 8);
	cr_expect_eq(range.next_first, 9);
	cr_expect_gt(range.next_count, 0);
	cr_expect_leq(range.next_count, CHUNK_READ_AHEAD_NEXT_MAX);
	for (uint32_t i = 0; i + 1 < range.next_count; i++) {
		cr_assert_eq(chunk_table_get(ahead.table, 9 + i, &ref), 0);
		size += ref.raw_size;
	}
	cr_expect_lt(size, CHUNK_READ_AHEAD_NEXT_SIZE);
	/* not past the file's end, and not for who jumps */
	range = chunk_read_ahead_note(&ahead, 1, 9, 1, 10);
	cr_expect_eq(range.next_first, 10);
	cr_expect_eq(range.next_count, 1);
	cr_expect_eq(note(1, 50).next_count, 0);
}

/* Bytes ahead that were asked for in vain, by one who reads @count chunks. */
static uint32_t read_run(uint64_t stream, uint32_t first, uint32_t count)
{
	uint32_t end = first + count;

	for (uint32_t i = first; i < first + count; i++) {
		struct chunk_read_ahead_range range = note(stream, i);

		if (range.count && range.first + range.count > end)
			end = range.first + range.count;
	}
	return end - (first + count);
}

Test(chunk_read_ahead, learns_where_the_runs_of_a_file_end)
{
	chunk_read_ahead_widen(&ahead, 20 * SIZE * PER_REQUEST);
	note(3, 0);
	cr_expect_gt(read_run(1, 0, 25), 50, "nothing is known of the first");
	cr_expect_leq(read_run(1, 400, 25), 3);
	/* a few reads elsewhere, as of a header, teach nothing else */
	note(1, 990);
	cr_expect_leq(read_run(1, 600, 25), 3);
	/* and so in the next file, whose header was read before */
	cr_expect_leq(read_run(2, 0, 25), 3);
	cr_expect_leq(read_run(3, 300, 25), 3);
}

Test(chunk_read_ahead, expects_whole_files_where_one_was_read_further)
{
	chunk_read_ahead_widen(&ahead, 20 * SIZE * PER_REQUEST);
	read_run(1, 0, 25);
	read_run(1, 400, 25);
	cr_expect_gt(read_run(2, 0, 60), 10, "it goes on past the guess");
	cr_expect_gt(read_run(3, 0, 25), 50, "and the guess is given up");
	/* files that were read to where nothing was left teach nothing */
	cr_expect_gt(read_run(4, 0, 25), 50);
}

Test(chunk_read_ahead, goes_on_with_who_reads_past_the_expected_end)
{
	struct chunk_read_ahead_range range = { 0 };
	uint32_t end = 0;

	read_run(1, 0, 10);
	for (uint32_t i = 200; i < 300; i++) {
		range = note(1, i);
		if (range.count)
			end = range.first + range.count;
		if (i < 208)
			cr_expect_leq(end, 211, "%u at chunk %u", end, i);
	}
	cr_expect_geq(end, 299 + 3 * PER_REQUEST, "%u", end);
}

Test(chunk_read_ahead, follows_several_readers_of_one_file)
{
	uint32_t ends[4] = { 0 };

	for (uint32_t i = 0; i < 100; i++) {
		for (uint32_t reader = 0; reader < 4; reader++) {
			struct chunk_read_ahead_range range =
				note(1, 250 * reader + i);

			if (range.count)
				ends[reader] = range.first + range.count;
		}
	}
	for (uint32_t reader = 0; reader < 4; reader++)
		cr_expect_geq(ends[reader], 250 * reader + 99 + 3 * PER_REQUEST,
			      "reader %u: %u", reader, ends[reader]);
}

Test(chunk_read_ahead, leaves_places_for_others_than_a_random_reader)
{
	begin(7, 0);
	for (uint32_t i = 0; i < 100; i++)
		EXPECT(note(1, 100 + i * 37 % (CHUNKS - 100)), 0, 0);
	EXPECT(note(7, 3), 4, 1);
}
