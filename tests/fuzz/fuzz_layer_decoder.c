/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a blob.  The layer decoder takes it whole; then both inflaters
 * take it as a bare deflate stream with small targets, where they must cut at
 * the same bit wherever both find it valid.
 */
#include "index/layer_decoder.h"

#include "common/byte_stream.h"
#include "index/inflate_isal.h"
#include "index/inflate_zlib.h"
#include "index/inflater.h"
#include "index/span_memory.h"
#include "tests/support/memory_stream.h"

#include <stdlib.h>
#include <string.h>

enum {
	RAW_SIZE_MAX = 16 << 20, /* a few KiB inflate to GiB */
	RAW_TARGET = 72 << 10,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_span(const struct layer_span *span, uint64_t *off,
		       uint64_t *raw_off)
{
	static uint8_t window[CHUNK_WINDOW_SIZE_MAX];

	check(span->bytes_off + span->seen_size == *off);
	check(span->seen_size < 2 && span->bytes_size > span->seen_size);
	check(span->raw_off == *raw_off);
	*off = span->bytes_off + span->bytes_size;
	if (!span->has_chunk)
		return;
	*raw_off += span->ref.raw_size;
	check(span->ref.raw_size > 0);
	check(span->ref.stored_size > 0);
	check(span->ref.stored_off >= span->bytes_off);
	check(span->ref.stored_off + span->ref.stored_size <= *off);
	check(layer_span_encode_window(span, window) <= CHUNK_WINDOW_SIZE_MAX);
}

static void decode_layer(const uint8_t *data, size_t size, bool use_isal)
{
	struct byte_stream *stream =
		memory_stream_create(data, size, size % 3 ? 0 : 1 + size % 97);
	struct layer_decoder *decoder = NULL;
	struct layer_span *span = NULL;
	uint64_t off = 0;
	uint64_t raw_off = 0;
	int r = 1;

	check(stream);
	check(layer_decoder_create(stream, use_isal, &decoder, NULL) == 0);
	while (r == 1 && raw_off < RAW_SIZE_MAX) {
		r = layer_decoder_next(decoder, &span, NULL);
		if (r != 1)
			break;
		check_span(span, &off, &raw_off);
		layer_span_destroy(span);
	}
	check(r != 0 || off == size);
	layer_decoder_destroy(decoder);
	byte_stream_destroy(stream);
}

/* A span, or what follows the one that @span is */
static int inflate_span(struct inflater *inflater, struct inflater_span *span,
			const uint8_t *data, size_t size)
{
	size_t arrival = 1 + size / 3;
	int r;

	span->stored = data;
	span->stored_target = (size_t)(span->end_bit / 8) + 2 + size / 5;
	span->raw_target = span->raw_size + RAW_TARGET;
	do {
		span->stored_size += arrival;
		if (span->stored_size > size)
			span->stored_size = size;
		r = inflater_run(inflater, span);
	} while (r == INFLATER_NEEDS_INPUT && span->stored_size < size);
	return r;
}

static void compare_inflaters(const uint8_t *data, size_t size)
{
	struct inflater_span a = { .start_bit = size % 8,
				   .is_near = size / 8 % 2 };
	struct inflater_span b = { .start_bit = size % 8 };
	struct inflater *isal = NULL;
	struct inflater *zlib = NULL;

	if (inflate_isal_create(&isal) < 0 || inflate_zlib_create(&zlib) < 0)
		return;
	while (!a.is_final && a.raw_size < RAW_SIZE_MAX &&
	       inflate_span(isal, &a, data, size) == INFLATER_DONE &&
	       inflate_span(zlib, &b, data, size) == INFLATER_DONE) {
		check(a.end_bit == b.end_bit);
		check(a.is_final == b.is_final);
		check(a.raw_size == b.raw_size);
		check(!a.raw_size || !memcmp(a.raw, b.raw, a.raw_size));
	}
	span_memory_give(a.raw);
	span_memory_give(b.raw);
	inflater_destroy(isal);
	inflater_destroy(zlib);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode_layer(data, size, true);
	decode_layer(data, size, false);
	compare_inflaters(data, size);
	return 0;
}
