/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_content: a file's bytes out of the chunks at hand, verified as they are
 * loaded (fetch/chunk_loader.h).
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stdint.h>

struct chunk_loader;
struct index_file;

/** hot_content_is_complete() - whether every chunk of a regular file is at
 * hand; none is loaded */
bool hot_content_is_complete(const struct index_file *index,
			     struct chunk_loader *loader, uint32_t inode);

/**
 * hot_content_write() - write a regular file's bytes
 * @may_fetch: chunks that are not at hand are fetched
 * @fd: an empty file; holes stay holes
 *
 * Return: 0; -ENODATA (a chunk is not at hand, or cannot be fetched); -EBADMSG
 * (the index is damaged); -ENOMEM, -ENOSPC and what else write(2) says.
 */
int hot_content_write(const struct index_file *index,
		      struct chunk_loader *loader, uint32_t inode,
		      uint64_t size, bool may_fetch, int fd);
