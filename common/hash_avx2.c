/* SPDX-License-Identifier: Apache-2.0 */
/* xxHash's own code, from its header, in a file that is compiled with AVX2. */
#define XXH_INLINE_ALL
#include "common/hash_avx2.h"

struct hash128 hash_avx2_128(const void *data, size_t size)
{
	XXH128_hash_t hash = XXH3_128bits(data, size);

	return (struct hash128){ .low = hash.low64, .high = hash.high64 };
}

void hash_avx2_init(struct hash_stream *stream)
{
	XXH3_128bits_reset(&stream->state);
}

void hash_avx2_add(struct hash_stream *stream, const void *data, size_t size)
{
	XXH3_128bits_update(&stream->state, data, size);
}

struct hash128 hash_avx2_sum(const struct hash_stream *stream)
{
	XXH128_hash_t hash = XXH3_128bits_digest(&stream->state);

	return (struct hash128){ .low = hash.low64, .high = hash.high64 };
}
