/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_super: the superblock of a SquashFS 4.0 image, parsed and checked
 * before libsquashfs sees any of it.
 *
 * Format: the kernel's fs/squashfs/squashfs_fs.h and Documentation.  Places
 * are bytes from the image's start; a table that is not there is at
 * SQUASHFS_SUPER_NO_TABLE.
 *
 * Threads: any; no state.
 */
#include "common/chunk_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	SQUASHFS_SUPER_SIZE = 96,
	/* What index/ can hold besides: 22 million inodes fill a section. */
	SQUASHFS_SUPER_INODE_COUNT_MAX = 16 << 20,
	/* bytes of all tables as stored; 16 million inodes take about 300 */
	SQUASHFS_SUPER_TABLES_SIZE_MAX = 512 << 20,
};

#define SQUASHFS_SUPER_NO_TABLE UINT64_MAX

struct squashfs_super {
	uint32_t inode_count;
	uint32_t fragment_count;
	uint32_t block_size; /* of data: a power of two, 4 KiB to 1 MiB */
	uint16_t compressor; /* as the format numbers them */
	enum codec codec;    /* the same for us */
	uint16_t id_count;
	uint64_t root_inode; /* block << 16 | offset, in the inode table */
	uint64_t bytes_used; /* the image's end */
	/* in this order in the image */
	uint64_t inode_table;
	uint64_t directory_table;
	uint64_t fragment_table;
	uint64_t export_table;
	uint64_t id_table;
	uint64_t xattr_table;
};

/** squashfs_super_is_magic() - does an image start so?  4 bytes are enough */
bool squashfs_super_is_magic(const void *bytes, size_t size);

/**
 * squashfs_super_parse() - read a superblock
 * @bytes:      SQUASHFS_SUPER_SIZE of them
 * @size_max:   bytes that there are of the image
 *
 * On success every table lies within the image, behind the data, and all of
 * them from inode_table on are within SQUASHFS_SUPER_TABLES_SIZE_MAX.
 *
 * Return: 0; -EPROTO (no SquashFS, truncated, damaged); -ENOTSUP (another
 * version, a compressor that is not built in); -EFBIG (past our limits).
 */
int squashfs_super_parse(const void *bytes, uint64_t size_max,
			 struct squashfs_super *ret, struct error *err);

/** squashfs_super_compressor_name() - "gzip" */
const char *squashfs_super_compressor_name(uint16_t compressor);

/** squashfs_super_decoded_size_max() - bytes that metadata blocks of so many
 * stored bytes can decode to: of each 8 KiB at most, and none takes less than
 * 3 bytes */
uint64_t squashfs_super_decoded_size_max(uint64_t stored_size);
