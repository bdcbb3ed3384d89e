/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * profile_store: profiles kept in the cache, one file per image, named by the
 * manifest's digest: profiles/<64 hex>.lzp (docs/profile-format.md).
 *
 * Replaced whole, by renaming.  Of two jobs that end at once one may be lost:
 * the next run brings it back.
 *
 * Threads: any.
 */
#include "common/digest.h"

struct error;
struct profile;

/**
 * profile_store_load() - what is known of an image
 * @ret: to be released by profile_fini()
 *
 * Return: 0, -ENOENT (nothing, or it was damaged and has been removed), or the
 * read's errno with @err.
 */
int profile_store_load(int cache_dir_fd, const struct digest *manifest,
		       struct profile *ret, struct error *err);

/** profile_store_save() - replace it; 0 or the write's errno with @err */
int profile_store_save(int cache_dir_fd, const struct profile *profile,
		       struct error *err);

/** profile_store_remove() - 0 or -ENOENT */
int profile_store_remove(int cache_dir_fd, const struct digest *manifest);
