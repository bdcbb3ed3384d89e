/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hash.h"

#include "common/cpu.h"
#include "common/hash_avx2.h"

#include <stdbool.h>

static bool has_avx2(void)
{
#ifdef __x86_64__
	return cpu_has_avx2();
#else
	return false;
#endif
}

static struct hash128 result(XXH128_hash_t hash)
{
	return (struct hash128){ .low = hash.low64, .high = hash.high64 };
}

struct hash128 hash_xxh3_128(const void *data, size_t size)
{
	if (has_avx2())
		return hash_avx2_128(data, size);
	return result(XXH3_128bits(data, size));
}

void hash_stream_init(struct hash_stream *stream)
{
	if (has_avx2())
		hash_avx2_init(stream);
	else
		XXH3_128bits_reset(&stream->state);
}

void hash_stream_add(struct hash_stream *stream, const void *data, size_t size)
{
	if (has_avx2())
		hash_avx2_add(stream, data, size);
	else
		XXH3_128bits_update(&stream->state, data, size);
}

struct hash128 hash_stream_sum(const struct hash_stream *stream)
{
	if (has_avx2())
		return hash_avx2_sum(stream);
	return result(XXH3_128bits_digest(&stream->state));
}
