/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hash.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* The library that the records of older caches were made by is the oracle. */
static void expect_same(const uint8_t *data, size_t size)
{
	XXH128_hash_t expected = XXH3_128bits(data, size);
	struct hash128 hash = hash_xxh3_128(data, size);

	cr_assert_eq(hash.low, expected.low64, "low half, %zu bytes", size);
	cr_assert_eq(hash.high, expected.high64, "high half, %zu bytes", size);
}

Test(hash, is_the_librarys_whatever_the_processor)
{
	enum { SIZE = 3 << 20 };
	uint8_t *data = malloc(SIZE);

	cr_assert(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t size = 0; size < 2500; size++)
		expect_same(data + size % 7, size);
	expect_same(data, 456 << 10);
	expect_same(data + 64, SIZE - 64);
	expect_same(data + 1, SIZE - 1);
	free(data);
}
