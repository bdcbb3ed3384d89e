/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gzip_maker: gzip members with the block structure that a test wants.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

struct gzip_maker_options {
	int level;	     /* zlib's 0 to 9 */
	int mem_level;	     /* zlib's 1 (tiny blocks) to 9; 0 means 8 */
	int flush;	     /* zlib's Z_SYNC_FLUSH and so on ... */
	size_t flush_period; /* ... after so many raw bytes; 0: never */
	bool has_fields;     /* a header with every optional field */
};

/**
 * gzip_maker_append() - one member, made by zlib
 *
 * Return: 0, -ENOMEM, -EFBIG (the buffer's limit).
 */
int gzip_maker_append(struct buffer *buffer, const void *data, size_t size,
		      const struct gzip_maker_options *options);

/**
 * gzip_maker_append_run() - one member, of zero bytes
 *
 * One block (fixed codes) of @size zeros, however many; then @empty_count
 * empty blocks of 10 bits, then an empty final block.
 *
 * Return: 0, -ENOMEM, -EFBIG.
 */
int gzip_maker_append_run(struct buffer *buffer, size_t size,
			  size_t empty_count);

/** gzip_maker_append_two_runs() - the same, of two blocks and no empty ones */
int gzip_maker_append_two_runs(struct buffer *buffer, size_t first,
			       size_t second);

/**
 * gzip_maker_fill() - bytes that compress like a layer's do
 *
 * Words, long runs and noise; the same for the same @seed.
 */
void gzip_maker_fill(uint8_t *ret_data, size_t size, uint32_t seed);
