/* SPDX-License-Identifier: Apache-2.0 */
/* Trees built from a small image, and what hot_tree_open() makes of them. */
#include "hot/hot_build.h"

#include "common/error.h"
#include "fetch/chunk_loader.h"
#include "hot/hot_folder.h"
#include "hot/hot_record.h"
#include "hot/hot_stamp.h"
#include "hot/hot_tree.h"
#include "index/index_file.h"
#include "index/tree.h"
#include "tests/support/fs_test_image.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static char dir[TEMP_DIR_SIZE];
static int cache_fd;
static struct fs_test_image *image;
static struct hot_record *record;
static struct hot_folder folder;
static struct hot_tree *tree;
static uint8_t big[300000];

static void setup(void)
{
	temp_dir_create(dir);
	cache_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fs_test_image_fill(big, sizeof(big), 3);
	image = fs_test_image_create();
}

static void teardown(void)
{
	hot_tree_close(tree);
	hot_record_destroy(record);
	hot_folder_close(&folder);
	fs_test_image_destroy(image);
	close(cache_fd);
	temp_dir_remove(dir);
}

TestSuite(hot_build, .init = setup, .fini = teardown);

static const struct tree_xattr note = { "user.note", "hello", 5 };

static void add_usual(void)
{
	const struct tree_extent extent = {
		.file_off = 1 << 20,
		.size = 10,
		.raw_off = fs_test_image_add_bytes(image, "0123456789", 10),
	};
	const struct tree_entry entries[] = {
		{ .path = "lib", .mode = S_IFDIR | 0555, .mtime_s = 12345 },
		{ .path = "lib/sparse",
		  .mode = S_IFREG | 0640,
		  .mtime_s = -5,
		  .mtime_ns = 999999999,
		  .size = 2 << 20,
		  .extents = &extent,
		  .extent_count = 1 },
		{ .path = "lib/set",
		  .mode = S_IFREG | 06711,
		  .mtime_s = 1,
		  .xattrs = &note,
		  .xattr_count = 1 },
		{ .path = "lib/link",
		  .symlink = "../../nowhere",
		  .mode = S_IFLNK | 0777,
		  .mtime_s = 77,
		  .mtime_ns = 1 },
		{ .path = "lib/pipe", .mode = S_IFIFO | 0600 },
		{ .path = "cold", .mode = S_IFDIR | 01777, .mtime_s = 5 },
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		fs_test_image_add(image, &entries[i]);
	fs_test_image_add_file(image, "lib/big", big, sizeof(big));
	fs_test_image_add_file(image, "cold/one", "1", 1);
	fs_test_image_add_file(image, "cold/empty", "", 0);
}

static uint32_t number_of(const char *path)
{
	uint32_t number = 0;

	cr_assert_eq(index_file_resolve(image->index, path, false, &number), 0,
		     "%s", path);
	return number;
}

/* Opens the image, has all its chunks at hand, and makes a record. */
static void open_image(void)
{
	struct index_figures figures;
	struct error err = { 0 };

	fs_test_image_open(image);
	index_file_get_figures(image->index, &figures);
	for (uint32_t i = 0; i < figures.chunk_count; i++) {
		struct chunk *chunk = NULL;

		cr_assert_eq(chunk_loader_get(image->loader, i, &chunk, &err),
			     0, "%s", err.text);
		chunk_unref(chunk);
	}
	record = hot_record_create(figures.inode_count);
	folder = (struct hot_folder)HOT_FOLDER_INIT;
	cr_assert_eq(hot_folder_open(cache_fd,
				     index_file_manifest_digest(image->index),
				     true, &folder, &err),
		     0, "%s", err.text);
	cr_assert_eq(hot_folder_try_builder(&folder), NODE_LOCK_HELD);
}

static struct hot_build_options usual_options(void)
{
	return (struct hot_build_options){
		.index = image->index,
		.loader = image->loader,
		.record = record,
		.maps_ids = true,
		.wants_whole = true,
		.size_max = 1 << 30,
	};
}

static void build_and_open(const struct hot_build_options *options)
{
	struct error err = { 0 };

	cr_assert_eq(hot_build(&folder, options, &err), 0, "%s", err.text);
	cr_assert_eq(hot_tree_open(cache_fd, image->index, options->maps_ids,
				   &tree, &err),
		     0, "%s", err.text);
}

static const char *path_of(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s%s", tree->path, name);
	return path;
}

/* The file's attributes are those of the index. */
static void expect_same(const char *name)
{
	struct index_inode inode;
	struct stat st = { 0 };

	cr_assert_eq(
		index_file_get_inode(image->index, number_of(name), &inode), 0);
	cr_assert_eq(lstat(path_of(name), &st), 0, "%s", name);
	cr_expect_eq(st.st_mode, inode.mode, "%s: %o", name, st.st_mode);
	cr_expect_eq(st.st_mtim.tv_sec, inode.mtime_s, "%s", name);
	cr_expect_eq(st.st_mtim.tv_nsec, inode.mtime_ns, "%s", name);
	cr_expect_eq(st.st_uid, geteuid());
	if (S_ISDIR(inode.mode))
		return;
	cr_expect_eq(st.st_size, (off_t)inode.size, "%s", name);
	cr_expect_eq(st.st_nlink, inode.nlink, "%s", name);
}

static bool points(const char *name)
{
	char value[64] = "";
	char expected[64];
	ssize_t n = getxattr(path_of(name), "user.overlay.redirect", value,
			     sizeof(value) - 1);

	if (n < 0)
		return false;
	snprintf(expected, sizeof(expected), "/.lazyrun:%x", number_of(name));
	cr_expect_str_eq(value, expected);
	cr_expect_eq(getxattr(path_of(name), "user.overlay.metacopy", NULL, 0),
		     0);
	return true;
}

static bool is_opaque(const char *name)
{
	return getxattr(path_of(name), "user.overlay.opaque", NULL, 0) == 1;
}

static void expect_content(const char *name, const void *data, size_t size)
{
	static uint8_t bytes[sizeof(big) + 1];
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s", name);
	cr_expect_eq(read(fd, bytes, sizeof(bytes)), (ssize_t)size, "%s", name);
	cr_expect_arr_eq(bytes, data, size, "%s", name);
	close(fd);
}

Test(hot_build, a_whole_tree_has_every_name_as_the_index_says)
{
	static const char *const names[] = {
		"/lib",	     "/lib/sparse", "/lib/set",	 "/lib/link",
		"/lib/pipe", "/lib/big",    "/lib/twin", "/cold",
		"/cold/one", "/cold/empty",
	};
	const struct tree_entry twin = { .path = "lib/twin",
					 .hard_link = "lib/big" };
	struct hot_build_options options;
	char target[64] = "";
	char value[8] = "";

	add_usual();
	fs_test_image_add(image, &twin);
	open_image();
	hot_record_add(record, number_of("/lib/big"));
	hot_record_add(record, number_of("/lib/sparse"));
	options = usual_options();
	build_and_open(&options);
	cr_expect_eq(tree->stamp.kind, HOT_STAMP_WHOLE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_same(names[i]);
	expect_content("/lib/big", big, sizeof(big));
	expect_content("/lib/twin", big, sizeof(big));
	cr_expect(points("/cold/one"));
	cr_expect(points("/lib/set") == false, "empty files need no pointer");
	cr_expect_not(points("/lib/big"));
	cr_expect_eq(readlink(path_of("/lib/link"), target, 63), 13);
	cr_expect_str_eq(target, "../../nowhere");
	cr_expect_eq(getxattr(path_of("/lib/set"), "user.note", value, 8), 5);
	cr_expect_str_eq(value, "hello");
	cr_expect_not(is_opaque("/lib"));
	cr_expect_eq(tree->stamp.content_count, 2);
}

Test(hot_build, files_of_a_tree_are_opened_by_their_inodes)
{
	static uint8_t bytes[sizeof(big) + 1];
	struct hot_build_options options;
	uint32_t number;
	int fd;

	add_usual();
	open_image();
	number = number_of("/lib/big");
	hot_record_add(record, number);
	options = usual_options();
	for (int whole = 0; whole <= 1; whole++) {
		options.wants_whole = whole;
		hot_tree_close(tree);
		build_and_open(&options);
		fd = hot_tree_open_file(tree, image->index, number);
		cr_assert_geq(fd, 0, "whole %d: %d", whole, fd);
		cr_expect_eq(read(fd, bytes, sizeof(bytes)), sizeof(big));
		cr_expect_arr_eq(bytes, big, sizeof(big));
		close(fd);
		cr_expect_eq(hot_tree_open_file(tree, image->index,
						number_of("/cold/one")),
			     -ENOENT, "a pointer, or nothing");
		cr_expect_eq(hot_tree_open_file(tree, image->index,
						number_of("/lib")),
			     -EBADMSG, "a directory");
		cr_expect_eq(hot_tree_open_file(tree, image->index, 1u << 30),
			     -EBADMSG, "no inode");
	}
	/* not what was built */
	cr_assert_eq(truncate(path_of("/lib/big"), 5), 0);
	cr_expect_eq(hot_tree_open_file(tree, image->index, number), -ENOENT);
	cr_assert_eq(unlink(path_of("/lib/big")), 0);
	cr_assert_eq(symlink("/etc/passwd", path_of("/lib/big")), 0);
	cr_expect_eq(hot_tree_open_file(tree, image->index, number), -ELOOP);
}

Test(hot_build, holes_stay_holes)
{
	struct hot_build_options options;
	struct stat st;
	char bytes[16];
	int fd;

	add_usual();
	open_image();
	hot_record_add(record, number_of("/lib/sparse"));
	options = usual_options();
	build_and_open(&options);
	cr_assert_eq(stat(path_of("/lib/sparse"), &st), 0);
	cr_expect_lt(st.st_blocks, 256, "%ld", (long)st.st_blocks);
	fd = open(path_of("/lib/sparse"), O_RDONLY | O_CLOEXEC);
	cr_expect_eq(pread(fd, bytes, 12, (1 << 20) - 1), 12);
	cr_expect_arr_eq(bytes,
			 "\0"
			 "0123456789",
			 12);
	close(fd);
}

Test(hot_build, a_partial_tree_has_what_was_read_and_ways_to_it)
{
	struct hot_build_options options;

	add_usual();
	open_image();
	hot_record_add(record, number_of("/lib/big"));
	options = usual_options();
	options.wants_whole = false;
	build_and_open(&options);
	cr_expect_eq(tree->stamp.kind, HOT_STAMP_PARTIAL);
	expect_same("/lib");
	expect_same("/lib/big");
	expect_same("/lib/link");
	expect_same("/lib/set"); /* empty, so complete */
	expect_content("/lib/big", big, sizeof(big));
	cr_expect_neq(access(path_of("/lib/sparse"), F_OK), 0);
	cr_expect_neq(access(path_of("/cold"), F_OK), 0);
	cr_expect_not(is_opaque("/lib"), "it lacks a file");
}

Test(hot_build, a_complete_directory_of_a_partial_tree_is_opaque)
{
	struct hot_build_options options;

	add_usual();
	open_image();
	hot_record_add(record, number_of("/lib/big"));
	hot_record_add(record, number_of("/lib/sparse"));
	options = usual_options();
	options.wants_whole = false;
	build_and_open(&options);
	cr_expect(is_opaque("/lib"));
	expect_same("/lib");
}

Test(hot_build, an_inode_that_cannot_be_made_makes_the_tree_partial)
{
	static const struct tree_xattr opaque = { "user.overlay.opaque", "y",
						  1 };
	const struct tree_entry entries[] = {
		{ .path = "lib/strange",
		  .mode = S_IFREG | 0644,
		  .xattrs = &opaque,
		  .xattr_count = 1 },
		{ .path = "lib/dir",
		  .mode = S_IFDIR | 0755,
		  .xattrs = &opaque,
		  .xattr_count = 1 },
		{ .path = "lib/null", .mode = S_IFCHR | 0644 },
	};
	struct hot_build_options options;

	add_usual();
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		fs_test_image_add(image, &entries[i]);
	fs_test_image_add_file(image, "lib/dir/inside", "in", 2);
	open_image();
	hot_record_add(record, number_of("/lib/big"));
	hot_record_add(record, number_of("/lib/sparse"));
	hot_record_add(record, number_of("/lib/dir/inside"));
	options = usual_options();
	build_and_open(&options);
	cr_expect_eq(tree->stamp.kind, HOT_STAMP_PARTIAL);
	cr_expect_neq(faccessat(AT_FDCWD, path_of("/lib/strange"), F_OK,
				AT_SYMLINK_NOFOLLOW),
		      0);
	cr_expect_neq(access(path_of("/lib/null"), F_OK), 0, "a whiteout");
	cr_expect_neq(access(path_of("/lib/dir"), F_OK), 0);
	cr_expect_not(is_opaque("/lib"));
	expect_same("/lib/big");
}

Test(hot_build, devices_below_dev_are_left_out)
{
	const struct tree_entry entries[] = {
		{ .path = "dev/null",
		  .mode = S_IFCHR | 0666,
		  .rdev_major = 1,
		  .rdev_minor = 3 },
		{ .path = "dev/log", .symlink = "/x", .mode = S_IFLNK | 0777 },
	};
	struct hot_build_options options;

	add_usual();
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		fs_test_image_add(image, &entries[i]);
	open_image();
	options = usual_options();
	build_and_open(&options);
	cr_expect_eq(tree->stamp.kind, HOT_STAMP_WHOLE);
	cr_expect_neq(access(path_of("/dev/null"), F_OK), 0);
	expect_same("/dev/log");
}

/* As open_image(), but no chunk is at hand; /lib/big has been read. */
static void open_image_cold(void)
{
	struct index_figures figures;

	fs_test_image_open(image);
	index_file_get_figures(image->index, &figures);
	record = hot_record_create(figures.inode_count);
	folder = (struct hot_folder)HOT_FOLDER_INIT;
	cr_assert_eq(hot_folder_open(cache_fd,
				     index_file_manifest_digest(image->index),
				     true, &folder, NULL),
		     0);
	hot_record_add(record, number_of("/lib/big"));
}

Test(hot_build, a_file_that_is_not_at_hand_stays_a_pointer)
{
	struct hot_build_options options;

	add_usual();
	open_image_cold();
	options = usual_options();
	options.fetch_size_max = sizeof(big) - 1;
	build_and_open(&options);
	cr_expect(points("/lib/big"));
	expect_same("/lib/big");
	cr_expect_eq(tree->stamp.content_count, 0);
}

Test(hot_build, a_file_that_may_be_fetched_gets_its_contents)
{
	struct hot_build_options options;

	add_usual();
	open_image_cold();
	options = usual_options();
	options.fetch_size_max = sizeof(big);
	build_and_open(&options);
	cr_expect_not(points("/lib/big"));
	expect_content("/lib/big", big, sizeof(big));
	cr_expect_eq(tree->stamp.content_count, 1);
}

Test(hot_build, larger_files_give_way_to_the_bound)
{
	struct hot_build_options options;

	add_usual();
	open_image();
	hot_record_add(record, number_of("/lib/big"));
	hot_record_add(record, number_of("/cold/one"));
	options = usual_options();
	options.size_max = 100000;
	build_and_open(&options);
	cr_expect(points("/lib/big"));
	expect_content("/cold/one", "1", 1);
	cr_expect_leq(tree->stamp.size, 100000);
}

static bool stop_third(void *arg)
{
	int *count = arg;

	return ++*count == 3;
}

Test(hot_build, what_is_given_up_leaves_the_old_tree)
{
	struct hot_build_options options;
	uint64_t generation;
	int count = 0;

	add_usual();
	open_image();
	options = usual_options();
	build_and_open(&options);
	generation = tree->stamp.generation;
	options.should_stop = stop_third;
	options.arg = &count;
	cr_expect_eq(hot_build(&folder, &options, NULL), -ECANCELED);
	hot_tree_close(tree);
	tree = NULL;
	cr_assert_eq(hot_tree_open(cache_fd, image->index, true, &tree, NULL),
		     0);
	cr_expect_eq(tree->stamp.generation, generation);
	cr_expect_eq(hot_folder_sweep(&folder), 0, "nothing was left behind");
}

Test(hot_build, a_new_tree_takes_the_place_of_one_in_use)
{
	struct hot_build_options options;
	struct hot_tree *newer = NULL;

	add_usual();
	open_image();
	options = usual_options();
	build_and_open(&options);
	hot_record_add(record, number_of("/lib/big"));
	cr_assert_eq(hot_build(&folder, &options, NULL), 0);
	cr_expect(points("/lib/big"), "the one in use stays as it was");
	cr_assert_eq(hot_tree_open(cache_fd, image->index, true, &newer, NULL),
		     0);
	cr_expect_neq(newer->stamp.generation, tree->stamp.generation);
	hot_tree_close(tree);
	tree = newer;
	expect_content("/lib/big", big, sizeof(big));
	cr_expect_eq(hot_folder_sweep(&folder), 0);
}

Test(hot_build, a_tree_for_others_is_not_used)
{
	struct hot_build_options options;
	struct hot_stamp stamp;
	struct hot_tree *other = NULL;

	add_usual();
	open_image();
	options = usual_options();
	build_and_open(&options);
	cr_expect_eq(hot_tree_open(cache_fd, image->index, false, &other, NULL),
		     -ENOENT, "made for mapped ids");
	stamp = tree->stamp;
	stamp.index_hash++;
	cr_assert_eq(hot_folder_publish(&folder, &stamp, NULL), 0);
	cr_expect_eq(hot_tree_open(cache_fd, image->index, true, &other, NULL),
		     -ENOENT, "made of another index");
	cr_assert_eq(ftruncate(openat(folder.fd, "current", O_WRONLY), 5), 0);
	cr_expect_eq(hot_tree_open(cache_fd, image->index, true, &other, NULL),
		     -EBADMSG, "damaged");
	cr_expect_null(other);
}

Test(hot_build, root_shows_the_images_own_ids)
{
	const struct tree_entry entry = {
		.path = "theirs",
		.mode = S_IFREG | 04755,
		.uid = 12,
		.gid = 70000,
	};
	struct hot_build_options options;
	struct stat st = { 0 };

	if (geteuid() != 0)
		cr_skip_test("only root gives files away");
	add_usual();
	fs_test_image_add(image, &entry);
	open_image();
	options = usual_options();
	options.maps_ids = false;
	build_and_open(&options);
	cr_expect_eq(tree->stamp.kind, HOT_STAMP_WHOLE);
	cr_assert_eq(stat(path_of("/theirs"), &st), 0);
	cr_expect_eq(st.st_uid, 12);
	cr_expect_eq(st.st_gid, 70000);
	cr_expect_eq(st.st_mode, S_IFREG | 04755);
}
