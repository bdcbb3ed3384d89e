/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_xattrs: the extended attributes of one inode of a SquashFS image.
 * Internal to squashfs_reader.c.
 *
 * The blocks are libsquashfs's to read; the records in them are read here,
 * for its own reader allocates up to 4 GiB for a value because the image says
 * so, and cannot come back from a value that is stored elsewhere when it was
 * named at the very end of a block.
 *
 * Threads: one at a time.
 */
#include "index/squashfs_library.h"

#include <stddef.h>
#include <stdint.h>

struct error;
struct squashfs_memory;
struct tree_xattr;

enum { SQUASHFS_XATTRS_COUNT_MAX = 1024 }; /* of one inode */

/* Names and values are malloc'ed. */
struct squashfs_xattrs {
	struct tree_xattr *items; /* owned, with what they point to */
	size_t count;
};

void squashfs_xattrs_fini(struct squashfs_xattrs *xattrs);

/* What lists of an image are read with; made once. */
struct squashfs_xattrs_source {
	const struct squashfs_library *lib;
	struct squashfs_memory *memory; /* its bound is set for each record */
	sqfs_meta_reader_t *list;	/* where the list goes on; owned */
	sqfs_meta_reader_t *value;	/* values stored elsewhere; owned */
	uint64_t start;			/* of all lists, in the image */
};

void squashfs_xattrs_source_fini(struct squashfs_xattrs_source *source);

/**
 * squashfs_xattrs_read() - read a list
 * @list: where it is, and its count
 * @ret:  squashfs_xattrs_fini() releases it; untouched on failure
 *
 * Return: 0; -EPROTO (damaged); -EFBIG (over 1024, a value over 64 KiB);
 * -ENOMEM.
 */
int squashfs_xattrs_read(const struct squashfs_xattrs_source *source,
			 const sqfs_xattr_id_t *list,
			 struct squashfs_xattrs *ret, struct error *err);
