/* SPDX-License-Identifier: Apache-2.0 */
#include "index/span_memory.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

/* mincore() refuses what is not mapped. */
static bool is_mapped(const void *buffer)
{
	unsigned char residency;

	return mincore((void *)((uintptr_t)buffer & ~(uintptr_t)4095), 4096,
		       &residency) == 0;
}

Test(span_memory, hands_out_again_what_was_given_back)
{
	struct span_memory *memory = span_memory_create();
	uint8_t *first = span_memory_take(memory, 500000);
	uint8_t *second;

	cr_assert(first);
	memset(first, 1, 500000);
	second = span_memory_take(memory, 500000);
	cr_assert(second);
	cr_expect_neq(first, second);
	memset(second, 2, 500000);
	cr_expect_eq(first[499999], 1);
	span_memory_give(first);
	cr_expect_eq(span_memory_take(memory, 480000), first);
	span_memory_give(first);
	span_memory_give(second);
	cr_expect_eq(span_memory_take(memory, 480000), second,
		     "the one used last is the warmest");
	span_memory_give(second);
	span_memory_destroy(memory);
	cr_expect(!is_mapped(first));
	cr_expect(!is_mapped(second));
}

Test(span_memory, keeps_large_blocks_for_large_buffers)
{
	struct span_memory *memory = span_memory_create();
	uint8_t *large = span_memory_take(memory, 4 << 20);
	uint8_t *small;

	cr_assert(large);
	span_memory_give(large);
	small = span_memory_take(memory, 100000);
	cr_expect_neq(small, large);
	cr_expect_eq(span_memory_take(memory, 3 << 20), large);
	span_memory_give(large);
	span_memory_give(small);
	span_memory_destroy(memory);
}

Test(span_memory, lets_no_more_wait_than_it_says)
{
	enum { COUNT = 20, SIZE = 1 << 20 };
	struct span_memory *memory = span_memory_create();
	uint8_t *buffers[COUNT];
	uint8_t *huge = span_memory_take(memory, SPAN_MEMORY_IDLE_SIZE + 1);
	size_t mapped = 0;

	for (size_t i = 0; i < COUNT; i++) {
		buffers[i] = span_memory_take(memory, SIZE);
		cr_assert(buffers[i]);
	}
	for (size_t i = 0; i < COUNT; i++)
		span_memory_give(buffers[i]);
	for (size_t i = 0; i < COUNT; i++)
		mapped += is_mapped(buffers[i]) ? SIZE : 0;
	cr_expect_leq(mapped, SPAN_MEMORY_IDLE_SIZE);
	cr_expect_geq(mapped, SPAN_MEMORY_IDLE_SIZE / 2);
	cr_expect(is_mapped(buffers[COUNT - 1]));
	cr_expect(!is_mapped(buffers[0]), "the first to go was not the oldest");
	cr_assert(huge);
	span_memory_give(huge);
	cr_expect(!is_mapped(huge));
	cr_expect(is_mapped(buffers[COUNT - 1]),
		  "what cannot wait drove out what can");
	span_memory_destroy(memory);
	for (size_t i = 0; i < COUNT; i++)
		cr_expect(!is_mapped(buffers[i]));
}

Test(span_memory, grows_a_buffer_with_what_is_in_it)
{
	struct span_memory *memory = span_memory_create();
	uint8_t *buffer = span_memory_grow(memory, NULL, 0, 1000);

	cr_assert(buffer);
	memset(buffer, 7, 1000);
	buffer = span_memory_grow(memory, buffer, 1000, 300000);
	cr_assert(buffer);
	for (size_t i = 0; i < 1000; i++)
		cr_assert_eq(buffer[i], 7);
	buffer[299999] = 1;
	span_memory_give(buffer);
	span_memory_destroy(memory);
}

Test(span_memory, outlives_its_end_by_its_buffers)
{
	struct span_memory *memory = span_memory_create();
	uint8_t *idle = span_memory_take(memory, 100000);
	uint8_t *first = span_memory_take(memory, 100000);
	uint8_t *second = span_memory_take(memory, 100000);

	cr_assert(idle && first && second);
	span_memory_give(idle);
	span_memory_destroy(memory);
	cr_expect(!is_mapped(idle));
	memset(second, 1, 100000);
	span_memory_give(first);
	cr_expect(!is_mapped(first));
	cr_expect_eq(second[99999], 1);
	span_memory_give(second);
	cr_expect(!is_mapped(second));
}

Test(span_memory, takes_back_what_belongs_to_nobody)
{
	uint8_t *buffer = span_memory_take(NULL, 1);

	cr_assert(buffer);
	*buffer = 1;
	span_memory_give(buffer);
	cr_expect(!is_mapped(buffer));
	span_memory_give(NULL);
	span_memory_destroy(NULL);
}

Test(span_memory, refuses_what_no_size_can_hold)
{
	struct span_memory *memory = span_memory_create();

	cr_expect_null(span_memory_take(memory, SIZE_MAX));
	cr_expect_null(span_memory_take(memory, SIZE_MAX / 2));
	span_memory_destroy(memory);
}
