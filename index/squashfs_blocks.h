/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_blocks: the data blocks and fragment blocks of a SquashFS image,
 * and the chunks that they become.
 *
 * Every block that a file names is added and gets a number; files with the
 * same content name the same blocks, and the tails of many files lie in one
 * fragment.  squashfs_blocks_arrange() puts them in the order of their places,
 * takes each once, and lays them one behind the other into an uncompressed
 * stream that exists nowhere else: the index's raw offsets (docs/
 * index-format.md, section 6.1).
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"
#include "common/chunk_ref.h"

#include <stdbool.h>
#include <stdint.h>

struct index_writer_chunk;

struct squashfs_block {
	uint64_t stored_off; /* in the SquashFS image */
	uint32_t stored_size;
	uint32_t raw_size; /* 0: nothing names a byte of it */
	bool is_compressed;
	bool is_fragment; /* raw_size is the last byte that is named */
	uint64_t raw_off; /* set by squashfs_blocks_arrange() */
};

struct squashfs_blocks {
	struct buffer items; /* struct squashfs_block, by number */
};

/* 4 bytes of the inode table name a block, so that no image of which the
 * tables fit into memory has more. */
enum { SQUASHFS_BLOCKS_COUNT_MAX = 64 << 20 };

void squashfs_blocks_init(struct squashfs_blocks *blocks);
void squashfs_blocks_fini(struct squashfs_blocks *blocks);

/** squashfs_blocks_add() - 0, -EFBIG (too many), -ENOMEM */
int squashfs_blocks_add(struct squashfs_blocks *blocks,
			const struct squashfs_block *block,
			uint32_t *ret_number);

/** squashfs_blocks_at() - a block that was added; valid until the next is */
struct squashfs_block *squashfs_blocks_at(const struct squashfs_blocks *blocks,
					  uint32_t number);

/**
 * squashfs_blocks_arrange() - make chunks of all blocks
 * @image_off: of the SquashFS image, in the object
 * @codec:     of the blocks that are compressed
 * @ret:       malloc'ed; with every digest zero
 *
 * Return: 0, -EFBIG (more bytes than a place can name), -ENOMEM.
 */
int squashfs_blocks_arrange(struct squashfs_blocks *blocks, uint64_t image_off,
			    enum codec codec, struct index_writer_chunk **ret,
			    uint32_t *ret_count, uint64_t *ret_raw_size);
