/* SPDX-License-Identifier: Apache-2.0 */
#include "index/path_rest.h"

#include <errno.h>
#include <string.h>

void path_rest_init(struct path_rest *rest, char *buffer, size_t capacity)
{
	*rest = (struct path_rest){
		.buffer = buffer,
		.capacity = capacity,
		.pos = capacity,
	};
}

int path_rest_push(struct path_rest *rest, const void *path, size_t size)
{
	if (size > rest->pos)
		return -ENAMETOOLONG;
	rest->pos -= size;
	memcpy(rest->buffer + rest->pos, path, size);
	return 0;
}

bool path_rest_pop(struct path_rest *rest, struct path_rest_component *ret)
{
	const char *end = rest->buffer + rest->capacity;
	const char *p = rest->buffer + rest->pos;

	while (p < end && *p == '/')
		p++;
	ret->name = p;
	while (p < end && *p != '/')
		p++;
	if (p == ret->name)
		return false;
	ret->size = (size_t)(p - ret->name);
	ret->must_be_dir = p < end;
	rest->pos = (size_t)(p - rest->buffer);
	while (p < end && *p == '/')
		p++;
	ret->is_last = p == end;
	return true;
}

bool path_rest_is(const struct path_rest_component *component, const char *text)
{
	return component->size == strlen(text) &&
	       memcmp(component->name, text, component->size) == 0;
}
