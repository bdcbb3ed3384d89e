/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_record: the form of one chunk's file in the cache (docs/cache.md,
 * "Records"): a header of 64 bytes, then the raw bytes.
 *
 *	 0  4  magic "LZRC"
 *	 4  4  version, 1
 *	 8 32  key (chunk_table_get_key())
 *	40  8  raw size
 *	48 16  XXH3-128 of the raw bytes, low half first
 *
 * All numbers are little-endian.  Every byte of a record is checked: the header
 * against what the reader expects, the rest against the hash.
 *
 * Threads: any; no state.
 */
#include "common/hash.h"

#include <stdint.h>

struct digest;

enum {
	CHUNK_RECORD_HEADER_SIZE = 64,
	CHUNK_RECORD_VERSION = 1,
};

/** chunk_record_encode() - the header for these raw bytes */
void chunk_record_encode(const struct digest *key, const void *data,
			 uint32_t size,
			 uint8_t ret_header[CHUNK_RECORD_HEADER_SIZE]);

/**
 * chunk_record_check() - whether header and bytes are what was asked for
 * @key, @size: what the reader expects
 *
 * Return: 0, or -EBADMSG (another version, key or size, or damaged bytes).
 */
int chunk_record_check(const uint8_t header[CHUNK_RECORD_HEADER_SIZE],
		       const struct digest *key, const void *data,
		       uint32_t size);

/** chunk_record_check_sum() - the same of bytes that were hashed already
 * @sum: of all @size of them */
int chunk_record_check_sum(const uint8_t header[CHUNK_RECORD_HEADER_SIZE],
			   const struct digest *key, uint32_t size,
			   struct hash128 sum);
