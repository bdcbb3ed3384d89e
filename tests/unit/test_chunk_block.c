/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_block.h"

#include "tests/support/loader_fixture.h"

/* Chunks 0 to 2 lie in the first block, 3 in two, 4 and 5 in the second. */
enum { BLOCK = 32768 };

TestSuite(chunk_block, .init = loader_setup, .fini = loader_teardown);

Test(chunk_block, brings_what_the_server_reads_anyway)
{
	source->alignment = BLOCK;
	start(cache);
	expect_get(1);
	expect_get(0);
	expect_get(2);
	cr_expect_eq(counters().fetched_ranges, 1);
	cr_expect_eq(counters().fetched_bytes, 3 * CHUNK);
	expect_get(4);
	expect_get(5);
	cr_expect_eq(counters().fetched_ranges, 2);
	cr_expect_eq(counters().fetched_bytes, 5 * CHUNK);
	expect_get(3);
	cr_expect_eq(counters().fetched_bytes, 6 * CHUNK);
	cr_expect_eq(fault_source_byte_count(source), 1);
}

Test(chunk_block, reaches_into_every_block_that_a_chunk_touches)
{
	source->alignment = BLOCK;
	start(cache);
	expect_get(3);
	for (uint32_t i = 0; i < 6; i++)
		expect_get(i);
	/* six chunks, of which five go into one range */
	cr_expect_leq(counters().fetched_ranges, 2);
	cr_expect_eq(fault_source_byte_count(source), 1);
}

Test(chunk_block, fetches_nothing_twice)
{
	source->alignment = BLOCK;
	start(cache);
	for (uint32_t i = 0; i < CHUNKS; i += 3)
		expect_get(i);
	for (uint32_t i = 0; i < CHUNKS; i++)
		expect_get(i);
	cr_expect_eq(fault_source_byte_count(source), 1);
	cr_expect_eq(counters().fetched_bytes, BLOB);
}

Test(chunk_block, leaves_other_sources_alone)
{
	start(cache);
	expect_get(1);
	cr_expect_eq(counters().fetched_bytes, CHUNK);
}
