/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * io: system calls done whole.  EINTR is retried, short counts are continued.
 * Threads: any.
 */
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/** io_pread_full() - exactly @size bytes; -ENODATA when the file is shorter */
int io_pread_full(int fd, uint64_t off, size_t size, void *ret_data);

/** io_write_full() - all of @data; 0 or the write's negative errno */
int io_write_full(int fd, const void *data, size_t size);

/**
 * io_read_file() - append a whole regular file to @buffer
 *
 * Return: 0, the open's negative errno (-ENOENT ...), -EFBIG past the
 * buffer's limit, -ENOMEM.  @err gets a sentence naming @path.
 */
int io_read_file(int dir_fd, const char *path, struct buffer *buffer,
		 struct error *err);

/**
 * io_write_file_atomic() - replace @path by a file with these bytes
 *
 * Written under a temporary name beside it, mode 0600, then renamed: a reader
 * sees the old bytes or all the new ones; after kill -9 at most a file named
 * ".tmp-*" is left, which cache gc removes.
 */
int io_write_file_atomic(int dir_fd, const char *path, const void *data,
			 size_t size, struct error *err);

/**
 * io_mkdir_all() - mkdir -p with @mode for what is created
 *
 * Return: 0 with a directory at @path, or -EINVAL (empty), -ENAMETOOLONG,
 * -ENOTDIR and what else mkdir says.
 */
int io_mkdir_all(const char *path, unsigned mode, struct error *err);
