/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_table: an index's hints: which files are needed with a file, and which
 * parts of a large one are (docs/index-format.md, section 5.8).
 *
 * Only what a file needs itself is kept; what that needs in turn is found by
 * hint_closure.h.
 *
 * Threads: immutable once decoded.
 */
#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

enum {
	HINT_TABLE_EXTENT_UNIT = 4096,	    /* bytes that extents count in */
	HINT_TABLE_TARGET_COUNT_MAX = 4096, /* of one file */
	HINT_TABLE_EXTENT_COUNT_MAX = 16,
};

/* In units of HINT_TABLE_EXTENT_UNIT. */
struct hint_extent {
	uint32_t first;
	uint32_t count;
};

struct hint_record {
	uint32_t inode;
	uint32_t first_target; /* in the table's targets */
	uint32_t target_count;
	uint32_t first_extent;
	uint32_t extent_count; /* 0: not known which parts */
};

struct hint_table {
	struct hint_record *records; /* by inode, each once; owned */
	uint32_t record_count;
	uint32_t *targets; /* inodes, in the order they are needed; owned */
	uint32_t target_count;
	struct hint_extent *extents; /* owned */
	uint32_t extent_count;
};

void hint_table_fini(struct hint_table *table); /* all zero is fine */

/** hint_table_find() - a file's hints; NULL: none */
const struct hint_record *hint_table_find(const struct hint_table *table,
					  uint32_t inode);

/**
 * hint_table_encode() - the section's bytes
 * @table: as struct hint_table says
 *
 * Return: 0, -EFBIG (@ret's limit), -ENOMEM.
 */
int hint_table_encode(const struct hint_table *table, struct buffer *ret);

/**
 * hint_table_decode() - from a section's bytes
 * @inode_count: of the index: no number is above it
 * @ret:         for hint_table_fini(); untouched on failure
 *
 * Return: 0, -EBADMSG (malformed), -EFBIG, -ENOMEM.
 */
int hint_table_decode(const uint8_t *data, size_t size, uint32_t inode_count,
		      struct hint_table *ret, struct error *err);
