/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * path_rest: what remains of a path while it is walked, in a fixed buffer.
 *
 * The rest is kept at the buffer's end: a component is taken off by moving
 * the start forward, a symlink's target put before the rest by moving it
 * back.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stddef.h>

struct path_rest {
	char *buffer; /* borrowed */
	size_t capacity;
	size_t pos; /* where the rest starts; it is empty or starts with '/' */
};

struct path_rest_component {
	const char *name; /* no '/', not empty; until the next push */
	size_t size;
	bool is_last;
	bool must_be_dir; /* a '/' follows */
};

void path_rest_init(struct path_rest *rest, char *buffer, size_t capacity);

/** path_rest_push() - put a path before the rest; 0 or -ENAMETOOLONG */
int path_rest_push(struct path_rest *rest, const void *path, size_t size);

/** path_rest_pop() - take the next component off
 *
 * Return: false at the end, then @ret still says whether the last one must be
 * a directory.
 */
bool path_rest_pop(struct path_rest *rest, struct path_rest_component *ret);

/** path_rest_is() - whether a component is this text, as "." and ".." are */
bool path_rest_is(const struct path_rest_component *component,
		  const char *text);
