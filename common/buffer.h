/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * buffer: bytes that grow, up to a limit that the owner states.
 *
 *	struct buffer buffer CLEANUP(buffer_fini) = BUFFER_INIT(1 << 20);
 *
 * Threads: one at a time.
 */
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *data;	 /* owned; NULL while capacity is 0 */
	size_t size;	 /* bytes in use */
	size_t capacity; /* bytes allocated */
	size_t size_max; /* appending past it is -EFBIG */
};

#define BUFFER_INIT(limit)                                                     \
	{                                                                      \
		.size_max = (limit)                                            \
	}

void buffer_fini(struct buffer *buffer);

/**
 * buffer_append() - copy bytes to the end
 *
 * Return: 0, -EFBIG (past size_max), -ENOMEM.  Untouched on failure.
 */
int buffer_append(struct buffer *buffer, const void *data, size_t size);

/** buffer_reserve() - make room for @size more bytes; errors as append */
int buffer_reserve(struct buffer *buffer, size_t size);

/** buffer_terminate() - put a NUL behind the content without counting it */
int buffer_terminate(struct buffer *buffer);
