/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_data: where the bytes of a SquashFS image's files lie, as blocks and
 * as extents in them.
 *
 * Fragments come first, so that each block of tails has the number that it has
 * in the image; then the files, whose own blocks follow; in the end it is known
 * how much of each fragment there must be.  Numbers of the image are untrusted:
 * a block outside of the data, or more of them than the inode table has room
 * for, is damage.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"
#include "index/squashfs_library.h"

#include <stdint.h>

struct error;
struct squashfs_blocks;
struct squashfs_reader;
struct squashfs_super;
struct tree_entry;

/* For squashfs_data_fini(), which does nothing to a zeroed one. */
struct squashfs_data {
	const struct squashfs_super *super; /* borrowed, as the next two */
	struct squashfs_reader *reader;
	struct squashfs_blocks *blocks;
	struct buffer extents; /* of the file added last */
	uint64_t blocks_left;  /* that the inode table has room for */
};

/** squashfs_data_init() - for an image; @blocks is empty yet */
void squashfs_data_init(struct squashfs_data *data,
			const struct squashfs_super *super,
			struct squashfs_reader *reader,
			struct squashfs_blocks *blocks);
void squashfs_data_fini(struct squashfs_data *data);

/** squashfs_data_begin() - the fragments, once and first; 0, -EPROTO, -EFBIG,
 * -ENOMEM */
int squashfs_data_begin(struct squashfs_data *data, struct error *err);

/**
 * squashfs_data_add() - a regular file
 * @entry: gets size and extents (see SQUASHFS_LISTER_OFF_BITS), which are good
 *         until the next file
 *
 * Return: 0, -EPROTO (damaged), -EFBIG (a limit of ours), -ENOMEM.
 */
int squashfs_data_add(struct squashfs_data *data,
		      const sqfs_inode_generic_t *inode,
		      struct tree_entry *entry, struct error *err);

/** squashfs_data_end() - after all files: what they name of fragments must be
 * there; 0, -EPROTO */
int squashfs_data_end(const struct squashfs_data *data, struct error *err);
