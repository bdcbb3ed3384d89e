/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hash: XXH3, against bit rot and for hash tables; never against an attacker.
 *
 * Threads: any; no state.
 */
#include <stddef.h>
#include <stdint.h>
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
