/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * memory_stream: a byte_stream over bytes in memory, with reads as small as a
 * test wants them and an error where a test wants one.
 */
#include <stddef.h>
#include <stdint.h>

struct byte_stream;

/**
 * memory_stream_create() - hand out @size bytes
 * @data:      borrowed until the stream is destroyed
 * @read_size: the most one read returns; 0 sets no limit
 *
 * Return: a stream for byte_stream_destroy(); NULL when out of memory.
 */
struct byte_stream *memory_stream_create(const void *data, size_t size,
					 size_t read_size);

/**
 * memory_stream_fail_at() - answer @code instead of reading past @off
 * @code: negative errno, given again on every further read
 */
void memory_stream_fail_at(struct byte_stream *stream, size_t off, int code);

/** memory_stream_read_count() - reads answered so far */
unsigned memory_stream_read_count(const struct byte_stream *stream);
