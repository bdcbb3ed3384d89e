/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pelican_memory: what a federation and its director said lately, in the
 * node's cache directory, for all processes of the user.
 *
 * One small file an answer, osdf/<SHA-256 of the key>: "<seconds since 1970>
 * <key>\n" and the answer.  Nothing secret is ever stored.  docs/cache.md.
 *
 * Threads: any, and any number of processes: files are replaced atomically.
 */
#include <stdint.h>

enum {
	PELICAN_MEMORY_HIT = 0,
	PELICAN_MEMORY_MISS = 1,
	PELICAN_MEMORY_TEXT_SIZE_MAX = 64 << 10,
	PELICAN_MEMORY_KEY_SIZE = 4096 + 512,
};

/**
 * pelican_memory_load() - an answer that is no older than that
 * @dir_fd: the cache's directory; negative: there is none, a miss
 * @ret:    malloc'ed text
 *
 * What is malformed, of the future or cannot be read is a miss.
 */
int pelican_memory_load(int dir_fd, const char *key, int64_t age_s_max,
			char **ret);

/** pelican_memory_store() - remember, as of now; a failure costs a round trip
 * next time and is not told */
void pelican_memory_store(int dir_fd, const char *key, const char *text);
