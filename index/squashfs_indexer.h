/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_indexer: the index of an object that is, or holds, a SquashFS
 * image, made from that image's own tables.
 *
 * The tables alone suffice; then no chunk has a digest.  Reading the object
 * once from front to back gives every chunk its digest, the index's one blob
 * the digest of the whole, and the index hints (hint_builder.h).
 *
 * Threads: one at a time.
 */
#include "index/chunk_pass.h"
#include "index/squashfs_super.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_stream;
struct error;

struct squashfs_indexer_object {
	struct digest manifest_digest;
	const void *manifest; /* JSON bytes, borrowed */
	size_t manifest_size;
	const void *config;
	size_t config_size;
	uint64_t size;	    /* bytes of the object */
	uint64_t image_off; /* where the SquashFS image starts in it */
	struct squashfs_super super;
	const void *head;   /* SQUASHFS_SUPER_SIZE bytes of the image */
	const void *tables; /* from super.inode_table to super.bytes_used */
};

struct squashfs_indexer_options {
	bool is_packed; /* compress sections of the written file */
	/* The object from its first byte, borrowed: read once, every chunk is
	 * decoded.  NULL: the tables alone. */
	struct byte_stream *stream;
	/* Write those that the pass found, and hints.  Else what is written is
	 * what the tables alone give. */
	bool keep_digests;
	/* Optional, only with @stream: as chunk_pass_options. */
	void (*chunk)(void *arg, const struct chunk_ref *ref, const void *raw);
	bool (*progress)(void *arg, uint64_t done_size);
	void *arg;
};

/**
 * squashfs_indexer_run() - write the index to @fd
 * @fd: an empty regular file open for reading and writing
 *
 * Return: 0, or as squashfs_lister_run(), chunk_pass_run() and
 * index_writer_write().
 */
int squashfs_indexer_run(int fd, const struct squashfs_indexer_object *object,
			 const struct squashfs_indexer_options *options,
			 struct error *err);
