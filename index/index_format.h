/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_format: the layout of index files, as docs/index-format.md specifies
 * it.  Section numbers below are that document's.
 *
 * All structures are arrays of bytes, so that they have no padding, no
 * alignment and no byte order; numbers are little endian and read with
 * common/le.h.
 */
#include "common/digest.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Section 2: header */
#define INDEX_FORMAT_MAGIC "LZYIDX\r\n"

enum {
	INDEX_FORMAT_MAGIC_SIZE = 8,
	INDEX_FORMAT_MAJOR = 1,
	INDEX_FORMAT_MINOR = 1,
	INDEX_FORMAT_HEADER_SIZE = 4096,
	INDEX_FORMAT_SECTION_COUNT_MAX = 32,
	INDEX_FORMAT_ALIGNMENT = 4096,	    /* of sections in the raw state */
	INDEX_FORMAT_FLAG_PACKED = 1,	    /* header flags */
	INDEX_FORMAT_FEATURES_INCOMPAT = 0, /* what this program knows */
	INDEX_FORMAT_FEATURES_RO = 0,
};

/* Section 3: section types; they have this order in the file, but that HINT
 * stands before WINDOW */
enum index_format_type {
	INDEX_FORMAT_MANIFEST = 1,
	INDEX_FORMAT_CONFIG = 2,
	INDEX_FORMAT_BLOB = 3,
	INDEX_FORMAT_OWNER = 4,
	INDEX_FORMAT_INODE = 5,
	INDEX_FORMAT_DIRENT = 6,
	INDEX_FORMAT_NAMES = 7,
	INDEX_FORMAT_SYMLINK = 8,
	INDEX_FORMAT_XATTR = 9,
	INDEX_FORMAT_EXTENT = 10,
	INDEX_FORMAT_CHUNK = 11,
	INDEX_FORMAT_CHUNK_DIGEST = 12,
	INDEX_FORMAT_WINDOW = 13,
	INDEX_FORMAT_HINT = 14,	 /* before WINDOW; may be absent */
	INDEX_FORMAT_TYPE_COUNT, /* one more than the last known type */
};

enum {
	INDEX_FORMAT_SECTION_ZSTD = 1,	     /* section flags */
	INDEX_FORMAT_SECTION_TRANSPOSED = 2, /* only with ZSTD */
};

/* Section 8: limits.  They keep a hostile header from asking for more memory
 * than 22 million inodes would take. */
#define INDEX_FORMAT_SECTION_RAW_SIZE_MAX (UINT64_C(1) << 30)
#define INDEX_FORMAT_TOTAL_RAW_SIZE_MAX	  (UINT64_C(2) << 30)
#define INDEX_FORMAT_RAW_OFF_MAX	  ((UINT64_C(1) << 48) - 1)

enum {
	INDEX_FORMAT_BLOB_COUNT_MAX = 65535,
	INDEX_FORMAT_NAME_SIZE_MAX = 255,
	INDEX_FORMAT_SYMLINK_SIZE_MAX = 4095,
	INDEX_FORMAT_XATTR_NAME_SIZE_MAX = 255,
	INDEX_FORMAT_XATTR_VALUE_SIZE_MAX = 65536,
	INDEX_FORMAT_XATTR_COUNT_MAX = 1024, /* in one set */
	INDEX_FORMAT_DEPTH_MAX = 1024,	     /* directories below the root */
	INDEX_FORMAT_DIRECTORY_SIZE = 4096,  /* st_size of every directory */
	INDEX_FORMAT_WINDOW_SIZE_MAX = 49152,
	INDEX_FORMAT_HINT_SIZE_MAX = 8 << 20,
};

/* Section 2.2: an entry of the section table */
struct index_format_section {
	uint8_t type[4];
	uint8_t flags[4];
	uint8_t off[8];
	uint8_t stored_size[8];
	uint8_t raw_size[8];
	uint8_t hash[8]; /* XXH3-64 of the stored bytes; 0 for windows */
	uint8_t record_size[4];
	uint8_t reserved[4];
};
static_assert(sizeof(struct index_format_section) == 48, "section 2.2");

/* Section 2.1 */
struct index_format_header {
	uint8_t magic[INDEX_FORMAT_MAGIC_SIZE];
	uint8_t major[2];
	uint8_t minor[2];
	uint8_t header_size[4];
	uint8_t feature_incompat[4];
	uint8_t feature_ro[4];
	uint8_t file_size[8];
	uint8_t section_count[4];
	uint8_t flags[4];
	uint8_t manifest_digest[DIGEST_SIZE];
	uint8_t reserved[56];
	struct index_format_section sections[INDEX_FORMAT_SECTION_COUNT_MAX];
	uint8_t padding[2424];
	uint8_t hash[8]; /* XXH3-64 of all bytes before */
};
static_assert(sizeof(struct index_format_header) == INDEX_FORMAT_HEADER_SIZE,
	      "section 2.1");

/* Section 4.3 */
struct index_format_blob {
	uint8_t digest[DIGEST_SIZE];
	uint8_t diff_id[DIGEST_SIZE];
	uint8_t size[8];
	uint8_t raw_size[8];
	uint8_t window_off[8]; /* of the blob's windows, in WINDOW */
	uint8_t window_size[8];
	uint8_t first_chunk[4];
	uint8_t chunk_count[4];
};
static_assert(sizeof(struct index_format_blob) == 104, "section 4.3");

/* Section 5.1 */
struct index_format_owner {
	uint8_t uid[4];
	uint8_t gid[4];
};
static_assert(sizeof(struct index_format_owner) == 8, "section 5.1");

/* Section 5.2 */
enum { INDEX_FORMAT_INODE_EXTENTS = 1 }; /* inode flags */

struct index_format_inode {
	uint8_t mode[2];
	uint8_t flags[2];
	uint8_t owner[4]; /* number of an owner */
	uint8_t nlink[4];
	uint8_t xattr[4]; /* 0, or 1 + offset in XATTR */
	uint8_t size[8];
	uint8_t mtime_s[8];
	uint8_t mtime_ns[4];
	uint8_t parent[4];
	uint8_t data[8]; /* by type */
};
static_assert(sizeof(struct index_format_inode) == 48, "section 5.2");

/* Section 5.3 */
struct index_format_dirent {
	uint8_t inode[4];
	uint8_t name_off[4]; /* in NAMES */
};
static_assert(sizeof(struct index_format_dirent) == 8, "section 5.3");

/* Section 5.6 */
struct index_format_xattr {
	uint8_t value_size[4];
	uint8_t name_size;
	/* then the name, then the value */
};
static_assert(sizeof(struct index_format_xattr) == 5, "section 5.6");

/* Section 5.7 */
struct index_format_extent {
	uint8_t file_off[8];
	uint8_t size[8];
	uint8_t place[8]; /* blob:16 | raw_off:48 */
};
static_assert(sizeof(struct index_format_extent) == 24, "section 5.7");

/* Section 6.1 */
struct index_format_chunk {
	uint8_t raw_off[8];
	uint8_t stored_off[8];
	uint8_t stored_size[4];
	uint8_t raw_size[4];
	uint8_t window_off[4]; /* within the blob's windows */
	uint8_t window_size[2];
	uint8_t codec;
	uint8_t bits; /* start_bit | end_bit << 4 */
};
static_assert(sizeof(struct index_format_chunk) == 32, "section 6.1");

/* Section 6.2 */
struct index_format_chunk_digest {
	uint8_t stored[DIGEST_SIZE];
	uint8_t window[16];
};
static_assert(sizeof(struct index_format_chunk_digest) == 48, "section 6.2");

/* A place in an image's uncompressed layers, section 5.7: blob:16 (the upper
 * bits) and raw_off:48. */
static inline uint64_t index_format_place(uint32_t blob, uint64_t raw_off)
{
	assert(blob < INDEX_FORMAT_BLOB_COUNT_MAX);
	assert(raw_off <= INDEX_FORMAT_RAW_OFF_MAX);
	return (uint64_t)blob << 48 | raw_off;
}

static inline uint32_t index_format_place_blob(uint64_t place)
{
	return (uint32_t)(place >> 48);
}

static inline uint64_t index_format_place_raw_off(uint64_t place)
{
	return place & INDEX_FORMAT_RAW_OFF_MAX;
}

/** index_format_record_size() - bytes of one record, 1 for plain bytes; 0 for
 * a type that is not known */
static inline uint32_t index_format_record_size(uint32_t type)
{
	static const uint8_t sizes[INDEX_FORMAT_TYPE_COUNT] = {
		[INDEX_FORMAT_MANIFEST] = 1,
		[INDEX_FORMAT_CONFIG] = 1,
		[INDEX_FORMAT_BLOB] = sizeof(struct index_format_blob),
		[INDEX_FORMAT_OWNER] = sizeof(struct index_format_owner),
		[INDEX_FORMAT_INODE] = sizeof(struct index_format_inode),
		[INDEX_FORMAT_DIRENT] = sizeof(struct index_format_dirent),
		[INDEX_FORMAT_NAMES] = 1,
		[INDEX_FORMAT_SYMLINK] = 1,
		[INDEX_FORMAT_XATTR] = 1,
		[INDEX_FORMAT_EXTENT] = sizeof(struct index_format_extent),
		[INDEX_FORMAT_CHUNK] = sizeof(struct index_format_chunk),
		[INDEX_FORMAT_CHUNK_DIGEST] =
			sizeof(struct index_format_chunk_digest),
		[INDEX_FORMAT_WINDOW] = 1,
		[INDEX_FORMAT_HINT] = 1,
	};

	return type < INDEX_FORMAT_TYPE_COUNT ? sizes[type] : 0;
}

/** index_format_compare() - the order of names (sections 5.3, 5.6): by their
 * bytes, a name before its own extensions; below, at or above 0 */
static inline int index_format_compare(const void *a, size_t a_size,
				       const void *b, size_t b_size)
{
	int r = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return r ? r : (a_size > b_size) - (a_size < b_size);
}
