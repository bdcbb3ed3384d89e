/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_cache_file: one chunk's file in the cache's directory.  It appears
 * whole or not at all, and what is read of it is checked (chunk_record.h).
 *
 * Threads: any, processes too.
 */
#include <stdint.h>

struct digest;

/** chunk_cache_file_size() - of the file for a chunk of @size bytes */
uint64_t chunk_cache_file_size(uint32_t size);

/**
 * chunk_cache_file_open() - one, unchecked but for its size
 * @path:       below @dir_fd
 * @ret_used_s: when a use was last noted in it, seconds since 1970
 *
 * Return: a descriptor; -ENOENT: there is nothing; -EBADMSG: of another size.
 */
int chunk_cache_file_open(int dir_fd, const char *path, uint32_t size,
			  int64_t *ret_used_s);

/** chunk_cache_file_note_use() - in its modification time, at most once an hour
 */
void chunk_cache_file_note_use(int fd, int64_t used_s);

/**
 * chunk_cache_file_load() - read and check one
 * @path: below @dir_fd; a use is noted
 *
 * Return: 0; -ENOENT when there is none; another errno when what is there is
 * damaged and should be removed.
 */
int chunk_cache_file_load(int dir_fd, const char *path,
			  const struct digest *key, void *ret_data,
			  uint32_t size);

/**
 * chunk_cache_file_store() - write one; folders are made as needed
 *
 * Return: 0; -ENOSPC (a quota too); -EIO and what else open(2), write(2) and
 * rename(2) say.  Nothing is left behind then.
 */
int chunk_cache_file_store(int dir_fd, const struct digest *key,
			   const void *data, uint32_t size);
