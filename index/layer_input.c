/* SPDX-License-Identifier: Apache-2.0 */
#include "index/layer_input.h"

#include "common/byte_stream.h"
#include "common/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Spans are some 110 KiB: several fit, so that what is left of one read is
 * seldom moved. */
enum { CAPACITY_MIN = 1 << 20 };

void layer_input_init(struct layer_input *input, struct byte_stream *stream)
{
	*input = (struct layer_input){ .stream = stream };
}

void layer_input_fini(struct layer_input *input)
{
	free(input->data);
	*input = (struct layer_input){ 0 };
}

/* Room for @size bytes from begin on */
static int reserve(struct layer_input *input, size_t size)
{
	size_t capacity = input->capacity ? input->capacity : CAPACITY_MIN;
	uint8_t *data;

	if (input->begin + size <= input->capacity)
		return 0;
	if (input->begin) {
		memmove(input->data, input->data + input->begin,
			layer_input_size(input));
		input->end -= input->begin;
		input->begin = 0;
	}
	while (capacity < size)
		capacity *= 2;
	if (capacity == input->capacity)
		return 0;
	data = realloc(input->data, capacity);
	if (!data)
		return -ENOMEM;
	input->data = data;
	input->capacity = capacity;
	return 0;
}

int layer_input_fill(struct layer_input *input, size_t size, struct error *err)
{
	ssize_t count;

	if (layer_input_size(input) >= size || input->at_end)
		return 0;
	if (reserve(input, size) < 0)
		return error_set(err, -ENOMEM,
				 "out of memory for %zu bytes of a layer",
				 size);
	while (layer_input_size(input) < size && !input->at_end) {
		count = byte_stream_read(input->stream,
					 input->data + input->end,
					 input->capacity - input->end, err);
		if (count < 0)
			return (int)count;
		assert((size_t)count <= input->capacity - input->end);
		input->end += (size_t)count;
		input->at_end = count == 0;
	}
	return 0;
}

void layer_input_consume(struct layer_input *input, size_t size)
{
	assert(size <= layer_input_size(input));
	input->begin += size;
	input->off += size;
}

void layer_input_unread(struct layer_input *input, size_t size)
{
	assert(size <= input->begin);
	input->begin -= size;
	input->off -= size;
}
