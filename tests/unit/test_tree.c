/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is seen through an index made of it: what a mount would show.
 * index_maker_open() checks every one whole.
 */
#include "index/tree.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "index/index_file.h"
#include "tests/support/index_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE1 = S_IFREG | 0001,
	FILE2 = S_IFREG | 0002,
	FILE3 = S_IFREG | 0003,
	DIR1 = S_IFDIR | 0701,
	DIR2 = S_IFDIR | 0702,
};

static struct index_maker *maker;

static void setup(void)
{
	maker = index_maker_create();
	index_maker_begin_layer(maker);
}

static void teardown(void)
{
	index_maker_destroy(maker);
}

TestSuite(tree, .init = setup, .fini = teardown);

static void layer(void)
{
	index_maker_begin_layer(maker);
}

static void add(const char *path, uint32_t mode)
{
	index_maker_add_path(maker, path, mode);
}

static int add_code(const char *path, uint32_t mode)
{
	return index_maker_add(
		maker, &(struct tree_entry){ .path = path, .mode = mode });
}

static void expect(const char *listing)
{
	autofree char *text = index_maker_list(maker);

	cr_assert_str_eq(text, listing);
}

static struct index_inode inode_at(const struct index_file *index,
				   const char *path)
{
	struct index_inode inode = { 0 };
	uint32_t number = 0;

	cr_assert_eq(index_file_resolve(index, path, false, &number), 0, "%s",
		     path);
	cr_assert_eq(index_file_get_inode(index, number, &inode), 0);
	return inode;
}

Test(tree, makes_missing_parents)
{
	struct index_inode inode;

	add("a/b/c", FILE1);
	inode = inode_at(index_maker_open(maker), "a/b");
	cr_expect_eq(inode.mode, S_IFDIR | 0755);
	cr_expect_eq(inode.uid, 0);
	cr_expect_eq(inode.mtime_s, 0);
	cr_expect_eq(inode.nlink, 2);
	cr_expect_eq(inode.size, 4096);
}

Test(tree, updates_a_directory_and_keeps_its_children)
{
	static const struct tree_xattr xattr = { "user.a", "1", 1 };
	const struct index_file *index;
	struct index_inode inode;

	index_maker_add(maker, &(struct tree_entry){ .path = "a",
						     .mode = DIR1,
						     .xattrs = &xattr,
						     .xattr_count = 1 });
	add("a/x", FILE1);
	layer();
	index_maker_add(maker, &(struct tree_entry){ .path = "a/",
						     .mode = DIR2,
						     .uid = 7,
						     .mtime_s = 9 });
	add("a/y", FILE2);
	index = index_maker_open(maker);
	inode = inode_at(index, "a");
	cr_expect_eq(inode.mode, DIR2);
	cr_expect_eq(inode.uid, 7);
	cr_expect_eq(inode.mtime_s, 9);
	cr_expect_not(inode.has_xattrs, "the upper entry had none");
	inode_at(index, "a/x");
	inode_at(index, "a/y");
}

Test(tree, the_last_of_one_layer_wins)
{
	add("f", FILE1);
	add("f", FILE2);
	add("./f", FILE3);
	expect("- 0003 1 /f\n");
}

Test(tree, a_file_replaces_a_directory_and_all_below)
{
	add("a/b/c", FILE1);
	add("a/d", FILE1);
	layer();
	add("a", FILE2);
	expect("- 0002 1 /a\n");
}

Test(tree, a_directory_replaces_a_file)
{
	add("a", FILE1);
	layer();
	add("a", DIR2);
	add("a/x", FILE2);
	expect("d 0702 2 /a\n- 0002 1 /a/x\n");
}

Test(tree, a_directory_replaces_a_symlink)
{
	index_maker_add_symlink(maker, "lib", "usr");
	add("usr/x", FILE1);
	layer();
	add("lib", DIR2);
	add("lib/y", FILE2);
	expect("d 0702 2 /lib\nd 0755 2 /usr\n- 0002 1 /lib/y\n"
	       "- 0001 1 /usr/x\n");
}

Test(tree, a_symlink_replaces_a_directory)
{
	add("a/x", FILE1);
	layer();
	index_maker_add_symlink(maker, "a", "b");
	expect("l 0777 1 /a -> b\n");
}

Test(tree, a_whiteout_hides_a_lower_file)
{
	add("a/x", FILE1);
	add("a/y", FILE1);
	layer();
	add("a/.wh.x", FILE1);
	expect("d 0755 2 /a\n- 0001 1 /a/y\n");
}

Test(tree, a_whiteout_spares_what_its_layer_added_before)
{
	add("a/x", FILE1);
	layer();
	add("a/x", FILE2);
	add("a/.wh.x", FILE1);
	expect("d 0755 2 /a\n- 0002 1 /a/x\n");
}

Test(tree, a_whiteout_spares_what_its_layer_adds_after)
{
	add("a/x", FILE1);
	layer();
	add("a/.wh.x", FILE1);
	add("a/x", FILE2);
	expect("d 0755 2 /a\n- 0002 1 /a/x\n");
}

Test(tree, a_whiteout_hides_a_directory_with_all_below)
{
	add("a/b/c/d", FILE1);
	add("a/e", FILE1);
	layer();
	add(".wh.a", FILE1);
	expect("");
}

Test(tree, a_whiteout_of_a_directory_spares_its_own_layers_children)
{
	add("a", DIR1);
	add("a/b/old", FILE1);
	add("a/c", FILE1);
	layer();
	add("a", DIR2);
	add("a/b/new", FILE2);
	add(".wh.a", FILE1);
	expect("d 0702 3 /a\nd 0755 2 /a/b\n- 0002 1 /a/b/new\n");
}

Test(tree, a_directory_kept_only_for_its_children_loses_its_lower_metadata)
{
	add("a", DIR1);
	layer();
	add("a/new", FILE2);
	add(".wh.a", FILE1);
	expect("d 0755 2 /a\n- 0002 1 /a/new\n");
}

Test(tree, a_whiteout_before_a_re_created_directory_hides_its_children)
{
	add("a", DIR1);
	add("a/old", FILE1);
	layer();
	add(".wh.a", FILE1);
	add("a", DIR2);
	add("a/new", FILE2);
	expect("d 0702 2 /a\n- 0002 1 /a/new\n");
}

Test(tree, a_whiteout_hides_only_until_the_next_layer)
{
	add("x", FILE1);
	layer();
	add(".wh.x", FILE1);
	layer();
	add("x", FILE3);
	expect("- 0003 1 /x\n");
}

Test(tree, an_opaque_directory_hides_lower_children)
{
	add("a", DIR1);
	add("a/old/deep", FILE1);
	add("a/both", FILE1);
	layer();
	add("a", DIR2);
	add("a/before", FILE2);
	add("a/.wh..wh..opq", FILE1);
	add("a/both", FILE2);
	expect("d 0702 2 /a\n- 0002 1 /a/before\n- 0002 1 /a/both\n");
}

Test(tree, an_opaque_root_hides_everything_lower)
{
	add("a/x", FILE1);
	add("b", FILE1);
	layer();
	add("c", FILE2);
	add(".wh..wh..opq", FILE1);
	expect("- 0002 1 /c\n");
}

Test(tree, a_whiteout_of_something_absent_is_ignored)
{
	add(".wh.nothing", FILE1);
	add("no/such/.wh.dir", FILE1);
	add("no/such/.wh..wh..opq", FILE1);
	add("f", FILE1);
	add("f/.wh.x", FILE1);
	expect("- 0001 1 /f\n");
}

Test(tree, whiteouts_follow_symlinked_parents)
{
	add("usr/lib/x", FILE1);
	index_maker_add_symlink(maker, "lib", "usr/lib");
	layer();
	add("lib/.wh.x", FILE1);
	expect("l 0777 1 /lib -> usr/lib\nd 0755 3 /usr\nd 0755 2 /usr/lib\n");
}

Test(tree, aufs_leftovers_are_ignored)
{
	add("x", FILE1);
	add(".wh..wh.aufs", FILE1);
	add(".wh..wh.plnk", DIR1);
	add(".wh..wh.plnk/12.34", FILE1);
	add("d/.wh..wh.orph/x", FILE1);
	expect("- 0001 1 /x\n");
}

Test(tree, refuses_whiteouts_of_dots_and_of_nothing)
{
	cr_expect_eq(add_code(".wh.", FILE1), -EINVAL);
	cr_expect_eq(add_code("a/.wh..", FILE1), -EINVAL);
	cr_expect_eq(add_code("a/.wh...", FILE1), -EINVAL);
	add("a/.wh....", FILE1);
	expect("");
}

Test(tree, hard_links_share_an_inode_across_layers)
{
	const struct index_file *index;

	add("a/x", FILE1);
	layer();
	index_maker_add_link(maker, "b/y", "a/x");
	index_maker_add_link(maker, "z", "/b/y");
	index = index_maker_open(maker);
	cr_expect_eq(inode_at(index, "a/x").nlink, 3);
	cr_expect_eq(inode_at(index, "a/x").number,
		     inode_at(index, "z").number);
	cr_expect_eq(inode_at(index, "b/y").number,
		     inode_at(index, "z").number);
}

Test(tree, replacing_one_name_of_a_hard_link_leaves_the_others)
{
	add("x", FILE1);
	index_maker_add_link(maker, "y", "x");
	index_maker_add_link(maker, "z", "x");
	layer();
	add("x", FILE2);
	add(".wh.y", FILE1);
	expect("- 0002 1 /x\n- 0001 1 /z\n");
}

Test(tree, a_hard_link_to_itself_changes_nothing)
{
	add("x", FILE1);
	index_maker_add_link(maker, "x", "x");
	expect("- 0001 1 /x\n");
}

Test(tree, a_hard_link_may_replace_the_directory_of_its_target)
{
	add("a/x", FILE1);
	index_maker_add_link(maker, "a", "a/x");
	expect("- 0001 1 /a\n");
}

Test(tree, a_hard_link_to_a_symlink_does_not_follow_it)
{
	index_maker_add_symlink(maker, "s", "nowhere");
	index_maker_add_link(maker, "t", "s");
	expect("l 0777 2 /s -> nowhere\nl 0777 2 /t -> nowhere\n");
}

Test(tree, a_hard_link_spared_by_its_whiteout_counts)
{
	add("x", FILE1);
	layer();
	index_maker_add_link(maker, "y", "x");
	add(".wh.x", FILE1);
	add(".wh.y", FILE1);
	expect("- 0001 1 /y\n");
}

Test(tree, refuses_a_hard_link_to_nothing)
{
	struct tree_entry entry = { .path = "x", .hard_link = "gone" };

	cr_expect_eq(index_maker_add(maker, &entry), -EINVAL);
	entry.hard_link = "no/such/dir";
	cr_expect_eq(index_maker_add(maker, &entry), -EINVAL);
	add("d", DIR1);
	entry.hard_link = "d";
	cr_expect_eq(index_maker_add(maker, &entry), -EINVAL);
	entry.hard_link = "/";
	cr_expect_eq(index_maker_add(maker, &entry), -EINVAL);
}

Test(tree, the_error_names_the_entry_and_the_reason)
{
	CLEANUP(tree_destroyp) struct tree *tree = tree_create();
	struct error err = { 0 };

	tree_begin_layer(tree, 0);
	tree_add(tree,
		 &(struct tree_entry){ .path = "a/link", .hard_link = "gone" },
		 &err);
	cr_expect_eq(err.code, -EINVAL);
	cr_expect(strstr(err.text, "a/link") && strstr(err.text, "gone"), "%s",
		  err.text);
}

Test(tree, paths_stay_within_the_root)
{
	add("/abs", FILE1);
	add("../up", FILE1);
	add("a/../../../b", FILE1);
	add("./c//d/.", DIR1);
	add("c/d/../e/", DIR2);
	expect("- 0001 1 /abs\n- 0001 1 /b\nd 0755 4 /c\n- 0001 1 /up\n"
	       "d 0701 2 /c/d\nd 0702 2 /c/e\n");
}

Test(tree, root_entries_describe_the_root)
{
	static const char *const paths[] = { "./", "/", "", ".", "a/.." };

	for (uint32_t i = 0; i < 5; i++) {
		struct index_maker *one = index_maker_create();

		index_maker_begin_layer(one);
		index_maker_add_path(one, paths[i], S_IFDIR | (0700 + i));
		cr_expect_eq(inode_at(index_maker_open(one), "/").mode,
			     S_IFDIR | (0700 + i), "case: \"%s\"", paths[i]);
		index_maker_destroy(one);
	}
	cr_expect_eq(add_code("./", FILE1), -EINVAL);
}

Test(tree, symlinked_parents_are_followed_within_the_root)
{
	index_maker_add_symlink(maker, "bin", "usr/bin");
	add("usr/bin", DIR1);
	index_maker_add_symlink(maker, "abs", "/usr");
	index_maker_add_symlink(maker, "usr/up", "../../../../usr/bin");
	add("bin/a", FILE1);
	add("abs/bin/b", FILE2);
	add("usr/up/c", FILE3);
	expect("l 0777 1 /abs -> /usr\nl 0777 1 /bin -> usr/bin\n"
	       "d 0755 3 /usr\nd 0701 2 /usr/bin\n"
	       "l 0777 1 /usr/up -> ../../../../usr/bin\n"
	       "- 0001 1 /usr/bin/a\n- 0002 1 /usr/bin/b\n"
	       "- 0003 1 /usr/bin/c\n");
}

Test(tree, a_dangling_parent_is_made_where_it_points)
{
	index_maker_add_symlink(maker, "lib", "/usr/lib");
	add("lib/x", FILE1);
	expect("l 0777 1 /lib -> /usr/lib\nd 0755 3 /usr\nd 0755 2 /usr/lib\n"
	       "- 0001 1 /usr/lib/x\n");
}

Test(tree, refuses_symlinks_in_a_circle)
{
	index_maker_add_symlink(maker, "a", "b");
	index_maker_add_symlink(maker, "b", "a");
	cr_expect_eq(add_code("a/x", FILE1), -EINVAL);
	index_maker_add_symlink(maker, "c", "c/c/c/c/c/c/c/c/c/c/c/c/c/c/c");
	cr_expect_eq(add_code("c/x", FILE1), -EINVAL);
}

Test(tree, a_file_in_the_way_of_a_path_becomes_a_directory)
{
	add("a", FILE1);
	layer();
	add("a/x", FILE2);
	expect("d 0755 2 /a\n- 0002 1 /a/x\n");
}

Test(tree, keeps_names_of_any_bytes_up_to_255)
{
	char name[257];
	char long_path[600];
	uint32_t number;
	const struct index_file *index;

	for (int i = 0; i < 256; i++)
		name[i] = (char)(i + 1 == '/' || i == 255 ? 'x' : i + 1);
	name[255] = '\0';
	add(name, FILE1);
	snprintf(long_path, sizeof(long_path), "%s/%s", "d", name);
	add(long_path, FILE2);
	name[255] = 'y';
	name[256] = '\0';
	cr_expect_eq(add_code(name, FILE1), -EFBIG);
	snprintf(long_path, sizeof(long_path), "%s/f", name);
	cr_expect_eq(add_code(long_path, FILE1), -EFBIG);
	index = index_maker_open(maker);
	cr_expect_eq(index_file_lookup(index, 1, name, 255, &number), 0);
}

Test(tree, bounds_symlinks)
{
	autofree char *target = malloc(4097);
	struct tree_entry entry = { .path = "s",
				    .mode = S_IFLNK | 0777,
				    .symlink = target };

	memset(target, 't', 4096);
	target[4096] = '\0';
	cr_expect_eq(index_maker_add(maker, &entry), -EFBIG);
	target[4095] = '\0';
	cr_expect_eq(index_maker_add(maker, &entry), 0);
	cr_expect_eq(inode_at(index_maker_open(maker), "s").size, 4095);
	target[0] = '\0';
	cr_expect_eq(index_maker_add(maker, &entry), -EINVAL);
}

Test(tree, bounds_depth)
{
	char path[2 * 1024 + 2];

	for (int i = 0; i < 1024; i++)
		memcpy(path + 2 * i, "d/", 2);
	memcpy(path + 2048, "", 1);
	add(path, DIR1);
	memcpy(path + 2048, "x", 2);
	cr_expect_eq(add_code(path, FILE1), -EFBIG);
	cr_expect_eq(inode_at(index_maker_open(maker), "/").nlink, 3);
}

Test(tree, keeps_wide_numbers)
{
	struct tree_entry entry = { .path = "dev",
				    .mode = S_IFBLK | 0600,
				    .uid = 100000,
				    .gid = UINT32_MAX,
				    .rdev_major = 511,
				    .rdev_minor = (1 << 20) - 1,
				    .mtime_s = -62135596800,
				    .mtime_ns = 999999999 };
	struct index_inode inode;

	cr_assert_eq(index_maker_add(maker, &entry), 0);
	inode = inode_at(index_maker_open(maker), "dev");
	cr_expect_eq(inode.uid, 100000);
	cr_expect_eq(inode.gid, UINT32_MAX);
	cr_expect_eq(inode.rdev_major, 511);
	cr_expect_eq(inode.rdev_minor, (1 << 20) - 1);
	cr_expect_eq(inode.mtime_s, -62135596800);
	cr_expect_eq(inode.mtime_ns, 999999999);
}

Test(tree, refuses_entries_that_contradict_themselves)
{
	static const struct tree_extent extents[][2] = {
		{ { 0, 10, 0 }, { 5, 10, 0 } },	 /* overlap */
		{ { 50, 10, 0 }, { 5, 10, 0 } }, /* order */
		{ { 0, 10, 0 }, { 95, 10, 0 } }, /* past the end */
		{ { 0, 10, 0 }, { 20, 0, 0 } },	 /* empty */
		{ { UINT64_MAX, 2, 0 }, { 0, 1, 0 } },
	};
	struct tree_entry entry = {
		.path = "x", .mode = S_IFREG, .size = 100, .extent_count = 2
	};

	for (size_t i = 0; i < 5; i++) {
		entry.extents = extents[i];
		cr_expect_eq(index_maker_add(maker, &entry), -EINVAL,
			     "case: %zu", i);
	}
	cr_expect_eq(add_code("x", 0644), -EINVAL, "no type");
	cr_expect_eq(add_code("x", S_IFLNK | 0777), -EINVAL, "no target");
	entry = (struct tree_entry){ .path = "x",
				     .mode = S_IFREG,
				     .mtime_ns = 1000000000 };
	cr_expect_eq(index_maker_add(maker, &entry), -EINVAL);
}

Test(tree, refuses_data_beyond_256_tib)
{
	static const struct tree_extent extent = { 0, 100,
						   (UINT64_C(1) << 48) - 50 };
	struct tree_entry entry = { .path = "x",
				    .mode = S_IFREG,
				    .size = 100,
				    .extents = &extent,
				    .extent_count = 1 };

	cr_expect_eq(index_maker_add(maker, &entry), -EFBIG);
}

Test(tree, sorts_xattrs_and_keeps_the_last_of_a_name)
{
	static const struct tree_xattr xattrs[] = {
		{ "user.b", "1", 1 },
		{ "user.a", "", 0 },
		{ "user.b", "three", 5 },
	};
	struct tree_entry entry = {
		.path = "x", .mode = S_IFREG, .xattrs = xattrs, .xattr_count = 3
	};
	const struct index_file *index;
	struct index_xattr xattr;
	uint32_t number;

	index_maker_add(maker, &entry);
	index = index_maker_open(maker);
	number = inode_at(index, "x").number;
	cr_assert_eq(index_file_get_xattr(index, number, 0, &xattr), 0);
	cr_expect_eq(memcmp(xattr.name, "user.a", 6), 0);
	cr_expect_eq(xattr.value_size, 0);
	cr_assert_eq(index_file_get_xattr(index, number, 1, &xattr), 0);
	cr_expect_eq(memcmp(xattr.value, "three", 5), 0);
	cr_expect_eq(index_file_get_xattr(index, number, 2, &xattr), -ENODATA);
}

Test(tree, bounds_xattrs)
{
	autofree char *data = calloc(1, 65537);
	char name[257];
	struct tree_xattr xattr = { "user.x", data, 65536 };
	struct tree_entry entry = {
		.path = "x", .mode = S_IFREG, .xattrs = &xattr, .xattr_count = 1
	};

	cr_expect_eq(index_maker_add(maker, &entry), 0);
	xattr.value_size = 65537;
	cr_expect_eq(index_maker_add(maker, &entry), -EFBIG);
	memset(name, 'n', 256);
	name[256] = '\0';
	xattr = (struct tree_xattr){ name, data, 1 };
	cr_expect_eq(index_maker_add(maker, &entry), -EFBIG);
	name[255] = '\0';
	cr_expect_eq(index_maker_add(maker, &entry), 0);
	xattr.name = "";
	cr_expect_eq(index_maker_add(maker, &entry), -EINVAL);
	index_maker_open(maker);
}

Test(tree, the_result_does_not_depend_on_how_it_came_about)
{
	struct index_maker *other = index_maker_create();
	size_t a_size;
	size_t b_size;
	uint8_t *a;
	uint8_t *b;
	int a_fd;
	int b_fd;

	add("d", DIR1);
	add("d/a", FILE1);
	index_maker_add_symlink(maker, "d/b", "target");
	add("e", FILE2);
	index_maker_begin_layer(other);
	add("junk", DIR1);
	index_maker_add_path(other, "e", FILE2);
	index_maker_add_path(other, "junk/tmp", FILE3);
	index_maker_add_symlink(other, "d/b", "target");
	index_maker_add_path(other, "d/a", FILE1);
	index_maker_add_path(other, "d/a", FILE1);
	index_maker_add_path(other, "junk", FILE3);
	index_maker_add_path(other, "junk", DIR1);
	index_maker_add_path(other, "d", DIR1);
	a_fd = index_maker_write(maker, false);
	b_fd = index_maker_write(other, false);
	a = index_maker_to_bytes(a_fd, &a_size);
	b = index_maker_to_bytes(b_fd, &b_size);
	cr_expect_eq(a_size, b_size);
	cr_expect_eq(memcmp(a, b, a_size), 0);
	free(a);
	free(b);
	close(a_fd);
	close(b_fd);
	index_maker_destroy(other);
}

/* Quadratic work would take hours, not the seconds a test is given. */
Test(tree, takes_a_directory_of_300000_names, .timeout = 60)
{
	char path[40];
	struct index_figures figures;

	for (unsigned i = 0; i < 300000; i++) {
		snprintf(path, sizeof(path), "d/%u", i * 7919 % 300000);
		add(path, FILE1);
	}
	layer();
	for (unsigned i = 0; i < 300000; i += 2) {
		snprintf(path, sizeof(path), "d/.wh.%u", i);
		add(path, FILE1);
	}
	index_file_get_figures(index_maker_open(maker), &figures);
	cr_expect_eq(figures.inode_count, 150002);
}
