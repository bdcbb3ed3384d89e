/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layer_decoder: a layer's stored bytes, cut into spans that decode on their
 * own, with their raw bytes; in one pass.
 *
 * What is understood: tar, in chunks of LAYER_SPAN_TAR_SIZE; gzip (RFC
 * 1952), with one or many members (pigz, pgzip, concatenated files), empty
 * members, zero padding after the last.  Any other byte behind the last member
 * is refused (gzip(1) ignores such garbage with a warning, Go refuses it).
 * What it is, is told from the first bytes, whatever the media type says; what
 * has none of the known magic numbers passes for tar.
 *
 * A gzip span is cut at a deflate block's end: after LAYER_SPAN_STORED_SIZE
 * stored or LAYER_SPAN_RAW_SIZE raw bytes, where what a starting program may
 * read begins or ends, and always at a member's end; what it is unlikely to
 * read is cut at the larger sizes (span_joiner.h; figures in docs/figures.md).
 * A block so long that the span passes CHUNK_RAW_SIZE_MAX or
 * CHUNK_STORED_SIZE_MAX is refused (-EFBIG).
 *
 * Threads: one at a time; blocks as long as the stream does.
 */
#include "common/chunk_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_stream;
struct error;
struct layer_decoder; /* opaque */

enum {
	LAYER_SPAN_STORED_SIZE = 110 << 10,
	LAYER_SPAN_RAW_SIZE = 440 << 10,
	/* what spans are made of */
	LAYER_SPAN_UNIT_STORED_SIZE = 16 << 10,
	LAYER_SPAN_UNIT_RAW_SIZE = 96 << 10,
	/* what is smaller is too small for a span of its own */
	LAYER_SPAN_MIXED_STORED_SIZE = 48 << 10,
	/* within files of LAYER_SPAN_LARGE_FILE_SIZE and more */
	LAYER_SPAN_LARGE_STORED_SIZE = 340 << 10,
	LAYER_SPAN_LARGE_RAW_SIZE = 1360 << 10,
	LAYER_SPAN_LARGE_FILE_SIZE = 16 << 20,
	/* where a starting program is unlikely to read (span_joiner.h) */
	LAYER_SPAN_COLD_STORED_SIZE = 1 << 20,
	LAYER_SPAN_COLD_RAW_SIZE = 4 << 20,
	LAYER_SPAN_TAR_SIZE = 256 << 10, /* of a tar that is not compressed */
};

/* Hand it from thread to thread, then layer_span_destroy(), which may be after
 * the decoder's end. */
struct layer_span {
	/* Blob bytes from @bytes_off on, as @raw from span_memory.h.  The first
	 * @seen_size of them were already part of the span before (0 or 1: a
	 * shared byte), so that the unseen parts of all spans, in order, are
	 * the blob. */
	uint8_t *bytes;
	size_t bytes_size;
	uint64_t bytes_off;
	size_t seen_size;

	bool has_chunk; /* false: headers, trailers, padding only */
	/* With has_chunk: sizes, codec, bits; digest and window left zero.
	 * Stored bytes are bytes + (ref.stored_off - bytes_off). */
	struct chunk_ref ref;
	uint64_t raw_off; /* in the uncompressed layer */
	uint8_t *raw;	  /* ref.raw_size bytes; of CODEC_RAW, @bytes */
	uint8_t *window;  /* up to 32 KiB of raw bytes before, or NULL */
	size_t window_size;
};

void layer_span_destroy(struct layer_span *span);

/**
 * layer_span_encode_window() - the window this span needs, sparse, compressed
 * @ret_data: room for CHUNK_WINDOW_SIZE_MAX bytes
 *
 * Marks the window bytes that the span's matches reach (by decoding lengths
 * and distances of the span's first 32 KiB), zeroes the rest and encodes.
 *
 * Return: bytes written, 0 when the span reaches for none, -ENOMEM, -EBADMSG
 * (the stored bytes are not what the decoder handed out).
 */
int layer_span_encode_window(const struct layer_span *span, void *ret_data);

/**
 * layer_decoder_create() - start decoding
 * @stream:   borrowed until destroy
 * @use_isal: inflate by ISA-L where built in; zlib otherwise.  Both cut at the
 *            same places and give the same spans.
 *
 * Return: 0, -ENOMEM.
 */
int layer_decoder_create(struct byte_stream *stream, bool use_isal,
			 struct layer_decoder **ret, struct error *err);
void layer_decoder_destroy(struct layer_decoder *decoder);

/**
 * layer_decoder_next() - the next span
 *
 * Return: 1 with a span the caller owns, 0 at the end; -EBADMSG (corrupt or
 * truncated: @err says where), -ENOTSUP (zstd, xz, bzip2: @err names it and
 * says what to do), -EFBIG, -ENOMEM, or what the stream said.  After an error
 * every further call gives the same code.
 */
int layer_decoder_next(struct layer_decoder *decoder, struct layer_span **ret,
		       struct error *err);
