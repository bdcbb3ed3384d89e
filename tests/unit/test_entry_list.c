/* SPDX-License-Identifier: Apache-2.0 */
#include "index/entry_list.h"

#include "index/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct entry_list *list;

static void set_up(void)
{
	list = entry_list_create((uint64_t)1 << 26);
	cr_assert(list);
}

static void tear_down(void)
{
	entry_list_destroy(list);
}

TestSuite(entry_list, .init = set_up, .fini = tear_down);

Test(entry_list, starts_empty)
{
	cr_expect_null(entry_list_next(list, NULL));
	cr_expect_eq(entry_list_count(list), 0);
	entry_list_destroy(NULL);
}

/* Odd sizes, so that what follows in the arena must be aligned again. */
Test(entry_list, copies_an_entry_with_all_it_points_to)
{
	char path[] = "usr/bin/x";
	char link[] = "t";
	char name[] = "user.a";
	uint8_t value[] = { 1, 0, 2 };
	struct tree_extent extents[] = { { 0, 5, 512 }, { 9, 1, 600 } };
	struct tree_xattr xattrs[] = { { name, value, 3 }, { "b", NULL, 0 } };
	const struct tree_entry entry = {
		.path = path,
		.symlink = link,
		.mode = 0100755,
		.uid = 1,
		.gid = 2,
		.rdev_major = 3,
		.rdev_minor = 4,
		.mtime_ns = 5,
		.mtime_s = -6,
		.size = 10,
		.extents = extents,
		.extent_count = 2,
		.xattrs = xattrs,
		.xattr_count = 2,
	};
	const struct tree_entry *copy;

	cr_assert_eq(entry_list_add(list, &entry), 0);
	cr_assert_eq(entry_list_add(list, &entry), 0);
	memset(path, 'z', sizeof(path));
	memset(link, 'z', sizeof(link));
	memset(name, 'z', sizeof(name));
	memset(value, 'z', sizeof(value));
	memset(extents, 'z', sizeof(extents));
	memset(xattrs, 'z', sizeof(xattrs));

	copy = entry_list_next(list, entry_list_next(list, NULL));
	cr_assert(copy);
	cr_expect_str_eq(copy->path, "usr/bin/x");
	cr_expect_str_eq(copy->symlink, "t");
	cr_expect_null(copy->hard_link);
	cr_expect_eq(copy->mode, 0100755);
	cr_expect_eq(copy->uid, 1);
	cr_expect_eq(copy->gid, 2);
	cr_expect_eq(copy->rdev_major, 3);
	cr_expect_eq(copy->rdev_minor, 4);
	cr_expect_eq(copy->mtime_ns, 5);
	cr_expect_eq(copy->mtime_s, -6);
	cr_expect_eq(copy->size, 10);
	cr_assert_eq(copy->extent_count, 2);
	cr_expect_eq(copy->extents[1].file_off, 9);
	cr_expect_eq(copy->extents[1].raw_off, 600);
	cr_assert_eq(copy->xattr_count, 2);
	cr_expect_str_eq(copy->xattrs[0].name, "user.a");
	cr_expect_arr_eq(copy->xattrs[0].value, "\1\0\2", 3);
	cr_expect_str_eq(copy->xattrs[1].name, "b");
	cr_expect_null(entry_list_next(list, copy));
}

Test(entry_list, keeps_many_entries_in_order)
{
	enum { COUNT = 20000 };
	const struct tree_entry *entry = NULL;
	char path[64];

	for (unsigned i = 0; i < COUNT; i++) {
		const struct tree_entry added = { .path = path, .size = i };

		snprintf(path, sizeof(path), "%.*s%u", (int)(i % 40),
			 "0123456789012345678901234567890123456789", i);
		cr_assert_eq(entry_list_add(list, &added), 0);
	}
	cr_expect_eq(entry_list_count(list), COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		entry = entry_list_next(list, entry);
		cr_assert(entry);
		cr_assert_eq(entry->size, i);
		snprintf(path, sizeof(path), "%.*s%u", (int)(i % 40),
			 "0123456789012345678901234567890123456789", i);
		cr_assert_str_eq(entry->path, path);
	}
	cr_expect_null(entry_list_next(list, entry));
}

Test(entry_list, holds_an_entry_larger_than_a_block)
{
	static uint8_t value[65536];
	struct tree_xattr xattrs[16];
	struct tree_entry entry = { .path = "big",
				    .xattrs = xattrs,
				    .xattr_count = 16 };
	const struct tree_entry *copy;

	memset(value, 7, sizeof(value));
	for (size_t i = 0; i < 16; i++)
		xattrs[i] = (struct tree_xattr){ "n", value, sizeof(value) };
	cr_assert_eq(entry_list_add(list, &entry), 0);
	entry = (struct tree_entry){ .path = "small" };
	cr_assert_eq(entry_list_add(list, &entry), 0);
	copy = entry_list_next(list, NULL);
	cr_expect_arr_eq(copy->xattrs[15].value, value, sizeof(value));
	cr_expect_str_eq(entry_list_next(list, copy)->path, "small");
}

Test(entry_list, refuses_more_than_its_limit_and_stays_whole)
{
	struct entry_list *small = entry_list_create(1 << 20);
	const struct tree_entry entry = { .path = "some/path" };
	uint64_t count = 0;
	uint64_t walked = 0;
	int r;

	while ((r = entry_list_add(small, &entry)) == 0)
		count++;
	cr_expect_eq(r, -EFBIG);
	cr_expect_eq(entry_list_count(small), count);
	cr_expect_gt(count, (1 << 20) / 300);
	for (const struct tree_entry *at = NULL;
	     (at = entry_list_next(small, at));)
		walked++;
	cr_expect_eq(walked, count);
	entry_list_destroy(small);
}
