/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hash: XXH3, against bit rot and for hash tables; never against an attacker.
 *
 * Threads: any; no state.
 */
#include <stddef.h>
#include <stdint.h>
#define XXH_STATIC_LINKING_ONLY /* a state's size */
#include <xxhash.h>

static inline uint64_t hash_xxh3(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

struct hash128 {
	uint64_t low;
	uint64_t high;
};

/** hash_xxh3_128() - every chunk that is read from the cache passes here: by
 * AVX2 where the processor has it */
struct hash128 hash_xxh3_128(const void *data, size_t size);

/* The same of bytes that come in parts, in place. */
struct hash_stream {
	XXH3_state_t state;
};

void hash_stream_init(struct hash_stream *stream);
void hash_stream_add(struct hash_stream *stream, const void *data, size_t size);

/** hash_stream_sum() - hash_xxh3_128() of all that was added */
struct hash128 hash_stream_sum(const struct hash_stream *stream);
