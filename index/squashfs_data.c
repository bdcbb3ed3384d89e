/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_data.h"

#include "common/error.h"
#include "common/le.h"
#include "index/squashfs_blocks.h"
#include "index/squashfs_error.h"
#include "index/squashfs_lister.h"
#include "index/squashfs_reader.h"
#include "index/squashfs_super.h"
#include "index/tree.h"

#include <assert.h>

enum { EXTENTS_SIZE_MAX = 1 << 30 };

void squashfs_data_init(struct squashfs_data *data,
			const struct squashfs_super *super,
			struct squashfs_reader *reader,
			struct squashfs_blocks *blocks)
{
	*data = (struct squashfs_data){
		.super = super,
		.reader = reader,
		.blocks = blocks,
		.extents = BUFFER_INIT(EXTENTS_SIZE_MAX),
		.blocks_left =
			squashfs_super_decoded_size_max(super->directory_table -
							super->inode_table) /
			4,
	};
}

void squashfs_data_fini(struct squashfs_data *data)
{
	buffer_fini(&data->extents);
}

static int add_extent(struct squashfs_data *data, uint64_t file_off,
		      uint64_t size, uint32_t block, uint32_t block_off,
		      struct error *err)
{
	const struct tree_extent extent = {
		.file_off = file_off,
		.size = size,
		.raw_off =
			(uint64_t)block << SQUASHFS_LISTER_OFF_BITS | block_off,
	};
	int r = buffer_append(&data->extents, &extent, sizeof(extent));

	return r < 0 ? squashfs_error_failed(err, r) : 0;
}

/* Data lie before the tables. */
static bool is_place_of_data(const struct squashfs_data *data, uint64_t off,
			     uint64_t size)
{
	return off >= SQUASHFS_SUPER_SIZE &&
	       le_range_fits(off, size, data->super->inode_table);
}

static int check_block(const struct squashfs_data *data,
		       const struct squashfs_block *block, struct error *err)
{
	if (!is_place_of_data(data, block->stored_off, block->stored_size))
		return squashfs_error_damaged(
			err, "a block lies outside of the data");
	if (block->stored_size > data->super->block_size ||
	    (!block->is_compressed && block->stored_size != block->raw_size))
		return squashfs_error_damaged(err,
					      "a block has an impossible size");
	return 0;
}

static int add_block(struct squashfs_data *data, uint64_t *off, uint32_t word,
		     uint64_t file_off, uint32_t raw_size, struct error *err)
{
	const struct squashfs_block block = {
		.stored_off = *off,
		.stored_size = SQFS_ON_DISK_BLOCK_SIZE(word),
		.raw_size = raw_size,
		.is_compressed = SQFS_IS_BLOCK_COMPRESSED(word),
	};
	uint32_t number = 0;
	int r;

	if (block.stored_size == 0)
		return 0; /* a hole */
	r = check_block(data, &block, err);
	if (r < 0)
		return r;
	r = squashfs_blocks_add(data->blocks, &block, &number);
	if (r < 0)
		return squashfs_error_failed(err, r);
	*off += block.stored_size;
	return add_extent(data, file_off, raw_size, number, 0, err);
}

/* The tail of a file, in a fragment block: of that only what files name is
 * known, and the last named byte is its end. */
static int add_tail(struct squashfs_data *data, uint32_t fragment, uint32_t off,
		    uint64_t file_off, uint32_t size, struct error *err)
{
	uint32_t block_size = data->super->block_size;
	struct squashfs_block *block;

	if (fragment >= data->super->fragment_count ||
	    !le_range_fits(off, size, block_size))
		return squashfs_error_damaged(
			err, "a file lies outside of its fragment");
	block = squashfs_blocks_at(data->blocks, fragment);
	if (block->raw_size < off + size)
		block->raw_size = off + size;
	return add_extent(data, file_off, size, fragment, off, err);
}

/* Every fragment gets the number that it has in the image. */
int squashfs_data_begin(struct squashfs_data *data, struct error *err)
{
	for (uint32_t i = 0; i < data->super->fragment_count; i++) {
		struct squashfs_block block = { 0 };
		sqfs_fragment_t fragment;
		uint32_t number = 0;
		int r = squashfs_reader_get_fragment(data->reader, i, &fragment,
						     err);

		if (r < 0)
			return r;
		block.stored_off = fragment.start_offset;
		block.stored_size = SQFS_ON_DISK_BLOCK_SIZE(fragment.size);
		block.is_compressed = SQFS_IS_BLOCK_COMPRESSED(fragment.size);
		block.is_fragment = true;
		r = squashfs_blocks_add(data->blocks, &block, &number);
		if (r < 0)
			return squashfs_error_failed(err, r);
		assert(number == i);
	}
	return 0;
}

int squashfs_data_add(struct squashfs_data *data,
		      const sqfs_inode_generic_t *inode,
		      struct tree_entry *entry, struct error *err)
{
	const struct squashfs_library *lib =
		squashfs_reader_library(data->reader);
	uint32_t block_size = data->super->block_size;
	size_t count = sqfs_inode_get_file_block_count(inode);
	sqfs_u32 fragment = UINT32_MAX;
	sqfs_u32 fragment_off = 0;
	uint64_t file_off = 0;
	sqfs_u64 size = 0;
	sqfs_u64 off = 0;
	int r = lib->sqfs_inode_get_file_size(inode, &size);

	if (r == 0)
		r = lib->sqfs_inode_get_file_block_start(inode, &off);
	if (r == 0)
		r = lib->sqfs_inode_get_frag_location(inode, &fragment,
						      &fragment_off);
	if (r != 0 || size > INT64_MAX)
		return squashfs_error_damaged(err, "a file has no size");
	if (count > data->blocks_left)
		return squashfs_error_damaged(
			err, "it names more blocks than it can have");
	data->blocks_left -= count;
	data->extents.size = 0;
	r = 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		uint64_t left = size - file_off;
		uint32_t part = left < block_size ? (uint32_t)left : block_size;

		if (part == 0)
			return squashfs_error_damaged(
				err, "a file has too many blocks");
		r = add_block(data, &off, inode->extra[i], file_off, part, err);
		file_off += part;
	}
	if (r == 0 && file_off < size && fragment != UINT32_MAX)
		r = add_tail(data, fragment, fragment_off, file_off,
			     (uint32_t)(size - file_off), err);
	if (r < 0)
		return r;
	if (file_off < size &&
	    (fragment == UINT32_MAX || size - file_off >= block_size))
		return squashfs_error_damaged(err, "a file has too few blocks");
	entry->size = size;
	entry->extents = (const void *)data->extents.data;
	entry->extent_count = data->extents.size / sizeof(struct tree_extent);
	return 0;
}

/* Once all files are known: what is named of fragments must be there. */
int squashfs_data_end(const struct squashfs_data *data, struct error *err)
{
	for (uint32_t i = 0; i < data->super->fragment_count; i++) {
		struct squashfs_block *block =
			squashfs_blocks_at(data->blocks, i);
		int r;

		if (block->raw_size == 0)
			continue;
		/* One that is stored as it is tells its own size. */
		if (!block->is_compressed &&
		    block->stored_size > block->raw_size)
			block->raw_size = block->stored_size;
		if (block->stored_size == 0)
			return squashfs_error_damaged(err,
						      "a fragment is empty");
		r = check_block(data, block, err);
		if (r < 0)
			return r;
	}
	return 0;
}
