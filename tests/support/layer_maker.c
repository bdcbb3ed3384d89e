/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/layer_maker.h"

#include "common/digest.h"
#include "tests/support/tar_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 15 + 16 };

static void describe(struct layer_maker *maker, const struct tar_maker *tar)
{
	digest_compute(maker->stored, maker->stored_size, &maker->layer.digest);
	digest_compute(tar->buffer.data, tar->buffer.size,
		       &maker->layer.diff_id);
	maker->layer.size = maker->stored_size;
}

void layer_maker_init_tar(struct layer_maker *maker,
			  const struct tar_maker *tar)
{
	maker->stored_size = tar->buffer.size;
	maker->stored = malloc(maker->stored_size + 1);
	if (!maker->stored)
		abort();
	memcpy(maker->stored, tar->buffer.data, maker->stored_size);
	describe(maker, tar);
}

static void append_member(struct buffer *stored, uint8_t *data, size_t size)
{
	z_stream stream = { .next_in = data, .avail_in = (uInt)size };
	size_t bound;

	if (deflateInit2(&stream, 6, Z_DEFLATED, GZIP_WINDOW_BITS, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	bound = deflateBound(&stream, size);
	if (buffer_reserve(stored, bound) < 0)
		abort();
	stream.next_out = stored->data + stored->size;
	stream.avail_out = (uInt)bound;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	stored->size += stream.total_out;
	deflateEnd(&stream);
}

void layer_maker_init_gzip(struct layer_maker *maker,
			   const struct tar_maker *tar, size_t member_size)
{
	struct buffer stored = BUFFER_INIT((size_t)1 << 30);
	size_t size = tar->buffer.size;
	size_t off = 0;

	if (member_size == 0)
		member_size = size;
	do {
		size_t left = size - off;
		size_t n = left < member_size ? left : member_size;

		append_member(&stored, tar->buffer.data + off, n);
		off += n;
	} while (off < size);
	maker->stored = stored.data;
	maker->stored_size = stored.size;
	describe(maker, tar);
}

void layer_maker_fini(struct layer_maker *maker)
{
	free(maker->stored);
	maker->stored = NULL;
}

/* Words of a small, seeded vocabulary, now and then a new one. */
void layer_maker_fill(void *ret_data, size_t size, unsigned seed)
{
	uint8_t words[64][8];
	uint8_t *data = ret_data;
	uint32_t state = seed * 2654435761u + 1;

	memset(words, ' ', sizeof(words));
	for (size_t off = 0; off < size;) {
		size_t n = size - off < 8 ? size - off : 8;
		uint8_t *word;

		state = state * 1664525 + 1013904223;
		word = words[state >> 26];
		if ((state >> 20) % 4 == 0)
			memcpy(word, &state, sizeof(state));
		memcpy(data + off, word, n);
		off += n;
	}
}

void layer_maker_add_files(struct tar_maker *tar, const char *folder,
			   unsigned count, size_t size_max)
{
	uint8_t *data = malloc(size_max + 1);
	char path[256];

	if (!data)
		abort();
	snprintf(path, sizeof(path), "%s/", folder);
	tar_maker_add_directory(tar, path);
	for (unsigned i = 0; i < count; i++) {
		size_t size = (size_t)i * 7919 % (size_max + 1);

		layer_maker_fill(data, size, i + 1);
		snprintf(path, sizeof(path), "%s/file%u", folder, i);
		tar_maker_add_file(tar, path, data, size);
	}
	free(data);
}
