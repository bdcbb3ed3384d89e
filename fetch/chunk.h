/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk: the raw bytes of one chunk, verified, immutable, reference counted:
 * in memory, or in a file (of the node's cache) that was verified when it was
 * opened, whose page cache they then are, and no memory of ours.
 * Threads: any.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk {
	const uint8_t *data; /* size bytes; NULL: they are in a file */
	uint32_t size;
	uint32_t refs;	   /* atomic; use the functions */
	uint32_t number;   /* in the image's chunk table */
	int fd;		   /* the file, when data is NULL */
	uint32_t file_off; /* where in it they begin */

	/* chunk_memory.c's, under the lock of whoever owns that memory */
	bool was_inserted;
	struct chunk *hash_next;
	struct chunk *newer;
	struct chunk *older;
};

/** chunk_create() - take over malloc'ed @data; one reference; NULL: no memory
 * (then @data stays the caller's) */
struct chunk *chunk_create(uint32_t number, uint8_t *data, uint32_t size);

/** chunk_create_in_file() - the same of bytes in a file; @fd is taken over */
struct chunk *chunk_create_in_file(uint32_t number, int fd, uint32_t file_off,
				   uint32_t size);
struct chunk *chunk_ref(struct chunk *chunk);
void chunk_unref(struct chunk *chunk); /* NULL is allowed */
DEFINE_CLEANUP(struct chunk, chunk_unref);

/**
 * chunk_read() - copy some of its bytes
 *
 * May block on the local disk.  Return: 0, -EBADMSG (they are not all within
 * the chunk), -EIO (the file cannot be read any more).
 */
int chunk_read(const struct chunk *chunk, uint64_t off, size_t size,
	       void *ret_data);
