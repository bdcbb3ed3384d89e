/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(buffer, keeps_what_is_appended)
{
	struct buffer buffer = BUFFER_INIT(100000);

	for (unsigned i = 0; i < 10000; i++)
		cr_assert_eq(buffer_append(&buffer, "0123456789", 10), 0);
	cr_assert_eq(buffer.size, 100000);
	for (unsigned i = 0; i < buffer.size; i++)
		cr_assert_eq(buffer.data[i], '0' + i % 10);
	buffer_fini(&buffer);
}

Test(buffer, is_filled_to_its_limit_and_no_further)
{
	struct buffer buffer = BUFFER_INIT(4);

	cr_expect_eq(buffer_append(&buffer, "abc", 3), 0);
	cr_expect_eq(buffer_append(&buffer, "de", 2), -EFBIG);
	cr_expect_eq(buffer.size, 3);
	cr_expect_eq(buffer_append(&buffer, "d", 1), 0);
	cr_expect_eq(buffer_append(&buffer, "", 0), 0);
	cr_expect_eq(buffer_reserve(&buffer, 1), -EFBIG);
	cr_expect_eq(memcmp(buffer.data, "abcd", 4), 0);
	buffer_fini(&buffer);
}

Test(buffer, does_not_wrap_around)
{
	struct buffer buffer = BUFFER_INIT(SIZE_MAX);

	cr_expect_eq(buffer_append(&buffer, "a", 1), 0);
	cr_expect_eq(buffer_reserve(&buffer, SIZE_MAX), -EFBIG);
	cr_expect_eq(buffer.size, 1);
	buffer_fini(&buffer);
}

Test(buffer, is_terminated_even_when_full)
{
	struct buffer buffer = BUFFER_INIT(256);

	cr_expect_eq(buffer_terminate(&buffer), 0);
	cr_expect_str_eq((char *)buffer.data, "");
	for (int i = 0; i < 256; i++)
		cr_assert_eq(buffer_append(&buffer, "x", 1), 0);
	cr_expect_eq(buffer_terminate(&buffer), 0);
	cr_expect_eq(buffer.size, 256);
	cr_expect_eq(strlen((char *)buffer.data), 256);
	buffer_fini(&buffer);
}

Test(buffer, can_be_used_again_after_its_end)
{
	struct buffer buffer = BUFFER_INIT(16);

	cr_expect_eq(buffer_append(&buffer, "first", 5), 0);
	buffer_fini(&buffer);
	cr_expect_null(buffer.data);
	cr_expect_eq(buffer_append(&buffer, "2nd", 3), 0);
	cr_expect_eq(buffer.size, 3);
	buffer_fini(&buffer);
}
