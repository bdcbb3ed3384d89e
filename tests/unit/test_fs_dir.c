/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_dir.h"

#include "fs/fs_context.h"
#include "index/index_file.h"
#include "index/tree.h"
#include "tests/support/fs_test_image.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_COUNT = 300 };

static struct fs_test_image *image;
static struct fs_context ctx;
static uint32_t dir;

static void set_up(void)
{
	char path[64];

	image = fs_test_image_create();
	for (int i = 0; i < FILE_COUNT; i++) {
		snprintf(path, sizeof(path), "dir/%04d", i);
		fs_test_image_add_file(image, path, "x", 1);
	}
	fs_test_image_open(image);
	ctx.index = image->index;
	cr_assert_eq(index_file_resolve(image->index, "/dir", false, &dir), 0);
}

static void tear_down(void)
{
	fs_test_image_destroy(image);
}

TestSuite(fs_dir, .init = set_up, .fini = tear_down);

/* Checks one page's entries against what must come; returns how many. */
static int check_page(const struct fs_dir_page *page, uint64_t *off)
{
	int count = 0;

	for (size_t at = 0; at < page->size; count++) {
		const struct fuse_dirent *entry = (void *)(page->data + at);
		char name[16];

		if (*off < 2)
			snprintf(name, sizeof(name), *off == 0 ? "." : "..");
		else
			snprintf(name, sizeof(name), "%04d", (int)(*off - 2));
		cr_assert_eq(entry->namelen, strlen(name));
		cr_assert_arr_eq(entry->name, name, entry->namelen);
		cr_assert_eq(entry->off, *off + 1);
		cr_assert_eq(entry->type,
			     *off < 2 ? S_IFDIR >> 12 : S_IFREG >> 12);
		*off = entry->off;
		at += FUSE_DIRENT_SIZE(entry);
	}
	return count;
}

Test(fs_dir, goes_on_where_a_page_ended)
{
	char data[512];
	struct fs_dir_page page = { .data = data, .capacity = sizeof(data) };
	uint64_t off = 0;
	int pages = 0;

	for (;; pages++) {
		cr_assert_eq(fs_dir_pack(&ctx, NULL, dir, off, &page), 0);
		if (page.size == 0)
			break;
		cr_assert_gt(check_page(&page, &off), 0);
	}
	cr_expect_eq(off, FILE_COUNT + 2);
	cr_expect_gt(pages, 10);
}

Test(fs_dir, starts_at_any_entry)
{
	char data[4096];
	struct fs_dir_page page = { .data = data, .capacity = sizeof(data) };

	for (uint64_t start = 0; start < FILE_COUNT + 2; start++) {
		uint64_t off = start;

		cr_assert_eq(fs_dir_pack(&ctx, NULL, dir, start, &page), 0);
		cr_assert_gt(check_page(&page, &off), 0);
	}
}

Test(fs_dir, answers_nothing_past_the_end)
{
	static const uint64_t offs[] = {
		FILE_COUNT + 2,		  FILE_COUNT + 3, UINT32_MAX,
		(uint64_t)UINT32_MAX + 2, UINT64_MAX,
	};
	char data[4096];
	struct fs_dir_page page = { .data = data, .capacity = sizeof(data) };

	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		cr_assert_eq(fs_dir_pack(&ctx, NULL, dir, offs[i], &page), 0);
		cr_expect_eq(page.size, 0, "case: %zu", i);
	}
}

Test(fs_dir, gives_attributes_with_entries_but_dots)
{
	char data[4096];
	struct fs_dir_page page = {
		.data = data,
		.capacity = sizeof(data),
		.is_plus = true,
	};
	size_t at = 0;

	cr_assert_eq(fs_dir_pack(&ctx, NULL, dir, 0, &page), 0);
	for (int i = 0; at < page.size; i++) {
		const struct fuse_direntplus *entry = (void *)(data + at);

		if (i < 2) {
			cr_expect_eq(entry->entry_out.nodeid, 0);
			cr_expect_eq(entry->dirent.ino,
				     i == 0 ? dir : INDEX_ROOT);
		} else {
			cr_expect_eq(entry->entry_out.nodeid,
				     entry->dirent.ino);
			cr_expect_eq(entry->entry_out.attr.size, 1);
			cr_expect_eq(entry->entry_out.entry_valid,
				     (uint64_t)FS_DIR_TIMEOUT_S);
			cr_expect_eq(entry->entry_out.attr_valid,
				     (uint64_t)FS_DIR_TIMEOUT_S);
		}
		at += FUSE_DIRENTPLUS_SIZE(entry);
	}
}

Test(fs_dir, lists_no_file_as_a_directory)
{
	char data[4096];
	struct fs_dir_page page = { .data = data, .capacity = sizeof(data) };
	uint32_t file;

	cr_assert_eq(
		index_file_resolve(image->index, "/dir/0007", false, &file), 0);
	cr_expect_eq(fs_dir_pack(&ctx, NULL, file, 0, &page), -ENOTDIR);
	cr_expect_eq(fs_dir_pack(&ctx, NULL, file, 2, &page), -ENOTDIR);
}
