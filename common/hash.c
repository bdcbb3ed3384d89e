/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hash.h"

#include "common/cpu.h"
#include "common/hash_avx2.h"

struct hash128 hash_xxh3_128(const void *data, size_t size)
{
	XXH128_hash_t hash;

#ifdef __x86_64__
	if (cpu_has_avx2())
		return hash_avx2_128(data, size);
#endif
	hash = XXH3_128bits(data, size);
	return (struct hash128){ .low = hash.low64, .high = hash.high64 };
}
