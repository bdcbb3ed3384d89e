/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_table.h"

#include "common/buffer.h"
#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { INODES = 1000 };

static struct hint_record records[] = {
	{ .inode = 1, .first_target = 0, .target_count = 3 },
	{ .inode = 7,
	  .first_target = 3,
	  .target_count = 0,
	  .first_extent = 0,
	  .extent_count = 2 },
	{ .inode = INODES,
	  .first_target = 3,
	  .target_count = 2,
	  .first_extent = 2,
	  .extent_count = 1 },
};
static uint32_t targets[] = { INODES, 2, 500, 1, 999 };
static struct hint_extent extents[] = { { 0, 3 }, { 3, 1 }, { 70000, 300 } };
static const struct hint_table table = {
	.records = records,
	.record_count = 3,
	.targets = targets,
	.target_count = 5,
	.extents = extents,
	.extent_count = 3,
};

Test(hint_table, comes_back_as_it_was)
{
	struct buffer bytes = BUFFER_INIT(1000);
	struct hint_table read;

	cr_assert_eq(hint_table_encode(&table, &bytes), 0);
	cr_assert_eq(
		hint_table_decode(bytes.data, bytes.size, INODES, &read, NULL),
		0);
	cr_assert_eq(read.record_count, 3);
	cr_assert_eq(read.target_count, 5);
	cr_assert_eq(read.extent_count, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(read.records[i].inode, records[i].inode);
		cr_expect_eq(read.records[i].target_count,
			     records[i].target_count);
		cr_expect_eq(read.records[i].extent_count,
			     records[i].extent_count);
		cr_expect_eq(read.extents[i].first, extents[i].first);
		cr_expect_eq(read.extents[i].count, extents[i].count);
	}
	cr_expect_arr_eq(read.targets, targets, sizeof(targets));
	cr_expect_eq(hint_table_find(&read, 7)->extent_count, 2);
	cr_expect_eq(hint_table_find(&read, INODES)->first_target, 3);
	cr_expect_null(hint_table_find(&read, 8));
	cr_expect_null(hint_table_find(&read, 0));
	hint_table_fini(&read);
	buffer_fini(&bytes);
}

Test(hint_table, may_be_empty)
{
	struct hint_table read;

	cr_assert_eq(hint_table_decode(NULL, 0, INODES, &read, NULL), 0);
	cr_expect_null(hint_table_find(&read, 1));
	hint_table_fini(&read);
}

Test(hint_table, encodes_no_more_than_fits)
{
	struct buffer bytes = BUFFER_INIT(10);

	cr_expect_eq(hint_table_encode(&table, &bytes), -EFBIG);
	buffer_fini(&bytes);
}

static const struct {
	const char *label;
	uint8_t bytes[12];
	size_t size;
} bad[] = {
	{ "an inode twice", { 1, 0, 0, 0, 0, 0 }, 6 },
	{ "an inode that is not there", { 0xe9, 0x07, 0, 0 }, 4 },
	{ "an extent of no bytes", { 1, 1, 0, 0, 0 }, 5 },
	{ "extents past 32 bits",
	  { 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0 },
	  9 },
	{ "too many extents", { 1, 17, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 12 },
	{ "a target that is not there", { 1, 0, 1, 0xd0, 0x0f }, 5 },
	{ "a target of zero", { 1, 0, 1, 1 }, 4 },
	{ "more targets than bytes", { 1, 0, 9, 2, 2 }, 5 },
	{ "more targets than may be", { 1, 0, 0x81, 0x20, 2, 2 }, 6 },
	{ "a number cut", { 1, 0, 1, 0x80 }, 4 },
	{ "a number longer than need be", { 0x81, 0x00, 0, 0 }, 4 },
	{ "a number past 32 bits", { 0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0 }, 7 },
	{ "a record cut", { 1 }, 1 },
};

Test(hint_table, refuses_what_is_malformed)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct hint_table read = { 0 };
		struct error err = { 0 };

		cr_expect_eq(hint_table_decode(bad[i].bytes, bad[i].size,
					       INODES, &read, &err),
			     -EBADMSG, "case: %s", bad[i].label);
		cr_expect(strstr(err.text, "HINT"), "case: %s", bad[i].label);
		cr_expect_null(read.records);
	}
}
