/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hash_avx2: XXH3 for processors with AVX2: 25 GB/s from memory where the
 * system's library, built for any x86-64, comes to 15.  Internal to hash.c.
 *
 * Threads: any; no state.
 */
#include "common/hash.h"

/** hash_avx2_128() - on a processor that has AVX2; x86-64 only */
struct hash128 hash_avx2_128(const void *data, size_t size);
