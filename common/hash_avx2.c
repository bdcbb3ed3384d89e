/* SPDX-License-Identifier: Apache-2.0 */
/* xxHash's own code, from its header, in a file that is compiled with AVX2. */
#define XXH_INLINE_ALL
#include "common/hash_avx2.h"

#ifdef __x86_64__
struct hash128 hash_avx2_128(const void *data, size_t size)
{
	XXH128_hash_t hash = XXH3_128bits(data, size);

	return (struct hash128){ .low = hash.low64, .high = hash.high64 };
}
#endif
