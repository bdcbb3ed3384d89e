/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	buffer->data = NULL;
	buffer->size = 0;
	buffer->capacity = 0;
}

static int grow(struct buffer *buffer, size_t need)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	uint8_t *data;

	while (capacity < need)
		capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

int buffer_reserve(struct buffer *buffer, size_t size)
{
	assert(buffer->size <= buffer->size_max);
	if (size > buffer->size_max - buffer->size)
		return -EFBIG;
	if (buffer->size + size <= buffer->capacity)
		return 0;
	return grow(buffer, buffer->size + size);
}

int buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	int r = buffer_reserve(buffer, size);

	if (r < 0)
		return r;
	if (size)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	return 0;
}

int buffer_terminate(struct buffer *buffer)
{
	int r;

	if (buffer->size + 1 > buffer->capacity) {
		r = grow(buffer, buffer->size + 1);
		if (r < 0)
			return r;
	}
	buffer->data[buffer->size] = '\0';
	return 0;
}
