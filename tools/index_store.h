/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_store: indexes kept in the cache, one file per image, named by the
 * manifest's digest: index/<64 hex>.lzi, sections raw, ready to be mapped.
 *
 * Written under a temporary name and renamed.  Layout in docs/cache.md.
 *
 * Threads: any.
 */
#include "common/digest.h"

#include <stdbool.h>

struct error;

/**
 * index_store_open() - the index of an image
 *
 * Marks it as used now (its mtime).  Return: a descriptor, -ENOENT, or the
 * open's errno with @err.
 */
int index_store_open(int cache_dir_fd, const struct digest *manifest,
		     struct error *err);

/**
 * index_store_create() - an empty, unnamed file for a new index
 *
 * Return: a descriptor open for reading and writing, or the errno with @err
 * (-ENOSPC, -EROFS, ...).
 */
int index_store_create(int cache_dir_fd, struct error *err);

/** index_store_publish() - give a written file its name, replacing another */
int index_store_publish(int cache_dir_fd, int fd, const struct digest *manifest,
			struct error *err);

/** index_store_remove() - 0 or -ENOENT */
int index_store_remove(int cache_dir_fd, const struct digest *manifest);

/* @fd is open for the call only.  Non-zero ends the walk. */
typedef int index_store_walk_fn(void *arg, int fd,
				const struct digest *manifest,
				struct error *err);

/** index_store_walk() - every index there is, in no order */
int index_store_walk(int cache_dir_fd, index_store_walk_fn *fn, void *arg,
		     struct error *err);
