/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * byte_stream: a blob from its first byte to its last: where index/ meets
 * fetch/ without either knowing the other.
 *
 * Reading may block up to the deadline of whoever made the stream, never
 * longer.
 *
 * Threads: one caller at a time unless the maker says more.
 */
#include <stddef.h>
#include <sys/types.h>

struct error;
struct byte_stream;

struct byte_stream_ops {
	/* 1 to @size bytes, 0 at the end, or negative errno with @err set */
	ssize_t (*read)(struct byte_stream *stream, void *ret_data, size_t size,
			struct error *err);
	void (*destroy)(struct byte_stream *stream);
};

/* First member of every implementation's struct. */
struct byte_stream {
	const struct byte_stream_ops *ops;
};

/** byte_stream_read() - the next bytes; 0 means the end */
ssize_t byte_stream_read(struct byte_stream *stream, void *ret_data,
			 size_t size, struct error *err);

/** byte_stream_destroy() - may be called before the end; NULL is allowed */
void byte_stream_destroy(struct byte_stream *stream);
