/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_memory: what libsquashfs reads an image from: the superblock and
 * the tables, in memory, with a bound on how much it may read.
 *
 * File data are not there: a library that asks for them gets an error, and so
 * the network never sees a request for them.
 *
 * Threads: one at a time.
 */
#include "index/squashfs_library.h"

#include <stddef.h>
#include <stdint.h>

struct squashfs_memory {
	sqfs_file_t file; /* for libsquashfs; must be first */
	const void *head; /* bytes from 0 on, borrowed */
	size_t head_size;
	const void *tables; /* bytes from tables_off to the end, borrowed */
	uint64_t tables_off;
	uint64_t tables_size;
	/* reads that may still be made; each brings at most 8 KiB of metadata
	 * or one table of places.  What libsquashfs allocates for hostile
	 * numbers stays untouched, so that this bounds memory too. */
	uint64_t reads_left;
};

void squashfs_memory_init(struct squashfs_memory *memory, const void *head,
			  size_t head_size, const void *tables,
			  uint64_t tables_off, uint64_t tables_size);
