/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_writer: a merged tree and its chunk tables written as an index file.
 *
 * The same input gives the same bytes.  Format: docs/index-format.md.
 */
#include "common/chunk_ref.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct tree;

struct index_writer_chunk {
	struct chunk_ref ref; /* window_off counts within the blob's windows */
	uint64_t raw_off;     /* in the blob's uncompressed stream */
};

struct index_writer_blob {
	struct digest digest;
	struct digest diff_id;
	uint64_t size;
	uint64_t raw_size;
	const struct index_writer_chunk *chunks; /* by raw_off, borrowed */
	uint32_t chunk_count;
	const uint8_t *windows; /* encoded windows, borrowed */
	uint64_t windows_size;
};

struct index_writer_image {
	struct digest manifest_digest;
	const void *manifest; /* JSON bytes, borrowed */
	size_t manifest_size;
	const void *config;
	size_t config_size;
	const struct index_writer_blob *blobs;
	uint32_t blob_count;
	struct tree *tree; /* numbers its inodes on the way, else unchanged */
};

/**
 * index_writer_write() - write an index to a file
 * @fd:        empty, regular, open for reading and writing
 * @is_packed: compress the sections (to be stored and sent) or leave them raw
 *             (to be mapped); the content is the same
 *
 * Return: 0, -EFBIG (a limit of the format), -ENOMEM, or the write's errno
 * (-ENOSPC ...).
 */
int index_writer_write(int fd, const struct index_writer_image *image,
		       bool is_packed, struct error *err);

/**
 * index_writer_repack() - copy an index with sections packed or unpacked
 *
 * Works section by section and never looks inside.  Unpacking what was packed
 * gives the raw form to the byte, and the reverse.
 *
 * Return: as index_file_open() and index_writer_write().
 */
int index_writer_repack(int from_fd, int to_fd, bool is_packed,
			struct error *err);
