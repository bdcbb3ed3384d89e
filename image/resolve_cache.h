/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * resolve_cache: which manifest a reference meant, and when that was asked.
 *
 * One small file a reference and platform, refs/<SHA-256 of the key>, in the
 * cache's directory: "sha256:<hex> <seconds since 1970> <key>\n".  The key is
 * the canonical reference and the platform; see docs/cache.md.
 *
 * Threads: any, and any number of processes: files are replaced atomically.
 */
#include "common/digest.h"

#include <stdint.h>

struct error;

enum {
	RESOLVE_CACHE_HIT = 0,
	RESOLVE_CACHE_MISS = 1,
};

enum { RESOLVE_CACHE_KEY_SIZE = 1024 };

/**
 * resolve_cache_load() - a manifest's digest, if asked for recently
 * @dir_fd:    the cache's directory
 * @age_s_max: seconds; UINT64_MAX when it can never change
 *
 * What is malformed, of the future or cannot be read is a miss.
 *
 * Return: RESOLVE_CACHE_HIT with @ret set, or RESOLVE_CACHE_MISS.
 */
int resolve_cache_load(int dir_fd, const char *key, uint64_t age_s_max,
		       struct digest *ret);

/**
 * resolve_cache_store() - remember, as of now
 *
 * Return: 0, or the negative errno of making the directory or the file.
 */
int resolve_cache_store(int dir_fd, const char *key,
			const struct digest *digest, struct error *err);
