/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_touches.h"

#include <criterion/criterion.h>
#include <unistd.h>

static struct chunk_touches *touches;

static void setup(void)
{
	touches = chunk_touches_create(10);
	cr_assert_not_null(touches);
}

static void teardown(void)
{
	chunk_touches_destroy(touches);
}

TestSuite(chunk_touches, .init = setup, .fini = teardown);

Test(chunk_touches, keeps_the_first_time)
{
	uint32_t first_ms = 99999;
	uint32_t again_ms;

	cr_expect_not(chunk_touches_find(touches, 3, NULL));
	chunk_touches_note(touches, 3);
	cr_assert(chunk_touches_find(touches, 3, &first_ms));
	cr_expect_leq(first_ms, chunk_touches_elapsed_ms(touches));
	usleep(5000);
	chunk_touches_note(touches, 3);
	cr_assert(chunk_touches_find(touches, 3, &again_ms));
	cr_expect_eq(again_ms, first_ms);
	cr_expect_not(chunk_touches_find(touches, 4, NULL));
}

Test(chunk_touches, counts_what_was_expected_and_what_was_not)
{
	struct chunk_touches_counters counters;

	cr_expect(chunk_touches_expect(touches, 1));
	cr_expect_not(chunk_touches_expect(touches, 1), "once only");
	cr_expect(chunk_touches_expect(touches, 2));
	cr_expect(chunk_touches_is_expected(touches, 1));
	cr_expect_not(chunk_touches_find(touches, 1, NULL));
	chunk_touches_note(touches, 1);
	chunk_touches_note(touches, 1);
	chunk_touches_note(touches, 5);
	chunk_touches_note(touches, 6);
	chunk_touches_get_counters(touches, &counters);
	cr_expect_eq(counters.expected, 1);
	cr_expect_eq(counters.others, 2);
	cr_expect(chunk_touches_is_expected(touches, 1), "still");
	cr_expect(chunk_touches_are_expected(touches, 1, 1));
	cr_expect_not(chunk_touches_are_expected(touches, 0, 2));
}

Test(chunk_touches, ignores_numbers_that_are_none)
{
	chunk_touches_note(touches, 10);
	cr_expect_not(chunk_touches_expect(touches, UINT32_MAX));
	cr_expect_not(chunk_touches_is_expected(touches, 10));
	cr_expect_not(chunk_touches_find(touches, 10, NULL));
}
