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

static void expect_same_in_parts(const uint8_t *data, size_t size, size_t part)
{
	struct hash128 whole = hash_xxh3_128(data, size);
	struct hash_stream stream;
	struct hash128 sum;

	hash_stream_init(&stream);
	for (size_t done = 0; done < size; done += part)
		hash_stream_add(&stream, data + done,
				size - done < part ? size - done : part);
	sum = hash_stream_sum(&stream);
	cr_assert_eq(sum.low, whole.low, "%zu bytes by %zu", size, part);
	cr_assert_eq(sum.high, whole.high, "%zu bytes by %zu", size, part);
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

Test(hash, of_parts_is_that_of_the_whole)
{
	enum { SIZE = 300000 };
	uint8_t *data = malloc(SIZE);

	cr_assert(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t size = 0; size < 1500; size += 7)
		expect_same_in_parts(data, size, 1 + size % 300);
	expect_same_in_parts(data, SIZE, SIZE);
	expect_same_in_parts(data, SIZE, 64 << 10);
	expect_same_in_parts(data + 3, SIZE - 3, 999);
	free(data);
}
