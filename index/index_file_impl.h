/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_file_impl: what is inside an opened index.  Internal to index_file*.c
 * and to what writes indexes; index_file.h is the interface.
 */
#include "common/chunk_ref.h"
#include "index/index_file.h"
#include "index/index_format.h"
#include "index/index_header.h"

#include <stddef.h>
#include <stdint.h>

/* A section's raw content; its checksum was right, nothing else is known. */
struct index_table {
	const uint8_t *data;
	size_t size;	/* bytes */
	uint32_t count; /* records */
	uint8_t *owned; /* data, when it was unpacked; else NULL */
};

struct index_file_blob {
	struct index_blob blob; /* checked against the other tables */
	uint64_t window_off;	/* in the window section */
	uint64_t window_size;
};

/* Immutable once open. */
struct index_file {
	struct chunk_table chunks; /* first member */
	int fd;			   /* borrowed, for the windows */
	void *map;		   /* the file up to the windows */
	size_t map_size;
	uint64_t window_off; /* of the window section in the file */
	struct index_table tables[INDEX_FORMAT_TYPE_COUNT]; /* by type */
	struct index_file_blob *blobs;			    /* owned */
	uint32_t blob_count;
	struct digest manifest_digest;
	struct index_figures figures;
};

extern const struct chunk_table_ops index_file_chunk_ops;

/* Record @number of a table; NULL past the end. */
static inline const void *index_file_record(const struct index_file *index,
					    enum index_format_type type,
					    uint32_t number)
{
	const struct index_table *table = &index->tables[type];

	if (number >= table->count)
		return NULL;
	return table->data + (size_t)number * index_format_record_size(type);
}

/* Inode @number; NULL when there is none. */
static inline const struct index_format_inode *index_file_inode_record(
	const struct index_file *index, uint32_t number)
{
	/* 0 becomes UINT32_MAX, which no table reaches */
	return index_file_record(index, INDEX_FORMAT_INODE, number - 1);
}

/* Raw contents of sections, by type; borrowed. */
struct index_file_sections {
	const uint8_t *data[INDEX_FORMAT_TYPE_COUNT];
	size_t size[INDEX_FORMAT_TYPE_COUNT];
};

/** index_file_wrap() - an index that is not a file yet, without layers: for
 * what asks for names and inodes; 0 or -ENOMEM */
int index_file_wrap(const struct index_file_sections *sections,
		    struct index_file **ret);

/** index_file_find_xattrs() - an inode's set of extended attributes
 *
 * Return: 0 with their number, maybe 0, and else the offset of the first for
 * index_file_next_xattr(); -EBADMSG.
 */
int index_file_find_xattrs(const struct index_file *index, uint32_t number,
			   uint64_t *ret_off, uint32_t *ret_count);

/** index_file_next_xattr() - the attribute at @off, which then is behind it */
int index_file_next_xattr(const struct index_file *index, uint64_t *off,
			  struct index_xattr *ret);
