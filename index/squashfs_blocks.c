/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_blocks.h"

#include "common/cleanup.h"
#include "index/index_format.h"
#include "index/index_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void squashfs_blocks_init(struct squashfs_blocks *blocks)
{
	blocks->items =
		(struct buffer)BUFFER_INIT((size_t)SQUASHFS_BLOCKS_COUNT_MAX *
					   sizeof(struct squashfs_block));
}

void squashfs_blocks_fini(struct squashfs_blocks *blocks)
{
	buffer_fini(&blocks->items);
}

static uint32_t block_count(const struct squashfs_blocks *blocks)
{
	return (uint32_t)(blocks->items.size / sizeof(struct squashfs_block));
}

int squashfs_blocks_add(struct squashfs_blocks *blocks,
			const struct squashfs_block *block,
			uint32_t *ret_number)
{
	uint32_t number = block_count(blocks);
	int r = buffer_append(&blocks->items, block, sizeof(*block));

	if (r == 0)
		*ret_number = number;
	return r;
}

struct squashfs_block *squashfs_blocks_at(const struct squashfs_blocks *blocks,
					  uint32_t number)
{
	assert(number < block_count(blocks));
	return (struct squashfs_block *)(void *)blocks->items.data + number;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_blocks(const void *a, const void *b)
{
	const struct squashfs_block *x = *(struct squashfs_block *const *)a;
	const struct squashfs_block *y = *(struct squashfs_block *const *)b;
	int r = compare_numbers(x->stored_off, y->stored_off);

	if (r == 0)
		r = compare_numbers(x->stored_size, y->stored_size);
	if (r == 0)
		r = compare_numbers(x->raw_size, y->raw_size);
	if (r == 0)
		r = (int)x->is_compressed - (int)y->is_compressed;
	return r ? r : (int)x->is_fragment - (int)y->is_fragment;
}

/* Pointers to the blocks that are in use, sorted; malloc'ed. */
static struct squashfs_block **sort(const struct squashfs_blocks *blocks,
				    uint32_t *ret_count)
{
	uint32_t count = block_count(blocks);
	struct squashfs_block **sorted = calloc(count + 1, sizeof(void *));
	uint32_t used = 0;

	if (!sorted)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		struct squashfs_block *block = squashfs_blocks_at(blocks, i);

		if (block->raw_size > 0)
			sorted[used++] = block;
	}
	qsort(sorted, used, sizeof(void *), compare_blocks);
	*ret_count = used;
	return sorted;
}

static struct index_writer_chunk make_chunk(const struct squashfs_block *block,
					    uint64_t image_off,
					    enum codec codec)
{
	return (struct index_writer_chunk){
		.raw_off = block->raw_off,
		.ref = {
			.codec = block->is_compressed ? codec : CODEC_RAW,
			.stored_off = image_off + block->stored_off,
			.stored_size = block->stored_size,
			.raw_size = block->raw_size,
			.end_bit = block->is_compressed && block->is_fragment
					   ? CHUNK_END_PREFIX
					   : 0,
		},
	};
}

int squashfs_blocks_arrange(struct squashfs_blocks *blocks, uint64_t image_off,
			    enum codec codec, struct index_writer_chunk **ret,
			    uint32_t *ret_count, uint64_t *ret_raw_size)
{
	uint32_t used = 0;
	autofree struct squashfs_block **sorted = sort(blocks, &used);
	autofree struct index_writer_chunk *chunks = NULL;
	uint64_t raw_off = 0;
	uint32_t count = 0;

	chunks = sorted ? calloc(used + 1, sizeof(*chunks)) : NULL;
	if (!chunks)
		return -ENOMEM;
	for (uint32_t i = 0; i < used; i++) {
		struct squashfs_block *block = sorted[i];

		if (i > 0 && compare_blocks(&sorted[i - 1], &block) == 0) {
			block->raw_off = sorted[i - 1]->raw_off;
			continue;
		}
		block->raw_off = raw_off;
		raw_off += block->raw_size;
		if (raw_off > INDEX_FORMAT_RAW_OFF_MAX)
			return -EFBIG;
		chunks[count++] = make_chunk(block, image_off, codec);
	}
	*ret = STEAL_PTR(chunks);
	*ret_count = count;
	*ret_raw_size = raw_off;
	return 0;
}
