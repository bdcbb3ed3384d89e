/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * byte_source and byte_stream: where index/ meets fetch/ without either
 * knowing the other.
 *
 * A byte_source answers "read `size` bytes at `off`" of something with a known
 * size; a byte_stream hands out a blob from its first byte to its last.  Both
 * may block up to the deadline of whoever made them, never longer.
 *
 * Threads: one caller at a time unless the maker says more.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct byte_source;
struct byte_stream;

struct byte_source_ops {
	/* 0 with exactly @size bytes in @ret_data, or negative errno with
	 * @err set; [off, off + size) lies within the source */
	int (*read)(struct byte_source *source, uint64_t off, size_t size,
		    void *ret_data, struct error *err);
	void (*destroy)(struct byte_source *source);
};

/* First member of every implementation's struct. */
struct byte_source {
	const struct byte_source_ops *ops;
	uint64_t size; /* bytes, fixed for the source's life */
};

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

/**
 * byte_source_read() - read at an offset
 *
 * Return: 0, -EINVAL when the range leaves the source, or what the source
 * says (-EIO, -ETIMEDOUT, -EBADMSG ...), with @err set.
 */
int byte_source_read(struct byte_source *source, uint64_t off, size_t size,
		     void *ret_data, struct error *err);

/** byte_source_destroy() - NULL is allowed */
void byte_source_destroy(struct byte_source *source);

/**
 * byte_source_open_file() - a local regular file as a source
 * @fd: stays the caller's; must outlive the source
 *
 * Any number of threads may read it.  Return: 0, -EINVAL (not a regular
 * file), -ENOMEM.
 */
int byte_source_open_file(int fd, struct byte_source **ret, struct error *err);

/** byte_stream_read() - the next bytes; 0 means the end */
ssize_t byte_stream_read(struct byte_stream *stream, void *ret_data,
			 size_t size, struct error *err);

/** byte_stream_destroy() - may be called before the end; NULL is allowed */
void byte_stream_destroy(struct byte_stream *stream);
