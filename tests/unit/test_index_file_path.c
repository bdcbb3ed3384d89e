/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_file.h"

#include "common/cleanup.h"
#include "tests/support/index_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct index_maker *maker;
static const struct index_file *index_file;

static void setup(void)
{
	maker = index_maker_create();
	index_maker_begin_layer(maker);
	index_maker_add_path(maker, "usr/lib/x", S_IFREG | 0644);
	index_maker_add_symlink(maker, "lib", "usr/lib");
	index_maker_add_symlink(maker, "abs", "/usr");
	index_maker_add_symlink(maker, "usr/up", "../../../usr/lib/x");
	index_maker_add_symlink(maker, "usr/slash", "lib/");
	index_maker_add_symlink(maker, "usr/file-slash", "lib/x/");
	index_maker_add_symlink(maker, "loop", "loop");
	index_maker_add_symlink(maker, "gone", "nowhere");
	index_maker_add_link(maker, "usr/also-x", "usr/lib/x");
	index_file = index_maker_open(maker);
}

static void teardown(void)
{
	index_maker_destroy(maker);
}

TestSuite(index_file_path, .init = setup, .fini = teardown);

/* The path of what @path leads to. */
static void expect(const char *path, bool follow, const char *result)
{
	char text[4096] = "";
	uint32_t number = 0;

	cr_expect_eq(index_file_resolve(index_file, path, follow, &number), 0,
		     "case: %s", path);
	cr_expect_eq(
		index_file_get_path(index_file, number, text, sizeof(text)), 0,
		"case: %s", path);
	cr_expect_str_eq(text, result, "case: %s gives %s", path, text);
}

static void expect_code(const char *path, bool follow, int code)
{
	uint32_t number = 4711;

	cr_expect_eq(index_file_resolve(index_file, path, follow, &number),
		     code, "case: %s", path);
	cr_expect_eq(number, 4711, "untouched on failure: %s", path);
}

Test(index_file_path, resolves_with_and_without_a_leading_slash)
{
	expect("/", true, "/");
	expect("", true, "/");
	expect("usr/lib", true, "/usr/lib");
	expect("//usr/./lib//", true, "/usr/lib");
}

Test(index_file_path, dot_dot_stops_at_the_root)
{
	expect("..", true, "/");
	expect("/../../usr", true, "/usr");
	expect("usr/lib/../..", true, "/");
	expect("usr/lib/../../../../usr/lib", true, "/usr/lib");
}

Test(index_file_path, follows_symlinks_within_the_image)
{
	expect("lib", true, "/usr/lib");
	expect("abs/lib", true, "/usr/lib");
	expect("usr/slash", true, "/usr/lib");
	expect("lib/../up", true, "/usr/also-x");
	expect("lib/..", true, "/usr");
}

Test(index_file_path, follows_the_last_symlink_only_when_told)
{
	expect("lib", false, "/lib");
	expect("lib/", false, "/usr/lib");
	expect("lib/.", false, "/usr/lib");
	expect("abs/up", false, "/usr/up");
	expect("loop", false, "/loop");
}

Test(index_file_path, says_what_is_wrong)
{
	char name[300];

	expect_code("nothing", true, -ENOENT);
	expect_code("gone", true, -ENOENT);
	expect_code("gone/x", false, -ENOENT);
	expect_code("usr/lib/x/y", true, -ENOTDIR);
	expect_code("usr/lib/x/", true, -ENOTDIR);
	expect_code("usr/lib/x/.", true, -ENOTDIR);
	expect_code("usr/lib/x/..", true, -ENOTDIR);
	expect_code("usr/file-slash", true, -ENOTDIR);
	expect_code("loop", true, -ELOOP);
	expect_code("loop/x", false, -ELOOP);
	memset(name, 'n', sizeof(name));
	name[299] = '\0';
	expect_code(name, true, -ENAMETOOLONG);
	name[255] = '\0';
	expect_code(name, true, -ENOENT);
}

Test(index_file_path, finds_what_is_of_a_type)
{
	uint32_t usr =
		index_file_find_at(index_file, INDEX_ROOT, "abs", S_IFDIR);
	uint32_t x =
		index_file_find_at(index_file, INDEX_ROOT, "lib/x", S_IFREG);

	cr_assert_neq(usr, 0);
	cr_assert_neq(x, 0);
	cr_expect_eq(index_file_find_at(index_file, usr, "lib/x", S_IFREG), x);
	cr_expect_eq(index_file_find_at(index_file, usr, "lib/x", S_IFDIR), 0);
	cr_expect_eq(index_file_find_at(index_file, usr, "lib", S_IFREG), 0);
	cr_expect_eq(index_file_find_at(index_file, usr, "lib", S_IFLNK), 0);
	cr_expect_eq(index_file_find_at(index_file, usr, "no", S_IFREG), 0);
	cr_expect(index_file_is_directory(index_file, usr));
	cr_expect(!index_file_is_directory(index_file, x));
	cr_expect(!index_file_is_directory(index_file, 0), "there is no 0");
	cr_expect(!index_file_is_directory(index_file, UINT32_MAX));
}

Test(index_file_path, refuses_endless_paths)
{
	autofree char *path = malloc(100001);

	memset(path, '/', 100000);
	path[100000] = '\0';
	expect_code(path, true, -ENAMETOOLONG);
}

Test(index_file_path, says_when_the_path_does_not_fit)
{
	char text[12];
	uint32_t number;

	cr_assert_eq(index_file_resolve(index_file, "usr/lib/", true, &number),
		     0);
	cr_expect_eq(index_file_get_path(index_file, number, text, 9), 0);
	cr_expect_str_eq(text, "/usr/lib");
	cr_expect_eq(index_file_get_path(index_file, number, text, 8),
		     -ENAMETOOLONG);
	cr_expect_eq(index_file_get_path(index_file, 1, text, 2), 0);
	cr_expect_str_eq(text, "/");
	cr_expect_eq(index_file_get_path(index_file, 1, text, 1),
		     -ENAMETOOLONG);
}
