/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_memory.h"

#include "fetch/chunk.h"

#include <criterion/criterion.h>

enum {
	SIZE = 1000,
	COST = SIZE + CHUNK_MEMORY_OVERHEAD,
};

static struct chunk_memory memory;

static void setup(void)
{
	chunk_memory_init(&memory, 4 * COST);
}

static void teardown(void)
{
	chunk_memory_selfcheck(&memory);
	chunk_memory_fini(&memory);
}

TestSuite(chunk_memory, .init = setup, .fini = teardown);

static struct chunk *make(uint32_t number, uint32_t size)
{
	struct chunk *chunk = chunk_create(number, malloc(size + 1), size);

	cr_assert_not_null(chunk);
	return chunk;
}

/* Only the memory holds it afterwards. */
static void insert(uint32_t number, uint32_t size)
{
	struct chunk *chunk = make(number, size);

	chunk_memory_release(chunk_memory_insert(&memory, chunk));
	chunk_unref(chunk);
	chunk_memory_selfcheck(&memory);
}

Test(chunk_memory, finds_what_was_inserted)
{
	insert(7, SIZE);
	cr_assert_not_null(chunk_memory_find(&memory, 7));
	cr_expect_eq(chunk_memory_find(&memory, 7)->number, 7);
	cr_expect_null(chunk_memory_find(&memory, 8));
}

Test(chunk_memory, tells_numbers_of_one_bucket_apart)
{
	insert(7, SIZE);
	insert(7 + CHUNK_MEMORY_BUCKETS, SIZE);
	insert(7 + 2 * CHUNK_MEMORY_BUCKETS, SIZE);
	for (uint32_t i = 0; i < 3; i++)
		cr_expect_eq(
			chunk_memory_find(&memory, 7 + i * CHUNK_MEMORY_BUCKETS)
				->number,
			7 + i * CHUNK_MEMORY_BUCKETS);
	cr_expect_null(
		chunk_memory_find(&memory, 7 + 3 * CHUNK_MEMORY_BUCKETS));
}

Test(chunk_memory, gives_up_the_least_recently_used)
{
	for (uint32_t i = 0; i < 4; i++)
		insert(i, SIZE);
	chunk_memory_find(&memory, 0);
	insert(4, SIZE);
	insert(5, SIZE);
	cr_expect_not_null(chunk_memory_find(&memory, 0));
	cr_expect_null(chunk_memory_find(&memory, 1));
	cr_expect_null(chunk_memory_find(&memory, 2));
	cr_expect_eq(memory.count, 4);
}

Test(chunk_memory, gives_up_several_for_a_large_one)
{
	struct chunk *large = make(9, 3 * SIZE);
	struct chunk *given_up;
	unsigned count = 0;

	for (uint32_t i = 0; i < 4; i++)
		insert(i, SIZE);
	given_up = chunk_memory_insert(&memory, large);
	for (const struct chunk *c = given_up; c; c = c->older)
		count++;
	cr_expect_eq(count, 3);
	chunk_memory_release(given_up);
	cr_expect_not_null(chunk_memory_find(&memory, 3));
	chunk_unref(large);
}

Test(chunk_memory, does_not_take_what_is_larger_than_itself)
{
	insert(0, SIZE);
	insert(1, 5 * SIZE + CHUNK_MEMORY_OVERHEAD * 4);
	cr_expect_null(chunk_memory_find(&memory, 1));
	cr_expect_not_null(chunk_memory_find(&memory, 0));
}

Test(chunk_memory, keeps_the_first_of_two_with_one_number)
{
	struct chunk *first = make(1, SIZE);
	struct chunk *second = make(1, SIZE);

	chunk_memory_release(chunk_memory_insert(&memory, first));
	chunk_memory_release(chunk_memory_insert(&memory, second));
	cr_expect_eq(chunk_memory_find(&memory, 1), first);
	cr_expect_eq(second->refs, 1);
	cr_expect_eq(memory.count, 1);
	chunk_unref(first);
	chunk_unref(second);
}

Test(chunk_memory, lets_holders_keep_what_it_gives_up)
{
	struct chunk *held = make(0, SIZE);

	chunk_memory_release(chunk_memory_insert(&memory, held));
	for (uint32_t i = 1; i < 10; i++)
		insert(i, SIZE);
	cr_expect_null(chunk_memory_find(&memory, 0));
	cr_expect_eq(held->refs, 1);
	chunk_unref(held);
}

Test(chunk_memory, bounds_the_number_of_empty_chunks)
{
	for (uint32_t i = 0; i < 1000; i++)
		insert(i, 0);
	cr_expect_eq(memory.count, 4 * COST / CHUNK_MEMORY_OVERHEAD);
}
