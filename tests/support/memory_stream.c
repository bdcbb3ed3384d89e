/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/memory_stream.h"

#include "common/byte_stream.h"
#include "common/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct memory_stream {
	struct byte_stream stream;
	const uint8_t *data; /* borrowed */
	size_t size;	     /* where reading stops: end or failure */
	size_t off;
	size_t read_size; /* 0: unlimited */
	int code;	  /* answered at @size; 0 is the end */
	unsigned read_count;
};

static ssize_t memory_stream_read(struct byte_stream *stream, void *ret_data,
				  size_t size, struct error *err)
{
	struct memory_stream *memory = (struct memory_stream *)stream;
	size_t left = memory->size - memory->off;

	assert(size > 0);
	memory->read_count++;
	if (left == 0 && memory->code < 0)
		return error_set(err, memory->code,
				 "the stream fails at %zu, as the test asked",
				 memory->off);
	if (size > left)
		size = left;
	if (memory->read_size && size > memory->read_size)
		size = memory->read_size;
	if (size)
		memcpy(ret_data, memory->data + memory->off, size);
	memory->off += size;
	return (ssize_t)size;
}

static void memory_stream_destroy(struct byte_stream *stream)
{
	free(stream);
}

static const struct byte_stream_ops memory_stream_ops = {
	.read = memory_stream_read,
	.destroy = memory_stream_destroy,
};

struct byte_stream *memory_stream_create(const void *data, size_t size,
					 size_t read_size)
{
	struct memory_stream *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->stream.ops = &memory_stream_ops;
	memory->data = data;
	memory->size = size;
	memory->read_size = read_size;
	return &memory->stream;
}

void memory_stream_fail_at(struct byte_stream *stream, size_t off, int code)
{
	struct memory_stream *memory = (struct memory_stream *)stream;

	assert(code < 0);
	assert(off >= memory->off && off <= memory->size);
	memory->size = off;
	memory->code = code;
}

unsigned memory_stream_read_count(const struct byte_stream *stream)
{
	return ((const struct memory_stream *)stream)->read_count;
}
