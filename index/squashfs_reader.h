/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_reader: the tables of a SquashFS image, through libsquashfs: its
 * inodes, xattrs, ids and fragments, one at a time.
 *
 * Images come from anybody, and libsquashfs trusts some numbers that it should
 * not: sizes are looked at here before it allocates for them, and what it may
 * read is bounded for each call.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"
#include "index/squashfs_library.h"
#include "index/squashfs_xattrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct squashfs_reader; /* opaque */
struct squashfs_super;

/* block << 16 | offset, as directories name an inode */
struct squashfs_name {
	const char *name; /* valid until the next */
	uint64_t inode;
};

/**
 * squashfs_reader_create() - load the library and the small tables
 * @super:  as squashfs_super_parse() gave it; borrowed
 * @head:   SQUASHFS_SUPER_SIZE bytes that it was parsed from
 * @tables: the image from super->inode_table to super->bytes_used; borrowed
 *
 * Return: 0, -ELIBACC, -EPROTO (damaged), -ENOMEM.
 */
int squashfs_reader_create(const struct squashfs_super *super, const void *head,
			   const void *tables, struct squashfs_reader **ret,
			   struct error *err);
void squashfs_reader_destroy(struct squashfs_reader *reader);
DEFINE_CLEANUP(struct squashfs_reader, squashfs_reader_destroy);

/**
 * squashfs_reader_get_inode() - read an inode
 * @ret: squashfs_reader_free() releases it
 *
 * Of a file at most as many blocks as the inode table has bytes for, of a
 * symlink at most 4095 bytes.  Return: 0, -EPROTO, -EFBIG, -ENOMEM.
 */
int squashfs_reader_get_inode(struct squashfs_reader *reader, uint64_t inode,
			      sqfs_inode_generic_t **ret, struct error *err);
void squashfs_reader_free(struct squashfs_reader *reader, void *object);

/** squashfs_reader_open_dir() - start listing a directory, ending another
 * listing; 0, -EPROTO */
int squashfs_reader_open_dir(struct squashfs_reader *reader,
			     const sqfs_inode_generic_t *inode,
			     struct error *err);

/**
 * squashfs_reader_next_name() - the next entry of the open directory
 *
 * A name has 1 to 255 bytes, no '/' and no NUL, and is not "." or "..".
 * Return: 1 with @ret set, 0 at the end, -EPROTO, -ENOMEM.
 */
int squashfs_reader_next_name(struct squashfs_reader *reader,
			      struct squashfs_name *ret, struct error *err);

/** squashfs_reader_get_id() - a user or group id by its place in the table */
int squashfs_reader_get_id(struct squashfs_reader *reader, uint16_t place,
			   uint32_t *ret, struct error *err);

/** squashfs_reader_get_fragment() - where a fragment block lies */
int squashfs_reader_get_fragment(struct squashfs_reader *reader,
				 uint32_t number, sqfs_fragment_t *ret,
				 struct error *err);

/**
 * squashfs_reader_get_xattrs() - an inode's extended attributes
 *
 * Return: 0, perhaps with none; -EPROTO, -EFBIG (a value over 64 KiB, over
 * 1024 of them), -ENOMEM.
 */
int squashfs_reader_get_xattrs(struct squashfs_reader *reader,
			       const sqfs_inode_generic_t *inode,
			       struct squashfs_xattrs *ret, struct error *err);

/** squashfs_reader_library() - for accessors of an inode that cannot fail */
const struct squashfs_library *squashfs_reader_library(
	const struct squashfs_reader *reader);
