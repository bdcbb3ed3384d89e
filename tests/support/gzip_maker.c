/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/gzip_maker.h"

#include "common/buffer.h"
#include "common/le.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

enum {
	GZIP_WINDOW_BITS = 15 + 16, /* zlib: with a gzip header */
	STEP = 32 << 10,
	RUN_MATCH = 258, /* the longest */
};

/* zlib's output of one call, all of it */
static int drain(z_stream *stream, int flush, struct buffer *buffer)
{
	int r;

	do {
		r = buffer_reserve(buffer, STEP);
		if (r < 0)
			return r;
		stream->next_out = buffer->data + buffer->size;
		stream->avail_out = STEP;
		deflate(stream, flush);
		buffer->size += STEP - stream->avail_out;
	} while (stream->avail_out == 0);
	return 0;
}

static int deflate_all(z_stream *stream, const uint8_t *data, size_t size,
		       const struct gzip_maker_options *options,
		       struct buffer *buffer)
{
	size_t period = options->flush_period ? options->flush_period : size;
	size_t count;
	int r = 0;

	for (size_t off = 0; off < size && r == 0; off += count) {
		count = size - off < period ? size - off : period;
		stream->next_in = (uint8_t *)data + off;
		stream->avail_in = (uInt)count;
		r = drain(stream, options->flush, buffer);
	}
	return r == 0 ? drain(stream, Z_FINISH, buffer) : r;
}

int gzip_maker_append(struct buffer *buffer, const void *data, size_t size,
		      const struct gzip_maker_options *options)
{
	static uint8_t extra[] = "an extra field, which is bytes";
	static uint8_t name[] = "layer.tar";
	static uint8_t comment[] = "a comment";
	gz_header header = { .os = 255,
			     .extra = extra,
			     .extra_len = sizeof(extra),
			     .name = name,
			     .comment = comment,
			     .hcrc = 1 };
	z_stream stream = { 0 };
	int r;

	if (deflateInit2(&stream, options->level, Z_DEFLATED, GZIP_WINDOW_BITS,
			 options->mem_level ? options->mem_level : 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	if (options->has_fields)
		deflateSetHeader(&stream, &header);
	r = deflate_all(&stream, data, size, options, buffer);
	deflateEnd(&stream);
	return r;
}

struct bit_writer {
	struct buffer *buffer;
	uint64_t bits;
	unsigned count;
	int failure;
};

static void put(struct bit_writer *writer, unsigned value, unsigned count)
{
	uint8_t byte;
	int r;

	writer->bits |= (uint64_t)value << writer->count;
	writer->count += count;
	while (writer->count >= 8) {
		byte = (uint8_t)writer->bits;
		r = buffer_append(writer->buffer, &byte, 1);
		if (r < 0)
			writer->failure = r;
		writer->bits >>= 8;
		writer->count -= 8;
	}
}

/* RFC 1951 section 3.2.6; codes go highest bit first, so they are reversed */
static void put_run(struct bit_writer *writer, size_t size)
{
	size_t off = size > 0 ? 1 : 0;

	put(writer, 0, 1);
	put(writer, 1, 2);
	if (size > 0)
		put(writer, 0x0c, 8); /* literal 0: 00110000 */
	for (; off + RUN_MATCH <= size; off += RUN_MATCH)
		put(writer, 0xa3, 8 + 5); /* 285: 11000101; distance 1 */
	for (; off < size; off++)
		put(writer, 0x0c, 8);
	put(writer, 0, 7);
}

static uint32_t crc_of_zeros(size_t size)
{
	static const uint8_t zeros[STEP];
	uLong crc = crc32(0, NULL, 0);

	for (; size > STEP; size -= STEP)
		crc = crc32(crc, zeros, STEP);
	return (uint32_t)crc32(crc, zeros, (uInt)size);
}

static int append_runs(struct buffer *buffer, size_t first, size_t second,
		       size_t empty_count)
{
	static const uint8_t header[10] = { 0x1f, 0x8b, 8, [9] = 255 };
	struct bit_writer writer = { .buffer = buffer };
	uint8_t trailer[8];

	writer.failure = buffer_append(buffer, header, sizeof(header));
	put_run(&writer, first);
	if (second)
		put_run(&writer, second);
	for (size_t i = 0; i < empty_count; i++)
		put(&writer, 1 << 1, 10);
	put(&writer, 1 << 1 | 1, 10);
	put(&writer, 0, -writer.count % 8);
	le_store32(trailer, crc_of_zeros(first + second));
	le_store32(trailer + 4, (uint32_t)(first + second));
	if (writer.failure == 0)
		writer.failure =
			buffer_append(buffer, trailer, sizeof(trailer));
	return writer.failure;
}

int gzip_maker_append_run(struct buffer *buffer, size_t size,
			  size_t empty_count)
{
	return append_runs(buffer, size, 0, empty_count);
}

int gzip_maker_append_two_runs(struct buffer *buffer, size_t first,
			       size_t second)
{
	return append_runs(buffer, first, second, 0);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1103515245U + 12345U;
	return *seed >> 8;
}

static void fill_words(uint8_t *data, size_t size, uint32_t *seed)
{
	static const char words[] = "library python3 /usr/lib/x86_64 import ";

	for (size_t i = 0; i < size;) {
		size_t at = next_random(seed) % (sizeof(words) - 1);
		size_t count = 1 + next_random(seed) % 12;

		for (; count > 0 && i < size; count--)
			data[i++] = (uint8_t)words[at++ % (sizeof(words) - 1)];
	}
}

void gzip_maker_fill(uint8_t *ret_data, size_t size, uint32_t seed)
{
	size_t count;

	for (size_t off = 0; off < size; off += count) {
		uint32_t kind = next_random(&seed) % 8;

		count = 500 + next_random(&seed) % 30000;
		if (count > size - off)
			count = size - off;
		if (kind == 0)
			memset(ret_data + off, (int)(seed >> 24), count);
		else if (kind <= 5)
			fill_words(ret_data + off, count, &seed);
		else
			for (size_t i = off; i < off + count; i++)
				ret_data[i] = (uint8_t)next_random(&seed);
	}
}
