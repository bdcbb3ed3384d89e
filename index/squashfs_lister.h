/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_lister: the whole tree of a SquashFS image as entries, and its
 * data as blocks.
 *
 * Directories are listed whole, then those below them, so that the tables are
 * read nearly in order.  No recursion; the work is bounded by the tables'
 * size, for each directory, each other inode and each block that a table has
 * room for is looked at once.
 *
 * Threads: one at a time.
 */
#include "index/squashfs_blocks.h"

#include <stdint.h>

struct entry_list;
struct error;
struct squashfs_super;
struct tree_extent;

enum {
	/* An extent's raw_off in the list is a block's number, and in the
	 * lower bits an offset in it: blocks have no places yet. */
	SQUASHFS_LISTER_OFF_BITS = 24,
	/* bytes of entries, about four million files */
	SQUASHFS_LISTER_ENTRIES_SIZE_MAX = 1 << 30,
};

struct squashfs_listing {
	struct entry_list *entries; /* owned; parents before children, and a
				       file before its hard links */
	struct squashfs_blocks blocks;
};

void squashfs_listing_fini(struct squashfs_listing *listing);

/** squashfs_listing_place() - where @extent, of one of the entries, lies in
 * the stream of squashfs_blocks_arrange(), which was called */
uint64_t squashfs_listing_place(const struct squashfs_listing *listing,
				const struct tree_extent *extent);

/**
 * squashfs_lister_run() - read all tables
 * @super, @head, @tables: as squashfs_reader_create()
 * @ret: squashfs_listing_fini() releases it; untouched on failure
 *
 * Return: 0, -ELIBACC, -EPROTO (damaged), -EFBIG (a limit of ours), -ENOMEM.
 */
int squashfs_lister_run(const struct squashfs_super *super, const void *head,
			const void *tables, struct squashfs_listing *ret,
			struct error *err);
