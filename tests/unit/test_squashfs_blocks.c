/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_blocks.h"

#include "index/index_writer.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct squashfs_blocks blocks;

static uint32_t add(uint64_t off, uint32_t stored_size, uint32_t raw_size,
		    bool is_compressed)
{
	const struct squashfs_block block = {
		.stored_off = off,
		.stored_size = stored_size,
		.raw_size = raw_size,
		.is_compressed = is_compressed,
	};
	uint32_t number = 0;

	cr_assert_eq(squashfs_blocks_add(&blocks, &block, &number), 0);
	return number;
}

Test(squashfs_blocks, puts_each_block_once_in_the_order_of_places)
{
	struct index_writer_chunk *chunks = NULL;
	uint64_t raw_size = 0;
	uint32_t count = 0;
	uint32_t late;
	uint32_t early;
	uint32_t again;

	squashfs_blocks_init(&blocks);
	late = add(5000, 100, 4096, true);
	early = add(96, 4096, 4096, false);
	again = add(5000, 100, 4096, true);
	add(9000, 50, 0, true); /* nobody names a byte of it */
	cr_assert_eq(squashfs_blocks_arrange(&blocks, 1000, CODEC_ZSTD, &chunks,
					     &count, &raw_size),
		     0);
	cr_assert_eq(count, 2);
	cr_expect_eq(raw_size, 8192);
	cr_expect_eq(chunks[0].ref.stored_off, 1096);
	cr_expect_eq(chunks[0].ref.codec, CODEC_RAW);
	cr_expect_eq(chunks[1].ref.stored_off, 6000);
	cr_expect_eq(chunks[1].ref.codec, CODEC_ZSTD);
	cr_expect_eq(chunks[1].raw_off, 4096);
	cr_expect(digest_is_zero(&chunks[0].ref.digest));
	cr_expect_eq(squashfs_blocks_at(&blocks, early)->raw_off, 0);
	cr_expect_eq(squashfs_blocks_at(&blocks, late)->raw_off, 4096);
	cr_expect_eq(squashfs_blocks_at(&blocks, again)->raw_off, 4096);
	free(chunks);
	squashfs_blocks_fini(&blocks);
}

Test(squashfs_blocks, keeps_blocks_that_overlap_apart)
{
	struct index_writer_chunk *chunks = NULL;
	uint64_t raw_size = 0;
	uint32_t count = 0;

	squashfs_blocks_init(&blocks);
	add(100, 50, 4096, true);
	add(100, 50, 1000, true);
	add(100, 60, 4096, true);
	add(120, 4096, 4096, false);
	cr_assert_eq(squashfs_blocks_arrange(&blocks, 0, CODEC_LZ4, &chunks,
					     &count, &raw_size),
		     0);
	cr_expect_eq(count, 4);
	cr_expect_eq(raw_size, 4096 + 1000 + 4096 + 4096);
	for (uint32_t i = 1; i < count; i++)
		cr_expect_geq(chunks[i].ref.stored_off,
			      chunks[i - 1].ref.stored_off);
	free(chunks);
	squashfs_blocks_fini(&blocks);
}

Test(squashfs_blocks, makes_nothing_of_nothing)
{
	struct index_writer_chunk *chunks = NULL;
	uint64_t raw_size = 1;
	uint32_t count = 1;

	squashfs_blocks_init(&blocks);
	cr_assert_eq(squashfs_blocks_arrange(&blocks, 0, CODEC_XZ, &chunks,
					     &count, &raw_size),
		     0);
	cr_expect_eq(count, 0);
	cr_expect_eq(raw_size, 0);
	free(chunks);
	squashfs_blocks_fini(&blocks);
}
