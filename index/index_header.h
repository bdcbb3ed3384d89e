/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_header: the first 4 KiB of an index file: version, features and the
 * table of sections (docs/index-format.md, section 2).
 *
 * Threads: any; no shared state.
 */
#include "common/digest.h"
#include "index/index_format.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

struct index_section {
	uint32_t type;	      /* enum index_format_type, or one not known */
	uint32_t flags;	      /* INDEX_FORMAT_SECTION_* */
	uint64_t off;	      /* in the file */
	uint64_t stored_size; /* bytes in the file */
	uint64_t raw_size;    /* bytes after unpacking */
	uint64_t hash;	      /* XXH3-64 of the stored bytes; windows: 0 */
	uint32_t record_size; /* divides raw_size; at least 1 */
};

struct index_header {
	uint32_t feature_ro; /* features that a copier must understand */
	bool is_packed;	     /* sections may be compressed */
	uint64_t file_size;
	struct digest manifest_digest;
	uint32_t section_count;
	struct index_section sections[INDEX_FORMAT_SECTION_COUNT_MAX];
};

/**
 * index_header_load() - read and check an index file's header
 *
 * On success: the file has the length the header says; sections lie one after
 * the other within it, the windows last; every known section is there once
 * with its record size; sizes are within the format's limits.
 *
 * Return: 0, -EBADMSG, -ENOTSUP, -EFBIG, -EIO, as index_file_open().
 */
int index_header_load(int fd, struct index_header *ret, struct error *err);

/** index_header_encode() - the header as bytes, with its checksum */
void index_header_encode(const struct index_header *header,
			 struct index_format_header *ret);

/** index_header_find() - the section of a type; NULL when there is none */
const struct index_section *index_header_find(const struct index_header *header,
					      uint32_t type);

/** index_header_next_off() - where a section starts that follows one ending
 * at @end: at once if packed, at the next 4 KiB if raw */
uint64_t index_header_next_off(const struct index_header *header, uint64_t end);

/** index_header_type_name() - "INODE"; for messages */
const char *index_header_type_name(uint32_t type);
