/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Z_BLOCK makes inflate() return after every block; data_type then says how
 * many bits of the last byte are unused (low three bits), whether the block
 * was the last (64) and that we stand between blocks (128).
 */
#include "index/inflate_zlib.h"

#include "index/inflater.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	RAW_DEFLATE = -15, /* windowBits: no wrapper, 32 KiB window */
	UNUSED_BITS = 7,   /* of data_type, see above */
	LAST_BLOCK = 64,
	BLOCK_END = 128,
};

struct zlib_inflater {
	struct inflater inflater;
	z_stream stream;
	size_t used; /* stored bytes that zlib has taken */
	uint8_t history[INFLATER_WINDOW_SIZE];
};

static int zlib_begin(struct inflater *inflater, struct inflater_span *span)
{
	struct zlib_inflater *self = (struct zlib_inflater *)inflater;
	uint64_t start = inflater_start(span);
	int skip = (int)(start % 8);
	int r = inflateReset(&self->stream);
	const uint8_t *history;
	size_t size;

	self->used = start / 8;
	if (r == Z_OK && skip)
		r = inflatePrime(&self->stream, 8 - skip,
				 span->stored[self->used++] >> skip);
	history = inflater_history(span, self->history, &size);
	if (r == Z_OK && size)
		r = inflateSetDictionary(&self->stream, history, (uInt)size);
	return r == Z_OK ? 0 : -ENOMEM;
}

/* 0: went on; INFLATER_NEEDS_INPUT: could not */
static int inflate_to_block_end(struct zlib_inflater *self,
				struct inflater_span *span)
{
	z_stream *stream = &self->stream;
	int r;

	stream->next_in = (uint8_t *)span->stored + self->used;
	stream->avail_in = (uInt)(span->stored_size - self->used);
	stream->next_out = span->raw + span->raw_size;
	stream->avail_out = (uInt)(span->raw_capacity - span->raw_size);
	r = inflate(stream, Z_BLOCK);
	self->used = span->stored_size - stream->avail_in;
	span->raw_size = span->raw_capacity - stream->avail_out;
	switch (r) {
	case Z_OK:
	case Z_STREAM_END:
		return 0;
	case Z_BUF_ERROR:
		return stream->avail_in == 0 && stream->avail_out > 0
			       ? INFLATER_NEEDS_INPUT
			       : 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static int zlib_run(struct inflater *inflater, struct inflater_span *span)
{
	struct zlib_inflater *self = (struct zlib_inflater *)inflater;
	uint64_t bit;
	int type;
	int r;

	for (;;) {
		r = inflater_reserve(span);
		if (r == 0)
			r = inflate_to_block_end(self, span);
		if (r != 0)
			return r;
		type = self->stream.data_type;
		if (!(type & BLOCK_END))
			continue;
		bit = self->used * 8 - (type & UNUSED_BITS);
		if ((type & LAST_BLOCK) || inflater_ends_span(span, bit))
			break;
	}
	span->end_bit = bit;
	span->is_final = type & LAST_BLOCK;
	return INFLATER_DONE;
}

static void zlib_destroy(struct inflater *inflater)
{
	struct zlib_inflater *self = (struct zlib_inflater *)inflater;

	inflateEnd(&self->stream);
	free(self);
}

static const struct inflater_ops zlib_ops = {
	.begin = zlib_begin,
	.run = zlib_run,
	.destroy = zlib_destroy,
};

int inflate_zlib_create(struct inflater **ret)
{
	struct zlib_inflater *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->inflater.ops = &zlib_ops;
	if (inflateInit2(&self->stream, RAW_DEFLATE) != Z_OK) {
		free(self);
		return -ENOMEM;
	}
	*ret = &self->inflater;
	return 0;
}
