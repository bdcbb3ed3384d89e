/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * codec_deflate_span: CODEC_DEFLATE_SPAN, for codec.c alone; codec.h says what
 * it is.
 *
 * Threads: one at a time.
 */
#include <stddef.h>
#include <stdint.h>

struct chunk_ref;
struct libdeflate_decompressor;

struct codec_deflate_span_scratch {
	uint8_t *data; /* owned */
	size_t capacity;
};

struct codec_deflate_span {
	struct codec_deflate_span_scratch stream; /* what libdeflate reads */
	struct codec_deflate_span_scratch output; /* window, then raw bytes */
};

void codec_deflate_span_fini(struct codec_deflate_span *span);

/**
 * codec_deflate_span_decode() - as codec_decode(), for its own codec
 * @deflate: borrowed
 */
int codec_deflate_span_decode(struct codec_deflate_span *span,
			      struct libdeflate_decompressor *deflate,
			      const struct chunk_ref *ref, const void *stored,
			      const void *window, void *ret_raw);
