/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_cache_file: one chunk's file in the cache's directory.  It appears
 * whole or not at all, and what is read of it is checked (chunk_record.h).
 *
 * Threads: any, processes too.
 */
#include <stdint.h>

struct chunk_cache_map;
struct digest;

/** chunk_cache_file_size() - of the file for a chunk of @size bytes */
uint64_t chunk_cache_file_size(uint32_t size);

/**
 * chunk_cache_file_load() - read and check one
 * @path: below @dir_fd; a use is noted in its modification time, at most once
 *        an hour
 *
 * Return: 0; -ENOENT when there is none; another errno when what is there is
 * damaged and should be removed.
 */
int chunk_cache_file_load(int dir_fd, const char *path,
			  const struct digest *key, void *ret_data,
			  uint32_t size);

/**
 * chunk_cache_file_map() - map and check one
 * @ret: to be unmapped from `base`, `size` bytes
 *
 * Return: as load(), and -ENOTSUP where files cannot be mapped: load it.
 */
int chunk_cache_file_map(int dir_fd, const char *path, const struct digest *key,
			 uint32_t size, struct chunk_cache_map *ret);

/**
 * chunk_cache_file_store() - write one; folders are made as needed
 *
 * Return: 0; -ENOSPC (a quota too); -EIO and what else open(2), write(2) and
 * rename(2) say.  Nothing is left behind then.
 */
int chunk_cache_file_store(int dir_fd, const struct digest *key,
			   const void *data, uint32_t size);
