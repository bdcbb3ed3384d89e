/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_xattr.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "fs/fs_context.h"
#include "index/index_file.h"
#include "index/tree.h"
#include "tests/support/fs_test_image.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static struct fs_test_image *image;
static struct fs_context ctx;
static uint32_t file;

static void set_up(void)
{
	static const struct tree_xattr on_file[] = {
		{ "security.capability", "\1\0\0\2", 4 },
		{ "user.empty", "", 0 },
		{ "user.note", "hello", 5 },
	};
	static const struct tree_xattr on_root[] = {
		{ "user.lazyrun.image", "forged", 6 },
		{ "user.own", "x", 1 },
	};
	const struct tree_entry root = {
		.path = ".",
		.mode = S_IFDIR | 0755,
		.xattrs = on_root,
		.xattr_count = 2,
	};
	const struct tree_entry entry = {
		.path = "file",
		.mode = S_IFREG | 0644,
		.xattrs = on_file,
		.xattr_count = 3,
	};

	image = fs_test_image_create();
	fs_test_image_add(image, &root);
	fs_test_image_add(image, &entry);
	fs_test_image_add_file(image, "data", "0123456789", 10);
	fs_test_image_open(image);
	ctx.index = image->index;
	ctx.loader = image->loader;
	ctx.has_xattrs = fs_xattr_exist(&ctx.options, image->index);
	cr_assert(ctx.has_xattrs);
	cr_assert_eq(index_file_resolve(image->index, "/file", false, &file),
		     0);
}

static void tear_down(void)
{
	fs_test_image_destroy(image);
}

TestSuite(fs_xattr, .init = set_up, .fini = tear_down);

Test(fs_xattr, finds_what_the_image_has)
{
	struct fs_xattr_value value;

	cr_assert_eq(fs_xattr_get(&ctx, file, "user.note", &value), 0);
	cr_expect_eq(value.size, 5);
	cr_expect_arr_eq(value.data, "hello", 5);
	cr_assert_eq(fs_xattr_get(&ctx, file, "security.capability", &value),
		     0);
	cr_expect_arr_eq(value.data, "\1\0\0\2", 4);
	cr_assert_eq(fs_xattr_get(&ctx, file, "user.empty", &value), 0);
	cr_expect_eq(value.size, 0);
}

Test(fs_xattr, has_no_attribute_of_another_name)
{
	static const char *const names[] = {
		"user.not",
		"user.note2",
		"",
		"user.lazyrun.image",
	};
	struct fs_xattr_value value;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_eq(fs_xattr_get(&ctx, file, names[i], &value),
			     -ENODATA, "case: %s", names[i]);
}

Test(fs_xattr, shows_the_status_at_the_root)
{
	struct fs_xattr_value value;
	char digest[DIGEST_TEXT_SIZE];

	ctx.counters.requests = 77;
	digest_format(&image->digest, digest);
	cr_assert_eq(
		fs_xattr_get(&ctx, INDEX_ROOT, "user.lazyrun.image", &value),
		0);
	cr_expect_eq(value.size, strlen(digest));
	cr_expect_arr_eq(value.data, digest, strlen(digest));
	cr_assert_eq(fs_xattr_get(&ctx, INDEX_ROOT,
				  "user.lazyrun.fuse_requests", &value),
		     0);
	cr_expect_eq(value.size, 2);
	cr_expect_arr_eq(value.data, "77", 2);
	ctx.counters.passthrough_opens = 5;
	cr_assert_eq(fs_xattr_get(&ctx, INDEX_ROOT,
				  "user.lazyrun.passthrough_opens", &value),
		     0);
	cr_expect_eq(value.size, 1);
	cr_expect_arr_eq(value.data, "5", 1);
	cr_assert_eq(
		fs_xattr_get(&ctx, INDEX_ROOT, "user.lazyrun.chunks", &value),
		0);
	cr_expect_arr_eq(value.data, "1", 1);
}

Test(fs_xattr, lists_each_name_once)
{
	CLEANUP(buffer_fini)
	struct buffer names = BUFFER_INIT(FS_XATTR_LIST_SIZE_MAX);
	unsigned images = 0;
	unsigned count = 0;

	cr_assert_eq(fs_xattr_list(&ctx, INDEX_ROOT, &names), 0);
	for (size_t i = 0; i < names.size;
	     i += strlen((char *)names.data + i) + 1, count++)
		images += strcmp((char *)names.data + i,
				 "user.lazyrun.image") == 0;
	cr_expect_eq(images, 1);
	cr_expect_eq(count, 11); /* ten of the status, user.own */
}

Test(fs_xattr, refuses_a_list_that_listxattr_cannot_return)
{
	CLEANUP(buffer_fini)
	struct buffer names = BUFFER_INIT(20);

	cr_expect_eq(fs_xattr_list(&ctx, file, &names), -E2BIG);
}

Test(fs_xattr, says_when_there_is_no_such_inode)
{
	CLEANUP(buffer_fini)
	struct buffer names = BUFFER_INIT(FS_XATTR_LIST_SIZE_MAX);
	struct fs_xattr_value value;

	cr_expect_lt(fs_xattr_get(&ctx, 0, "user.note", &value), 0);
	cr_expect_lt(fs_xattr_list(&ctx, 1000, &names), 0);
}
