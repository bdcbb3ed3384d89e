/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * codec: stored bytes of one chunk into raw bytes.
 *
 * CODEC_DEFLATE_SPAN is the one of our own: a run of whole deflate blocks
 * (RFC 1951) cut out of a gzip member, starting at bit `start_bit` of the
 * first byte and ending after bit `end_bit` of the last, with up to 32 KiB of
 * window before it.  It is decoded with libdeflate through a synthesized
 * stream: a stored block that carries the window, empty blocks that bring the
 * bit position to start_bit, the span's bits, a final empty block when the
 * span does not end with the member's final block (reference: indexing.md
 * section 1.5, recipe 3).
 *
 * Threads: a struct codec belongs to one thread at a time; make one per worker.
 */
#include "common/chunk_ref.h"

#include <stddef.h>
#include <stdint.h>

struct codec_context; /* opaque: decoders and scratch memory */

/** codec_context_create() - NULL when out of memory; scratch grows on use */
struct codec_context *codec_context_create(void);
void codec_context_destroy(struct codec_context *context);

/**
 * codec_decode() - decode one chunk
 * @ref:         sizes, codec and bit positions; bounds as chunk_ref.h states
 * @stored:      ref->stored_size bytes, already verified where a digest exists
 * @window:      encoded window (sparse_window.h), ref->window_size bytes;
 *               NULL when that is 0
 * @ret_raw:     room for ref->raw_size bytes
 *
 * Accepts only bytes that decode to exactly ref->raw_size bytes (with
 * CHUNK_END_PREFIX at least so many) and use up the stored bytes.  Hostile
 * input costs bounded time and memory.
 *
 * Return: 0, -EBADMSG (does not decode to that), -ENOTSUP (codec not built
 * in), -ENOMEM.
 */
int codec_decode(struct codec_context *context, const struct chunk_ref *ref,
		 const void *stored, const void *window, void *ret_raw);
