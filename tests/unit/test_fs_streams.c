/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_streams.h"

#include <criterion/criterion.h>

enum { READ_SIZE = 128 << 10, RUN_READS = FS_STREAMS_RUN_MIN / READ_SIZE };

static struct fs_streams streams;

static void setup(void)
{
	fs_streams_init(&streams);
}

static void teardown(void)
{
	fs_streams_fini(&streams);
}

TestSuite(fs_streams, .init = setup, .fini = teardown);

/* The read with that number of a file that begins at @off. */
static unsigned note(uint32_t inode, uint64_t off, unsigned number,
		     int64_t now_ms)
{
	return fs_streams_note(&streams, inode,
			       off + (uint64_t)number * READ_SIZE, READ_SIZE,
			       now_ms);
}

Test(fs_streams, does_not_count_one_reader)
{
	for (unsigned i = 0; i < 100 * RUN_READS; i++)
		cr_expect_eq(note(1, 0, i, 1), 0);
}

Test(fs_streams, does_not_count_who_reads_file_after_file)
{
	for (uint32_t inode = 1; inode < 20; inode++)
		for (unsigned i = 0; i < 4 * RUN_READS; i++)
			cr_expect_eq(note(inode, 0, i, 1), 0);
}

/* Requests of one stream that change places are no streams. */
Test(fs_streams, follows_requests_that_changed_places)
{
	for (unsigned i = 0; i < 2 * RUN_READS; i++)
		cr_expect_eq(note(1, 0, i ^ 1, 1), 0);
	for (unsigned i = 0; i < 2 * RUN_READS; i++) {
		note(1, 0, 2 * RUN_READS + (i ^ 1), 1);
		note(2, 0, i ^ 1, 1);
	}
	cr_expect_eq(note(1, 0, 4 * RUN_READS, 1), 2);
}

Test(fs_streams, counts_whoever_reads_on_for_a_while)
{
	for (unsigned i = 0; i < RUN_READS - 1; i++) {
		cr_expect_eq(note(1, 0, i, 1), 0);
		cr_expect_eq(note(2, 0, i, 1), 0);
	}
	cr_expect_eq(note(1, 0, RUN_READS - 1, 1), 1);
	cr_expect_eq(note(2, 0, RUN_READS - 1, 1), 2);
}

Test(fs_streams, counts_files_and_places_of_one_file)
{
	const uint64_t far = 100 << 20;
	unsigned count = 0;

	for (unsigned i = 0; i < RUN_READS; i++) {
		note(1, 0, i, 1);
		note(1, far, i, 1);
		count = note(2, 0, i, 1);
	}
	cr_expect_eq(count, 3);
}

Test(fs_streams, forgets_who_pauses)
{
	const int64_t late_ms = 1 + FS_STREAMS_PAUSE_MAX_MS + 1;

	for (unsigned i = 0; i < RUN_READS; i++) {
		note(1, 0, i, 1);
		note(2, 0, i, 1);
	}
	cr_expect_eq(note(1, 0, RUN_READS, 1 + FS_STREAMS_PAUSE_MAX_MS), 2);
	cr_expect_eq(note(1, 0, RUN_READS + 1, late_ms), 1);
	/* who reads on is counted at once */
	cr_expect_eq(note(2, 0, RUN_READS, late_ms), 2);
}

Test(fs_streams, does_not_take_many_small_files_for_streams)
{
	for (uint32_t inode = 1; inode < 1000; inode++)
		for (unsigned i = 0; i < RUN_READS - 1; i++)
			cr_expect_eq(note(inode, 0, i, 1), 0);
}

Test(fs_streams, does_not_take_random_reads_for_streams)
{
	for (uint64_t i = 0; i < 1000; i++)
		cr_expect_eq(note(1, i * 7919 % 1000 << 24, 0, 1), 0);
}

Test(fs_streams, gives_up_the_one_that_paused_longest)
{
	for (unsigned i = 0; i < RUN_READS; i++) {
		note(1, 0, i, 1);
		note(2, 0, i, 2);
	}
	for (uint32_t inode = 3; inode < 2 + FS_STREAMS_MAX; inode++)
		note(inode, 0, 0, 3);
	cr_expect_eq(note(2, 0, RUN_READS, 3), 1);
}
