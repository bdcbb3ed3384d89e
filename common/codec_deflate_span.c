/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdeflate decodes whole streams only, from a byte boundary, without a
 * dictionary.  So the span becomes a whole stream (RFC 1951 section 3.2):
 *
 *	[stored block: the window]     ends at a byte boundary
 *	[empty blocks]                 up to bit start_bit of a byte
 *	[the span's bits]              bytes unchanged, the first one merged
 *	[empty final block]            not reached if the span has a final one
 *
 * An empty block with fixed codes has 10 bits: they reach every even bit.  For
 * odd ones an empty block with codes of its own goes first, of 103 bits.
 */
#include "common/codec_deflate_span.h"

#include "common/chunk_ref.h"
#include "common/le.h"
#include "common/sparse_window.h"

#include <assert.h>
#include <errno.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	STORED_HEADER_SIZE = 5,
	/* (103 + 3 * 10 bits), (7 + 10 bits), rounded up */
	FILLER_SIZE_MAX = 17,
	FINAL_SIZE_MAX = 3,
	STREAM_EXTRA = STORED_HEADER_SIZE + SPARSE_WINDOW_SIZE_MAX +
		       FILLER_SIZE_MAX + FINAL_SIZE_MAX,
	/* Few spans are longer; their scratch memory is not kept. */
	KEPT_SIZE_MAX = 8 << 20,
};

struct writer {
	uint8_t *next;
	uint64_t buffer; /* lowest bit first */
	unsigned count;	 /* bits in it, 0 to 7 between calls */
};

static void put(struct writer *writer, unsigned value, unsigned count)
{
	assert(count <= 16 && value < 1U << count);
	writer->buffer |= (uint64_t)value << writer->count;
	writer->count += count;
	while (writer->count >= 8) {
		*writer->next++ = (uint8_t)writer->buffer;
		writer->buffer >>= 8;
		writer->count -= 8;
	}
}

static void put_empty_block(struct writer *writer, bool is_final)
{
	put(writer, is_final, 1);
	put(writer, 1, 2); /* fixed codes */
	put(writer, 0, 7); /* end of block */
}

/* 103 bits; every code in it is complete, as strict decoders ask. */
static void put_odd_empty_block(struct writer *writer)
{
	/* Code lengths in the order of section 3.2.7: 2 bits for "11 to 138
	 * zeros" (18) and for "0", 1 bit for "1" (last of these 18). */
	static const uint8_t lengths[18] = { [2] = 2, [3] = 2, [17] = 1 };
	static const uint8_t zeros[] = { 138, 107, 11 };

	put(writer, 0, 1);
	put(writer, 2, 2);	   /* codes of its own */
	put(writer, 258 - 257, 5); /* literal and length codes */
	put(writer, 2 - 1, 5);	   /* distance codes */
	put(writer, sizeof(lengths) - 4, 4);
	for (size_t i = 0; i < sizeof(lengths); i++)
		put(writer, lengths[i], 3);
	/* Symbols 0 to 255 have no code. */
	for (size_t i = 0; i < sizeof(zeros); i++) {
		put(writer, 3, 2);
		put(writer, zeros[i] - 11U, 7);
	}
	/* 256, 257 and both distances have codes of length 1. */
	put(writer, 0, 4);
	put(writer, 0, 1); /* end of block, 256 */
}

static void put_stored_header(struct writer *writer, size_t size)
{
	assert(writer->count == 0 && size <= UINT16_MAX);
	writer->next[0] = 0; /* not final, stored, padding */
	le_store16(writer->next + 1, (uint16_t)size);
	le_store16(writer->next + 3, (uint16_t)~size);
	writer->next += STORED_HEADER_SIZE;
}

static void put_fillers(struct writer *writer, unsigned bit)
{
	if (bit % 2)
		put_odd_empty_block(writer);
	while (writer->count != bit)
		put_empty_block(writer, false);
}

/* The span's bits, from where the writer stands. */
static void put_span(struct writer *writer, const struct chunk_ref *ref,
		     const uint8_t *stored)
{
	size_t last = ref->stored_size - 1;
	uint8_t *first = writer->next;

	assert(writer->count == ref->start_bit);
	memcpy(first, stored, ref->stored_size);
	first[0] &= (uint8_t)(0xff << ref->start_bit);
	first[0] |= (uint8_t)writer->buffer;
	writer->next = first + last;
	writer->buffer = 0;
	writer->count = 0;
	put(writer, first[last] & ((1U << ref->end_bit) - 1), ref->end_bit);
}

static int reserve(struct codec_deflate_span_scratch *scratch, size_t size)
{
	uint8_t *data;

	if (size <= scratch->capacity)
		return 0;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	free(scratch->data);
	scratch->data = data;
	scratch->capacity = size;
	return 0;
}

static void trim(struct codec_deflate_span_scratch *scratch)
{
	if (scratch->capacity <= KEPT_SIZE_MAX)
		return;
	free(scratch->data);
	*scratch = (struct codec_deflate_span_scratch){ 0 };
}

struct stream {
	size_t window_size;
	size_t size;	   /* with the span's last byte as the end */
	size_t final_size; /* with the final block as the end */
};

/* Write the whole stream into span->stream. */
static int make_stream(struct codec_deflate_span *span,
		       const struct chunk_ref *ref, const void *stored,
		       const void *window, struct stream *ret)
{
	struct writer writer = { 0 };
	uint8_t *begin;
	int r;

	r = reserve(&span->stream, STREAM_EXTRA + ref->stored_size);
	if (r < 0)
		return r;
	begin = span->stream.data;
	writer.next = begin;
	if (ref->window_size) {
		r = sparse_window_decode(window, ref->window_size,
					 begin + STORED_HEADER_SIZE);
		if (r < 0)
			return r;
		put_stored_header(&writer, (size_t)r);
		writer.next += r;
	}
	ret->window_size = (size_t)r;
	put_fillers(&writer, ref->start_bit);
	ret->size = (size_t)(writer.next - begin) + ref->stored_size;
	put_span(&writer, ref, stored);
	put_empty_block(&writer, true);
	put(&writer, 0, -writer.count % 8);
	ret->final_size = (size_t)(writer.next - begin);
	assert(ret->final_size > ret->size);
	assert(ret->final_size <= span->stream.capacity);
	return 0;
}

static int decode(struct codec_deflate_span *span,
		  struct libdeflate_decompressor *deflate,
		  const struct chunk_ref *ref, const struct stream *stream,
		  uint8_t *ret_output)
{
	size_t capacity = stream->window_size + ref->raw_size;
	size_t in_size;
	size_t out_size;

	if (libdeflate_deflate_decompress_ex(
		    deflate, span->stream.data, stream->final_size, ret_output,
		    capacity, &in_size, &out_size) != LIBDEFLATE_SUCCESS)
		return -EBADMSG;
	if (out_size != capacity ||
	    (in_size != stream->final_size && in_size != stream->size))
		return -EBADMSG;
	return 0;
}

static int decode_stream(struct codec_deflate_span *span,
			 struct libdeflate_decompressor *deflate,
			 const struct chunk_ref *ref,
			 const struct stream *stream, void *ret_raw)
{
	int r;

	if (stream->window_size == 0)
		return decode(span, deflate, ref, stream, ret_raw);
	r = reserve(&span->output, stream->window_size + ref->raw_size);
	if (r == 0)
		r = decode(span, deflate, ref, stream, span->output.data);
	if (r == 0)
		memcpy(ret_raw, span->output.data + stream->window_size,
		       ref->raw_size);
	return r;
}

void codec_deflate_span_fini(struct codec_deflate_span *span)
{
	free(span->stream.data);
	free(span->output.data);
	*span = (struct codec_deflate_span){ 0 };
}

int codec_deflate_span_decode(struct codec_deflate_span *span,
			      struct libdeflate_decompressor *deflate,
			      const struct chunk_ref *ref, const void *stored,
			      const void *window, void *ret_raw)
{
	struct stream stream;
	int r;

	if (ref->start_bit > 7 || ref->end_bit < 1 || ref->end_bit > 8)
		return -EBADMSG;
	r = make_stream(span, ref, stored, window, &stream);
	if (r == 0)
		r = decode_stream(span, deflate, ref, &stream, ret_raw);
	trim(&span->stream);
	trim(&span->output);
	return r;
}
