/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_ref: everything needed to fetch, verify and decode one chunk, and the
 * table of all chunks of an image.  The other place where index/ meets fetch/.
 *
 * A chunk is a range of one blob that decodes on its own.  Chunks of an image
 * are numbered from 0; those of one blob have consecutive numbers in the order
 * of their stored offsets, so that number +- 1 is the neighbour.
 */
#include "common/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

enum {
	/* Bounds that every reader of untrusted chunk tables enforces.  A
	 * deflate block may be long (indexing.md section 9 saw 3.9 MiB raw);
	 * 64 MiB raw still leaves room and cannot exhaust memory. */
	CHUNK_STORED_SIZE_MAX = 32 << 20,
	CHUNK_RAW_SIZE_MAX = 64 << 20,
	CHUNK_WINDOW_SIZE_MAX = 48 << 10, /* encoded, see sparse_window.h */
	CHUNK_WINDOW_DIGEST_SIZE = 16,
	/* The stored bytes may decode to more than raw_size, of which only the
	 * first raw_size count: nothing says how long a SquashFS fragment is,
	 * and its end may be no file's.  To so many bytes at most: */
	CHUNK_END_PREFIX = 1,
	CHUNK_PREFIX_SIZE_MAX = 1 << 20,
};

/* Values are stored in index files (docs/index-format.md): never renumber. */
enum codec {
	CODEC_RAW = 0,		/* stored bytes are the raw bytes */
	CODEC_DEFLATE_SPAN = 1, /* part of a deflate stream, see codec.h */
	CODEC_ZLIB = 2,		/* a whole zlib stream (SquashFS gzip) */
	CODEC_ZSTD = 3,		/* whole zstd frames */
	CODEC_XZ = 4,		/* a whole xz stream */
	CODEC_LZ4 = 5,		/* one bare lz4 block */
};

struct chunk_ref {
	uint32_t blob; /* index in the image's blob list */
	enum codec codec;
	uint64_t stored_off;  /* bytes from the blob's start */
	uint32_t stored_size; /* bytes to fetch, 1 to CHUNK_STORED_SIZE_MAX */
	uint32_t raw_size; /* bytes after decoding, up to CHUNK_RAW_SIZE_MAX */
	uint8_t start_bit; /* CODEC_DEFLATE_SPAN: first bit within the first
			      byte, 0 (lowest) to 7 */
	uint8_t end_bit;   /* CODEC_DEFLATE_SPAN: bits used of the last byte,
			      1 to 8; of other codecs 0 or CHUNK_END_PREFIX */
	uint32_t window_size; /* encoded window bytes, 0 without a window */
	uint64_t window_off;  /* where, within the index's window section */
	struct digest digest; /* SHA-256 of the stored bytes; all zero when
				 nobody has ever computed it */
	/* first 16 bytes of the SHA-256 of the encoded window; zero without */
	uint8_t window_digest[CHUNK_WINDOW_DIGEST_SIZE];
};

struct chunk_table;

struct chunk_table_ops {
	/* 0, or -EBADMSG when the table's entry is not sane */
	int (*get)(const struct chunk_table *table, uint32_t number,
		   struct chunk_ref *ret);
	/* 0 with ref->window_size bytes in ret_data, -EIO, -EBADMSG */
	int (*load_window)(const struct chunk_table *table,
			   const struct chunk_ref *ref, void *ret_data);
};

/* First member of an implementation (index_file).  Immutable: any thread. */
struct chunk_table {
	const struct chunk_table_ops *ops;
	uint32_t count; /* chunks in the image */
	/* What names the image: chunks that have no digest are told apart by
	 * it and their place.  All zero: then they have no name at all. */
	struct digest identity;
};

/**
 * chunk_table_get() - the reference of one chunk
 *
 * Every bound stated at struct chunk_ref holds on success.
 *
 * Return: 0, -EINVAL when @number >= count, -EBADMSG when the index is
 * damaged there.
 */
int chunk_table_get(const struct chunk_table *table, uint32_t number,
		    struct chunk_ref *ret);

/**
 * chunk_table_load_window() - the encoded window a span starts from
 * @ref:      has window_size > 0
 * @ret_data: room for ref->window_size bytes
 *
 * The bytes match ref->window_digest on success.
 *
 * Return: 0, -EBADMSG (digest), -EIO (the index cannot be read).
 */
int chunk_table_load_window(const struct chunk_table *table,
			    const struct chunk_ref *ref, void *ret_data);

/**
 * chunk_ref_key() - the name of the chunk's raw bytes in a cache
 *
 * A SHA-256 over everything that decides them: the digest of the stored
 * bytes, codec, bit positions, raw size and the window's digest.  Two images
 * that share a layer share the key; a window forged by another index gives
 * another key.  Meaningless when ref->digest is all zero: do not call it then.
 */
void chunk_ref_key(const struct chunk_ref *ref, struct digest *ret);

/**
 * chunk_table_get_key() - the name of a chunk's raw bytes in a cache
 *
 * chunk_ref_key() of a chunk with a digest.  Without one, a SHA-256 over the
 * table's identity, the chunk's place and how it decodes: such a key says
 * where bytes came from, not what they are, and is never one of the other
 * sort (docs/cache.md).
 *
 * Return: true; false when the chunk can have no name.
 */
bool chunk_table_get_key(const struct chunk_table *table,
			 const struct chunk_ref *ref, struct digest *ret);
