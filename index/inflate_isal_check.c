/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream has what the steps of inflate_isal.c meet: short and long blocks
 * of all three types, block ends close to the target on either side, empty
 * blocks, ends at every bit phase, and input that arrives in pieces.
 */
#include "index/inflate_isal_check.h"

#include "common/cleanup.h"
#include "index/inflate_isal.h"
#include "index/inflate_zlib.h"
#include "index/inflater.h"
#include "index/span_memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	RAW_SIZE = 232 << 10,
	RAW_TARGET = 72 << 10, /* inflate_isal.c needs that much */
	STORED_TARGET = 24 << 10,
	STORED_CAPACITY = 2 * RAW_SIZE,
	PIECE_SIZE = 4 << 10,	/* raw bytes between changes of level */
	ARRIVAL_SIZE = 5 << 10, /* stored bytes that arrive at a time */
	SMALLEST_MEM_LEVEL = 1, /* a block every 127 symbols */
};

DEFINE_CLEANUP(struct inflater, inflater_destroy);

/* Long runs first, then what compresses by a third. */
static void fill(uint8_t *raw)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < RAW_SIZE; i++) {
		if (i % 8 == 0 || i > RAW_SIZE / 2)
			seed = seed * 1103515245 + 12345;
		raw[i] = (uint8_t)(seed >> (i > RAW_SIZE / 2 ? 27 : 28));
	}
	memset(raw, 'r', RAW_SIZE / 4);
}

/* The stored size, 0 on failure */
static size_t deflate_pieces(z_stream *stream, uint8_t *raw, uint8_t *stored)
{
	static const int levels[] = { 1, 0, 3, 1, 1, 2, 0 };
	static const int flushes[] = { Z_NO_FLUSH, Z_PARTIAL_FLUSH, Z_NO_FLUSH,
				       Z_SYNC_FLUSH, Z_NO_FLUSH };
	int r = Z_OK;

	stream->next_out = stored;
	stream->avail_out = STORED_CAPACITY;
	for (size_t i = 0; i < RAW_SIZE / PIECE_SIZE && r == Z_OK; i++) {
		r = deflateParams(stream, levels[i % 7], Z_DEFAULT_STRATEGY);
		if (r == Z_BUF_ERROR) /* nothing to flush yet */
			r = Z_OK;
		stream->next_in = raw + i * PIECE_SIZE;
		stream->avail_in = PIECE_SIZE;
		if (r == Z_OK)
			r = deflate(stream, flushes[i % 5]);
	}
	if (r == Z_OK)
		r = deflate(stream, Z_FINISH);
	return r == Z_STREAM_END ? STORED_CAPACITY - stream->avail_out : 0;
}

static size_t make_stream(uint8_t *raw, uint8_t *stored)
{
	z_stream stream = { 0 };
	size_t size;

	fill(raw);
	if (deflateInit2(&stream, 1, Z_DEFLATED, -15, SMALLEST_MEM_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	size = deflate_pieces(&stream, raw, stored);
	deflateEnd(&stream);
	return size;
}

struct progress {
	struct inflater *inflater; /* borrowed */
	struct inflater_span span;
	bool is_near;	/* every other span */
	uint64_t bit;	/* of the stream, where the span starts */
	size_t raw_off; /* of the span */
};

/* The next span of the stream; false when it does not come out right. */
static bool decode_span(struct progress *progress, const uint8_t *raw,
			const uint8_t *stored, size_t stored_size)
{
	struct inflater_span *span = &progress->span;
	size_t left = stored_size - progress->bit / 8;
	size_t window = progress->raw_off;
	int r;

	if (window > INFLATER_WINDOW_SIZE)
		window = INFLATER_WINDOW_SIZE;
	*span = (struct inflater_span){
		.stored = stored + progress->bit / 8,
		.start_bit = progress->bit % 8,
		.window = raw + progress->raw_off - window,
		.window_size = window,
		.stored_target = STORED_TARGET,
		.raw_target = RAW_TARGET,
		.is_near = progress->is_near,
	};
	do {
		span->stored_size += ARRIVAL_SIZE;
		if (span->stored_size > left)
			span->stored_size = left;
		r = inflater_run(progress->inflater, span);
	} while (r == INFLATER_NEEDS_INPUT && span->stored_size < left);
	if (r != INFLATER_DONE || span->raw_size > RAW_SIZE - progress->raw_off)
		return false;
	return memcmp(span->raw, raw + progress->raw_off, span->raw_size) == 0;
}

static void advance(struct progress *progress)
{
	progress->bit += progress->span.end_bit - progress->span.start_bit;
	progress->raw_off += progress->span.raw_size;
	progress->is_near = !progress->is_near;
}

static bool compare(struct progress *a, struct progress *b, const uint8_t *raw,
		    const uint8_t *stored, size_t stored_size)
{
	bool is_same;

	do {
		is_same = decode_span(a, raw, stored, stored_size) &&
			  decode_span(b, raw, stored, stored_size) &&
			  a->span.end_bit == b->span.end_bit &&
			  a->span.raw_size == b->span.raw_size &&
			  a->span.is_final == b->span.is_final;
		span_memory_give(a->span.raw);
		span_memory_give(b->span.raw);
		a->span.raw = NULL;
		b->span.raw = NULL;
		if (is_same) {
			advance(a);
			advance(b);
		}
	} while (is_same && !a->span.is_final);
	return is_same && a->raw_off == RAW_SIZE;
}

static bool check(void)
{
	CLEANUP(inflater_destroyp) struct inflater *isal = NULL;
	CLEANUP(inflater_destroyp) struct inflater *zlib = NULL;
	autofree uint8_t *raw = malloc(RAW_SIZE);
	autofree uint8_t *stored = malloc(STORED_CAPACITY);
	struct progress a = { 0 };
	struct progress b = { 0 };
	size_t stored_size;

	if (!raw || !stored)
		return false;
	stored_size = make_stream(raw, stored);
	if (stored_size == 0 || inflate_isal_create_unchecked(&isal) < 0 ||
	    inflate_zlib_create(&zlib) < 0)
		return false;
	a.inflater = isal;
	b.inflater = zlib;
	return compare(&a, &b, raw, stored, stored_size);
}

bool inflate_isal_check(void)
{
	/* A one-way flag: two threads that meet here both find the same. */
	static atomic_int known;
	enum { UNKNOWN, WORKS, BROKEN };
	int result = atomic_load_explicit(&known, memory_order_relaxed);

	if (result == UNKNOWN) {
		result = check() ? WORKS : BROKEN;
		atomic_store_explicit(&known, result, memory_order_relaxed);
	}
	return result == WORKS;
}
