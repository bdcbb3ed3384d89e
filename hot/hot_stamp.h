/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_stamp: what a finished hot tree is, as one small file says it
 * (docs/hot-tree.md, "On the disk").
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored: never renumber. */
enum hot_stamp_kind {
	HOT_STAMP_PARTIAL = 1, /* some names; overlaid on the image */
	HOT_STAMP_WHOLE = 2,   /* all names; the image supplies contents */
};

enum { HOT_STAMP_SIZE = 96 };

struct hot_stamp {
	enum hot_stamp_kind kind;
	bool maps_ids;	     /* every file belongs to who built it */
	uint64_t index_hash; /* index_file_hash() of the index it is made of */
	uint64_t generation; /* names the tree's folder */
	uint64_t size;	     /* bytes on the disk, as HOT_BUILD counts them */
	uint64_t content_size;	/* of it, contents of files */
	uint64_t content_count; /* files that have their contents */
	uint64_t inode_count;	/* inodes of every kind */
	int64_t built_s;	/* seconds since 1970, after its last change */
	uint64_t build_ms;	/* what building took */
	uint64_t locks_id;	/* of the folder's locks then: hot_folder.c */
};

/** hot_stamp_encode() - as bytes, with their checksum */
void hot_stamp_encode(const struct hot_stamp *stamp,
		      uint8_t ret[HOT_STAMP_SIZE]);

/**
 * hot_stamp_decode() - the stamp in untrusted bytes
 *
 * Return: 0, or -EBADMSG (another size or version, a wrong checksum, a kind or
 * generation that does not exist).
 */
int hot_stamp_decode(const uint8_t *data, size_t size, struct hot_stamp *ret);
