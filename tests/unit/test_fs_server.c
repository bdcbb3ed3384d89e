/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filesystem, really mounted: tests skip themselves where that cannot be.
 */
#include "fs/fs_server.h"

#include "common/error.h"
#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_loader.h"
#include "index/tree.h"
#include "tests/support/fs_test_image.h"
#include "tests/support/fs_test_mount.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum {
	BIG_SIZE = (3 << 20) + 12345,
	MANY_COUNT = 5000,
	GAP_SIZE = 100, /* see add_pieces() */
	PIECE_COUNT = 400,
};

static struct fs_test_image *image;
static struct fs_test_mount mounted;
static uint8_t big[BIG_SIZE];
static uint64_t big_off; /* in the layer */

/* A file of small pieces and small holes. */
static void add_pieces(void)
{
	struct tree_extent extents[PIECE_COUNT];
	const struct tree_entry entry = {
		.path = "pieces",
		.mode = S_IFREG | 0644,
		.size = (uint64_t)PIECE_COUNT * 2 * GAP_SIZE,
		.extents = extents,
		.extent_count = PIECE_COUNT,
	};
	uint64_t off = fs_test_image_add_bytes(image, big,
					       (size_t)PIECE_COUNT * GAP_SIZE);

	for (uint64_t i = 0; i < PIECE_COUNT; i++)
		extents[i] = (struct tree_extent){
			.file_off = (2 * i + 1) * GAP_SIZE,
			.size = GAP_SIZE,
			.raw_off = off + i * GAP_SIZE,
		};
	fs_test_image_add(image, &entry);
}

static void add_special(void)
{
	static const struct tree_xattr xattr = { "user.note", "hello", 5 };
	const struct tree_extent extent = {
		.file_off = 1 << 20,
		.size = 10,
		.raw_off = fs_test_image_add_bytes(image, "0123456789", 10),
	};
	const struct tree_entry entries[] = {
		{ .path = "sparse",
		  .mode = S_IFREG | 0600,
		  .size = 2 << 20,
		  .extents = &extent,
		  .extent_count = 1 },
		{ .path = "old",
		  .mode = S_IFREG | 04711,
		  .mtime_s = -86400,
		  .mtime_ns = 5,
		  .xattrs = &xattr,
		  .xattr_count = 1,
		  .uid = 12,
		  .gid = 70000 },
		{ .path = "link", .symlink = "dir/../big", .mode = 0777 },
		{ .path = "twin", .hard_link = "big" },
		{ .path = "pipe", .mode = S_IFIFO | 0600 },
		{ .path = "tty",
		  .mode = S_IFCHR | 0620,
		  .rdev_major = 4,
		  .rdev_minor = 300 },
	};
	struct tree_entry entry;

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		entry = entries[i];
		if (entry.symlink)
			entry.mode |= S_IFLNK;
		fs_test_image_add(image, &entry);
	}
}

static void make_image(struct chunk_cache *cache)
{
	char path[64];

	fs_test_image_fill(big, sizeof(big), 1);
	image = fs_test_image_create();
	image->cache = cache;
	big_off = image->layer_size;
	fs_test_image_add_file(image, "big", big, sizeof(big));
	fs_test_image_add_file(image, "empty", "", 0);
	fs_test_image_add_file(image, "one", "1", 1);
	fs_test_image_add_file(image, "page", big, 4096);
	for (int i = 0; i < MANY_COUNT; i++) {
		snprintf(path, sizeof(path), "dir/file-%d", i);
		fs_test_image_add_file(image, path, path, (size_t)i % 40);
	}
	add_pieces();
	add_special();
	fs_test_image_open(image);
}

static void start_cached(const struct fs_server_options *options,
			 struct chunk_cache *cache)
{
	const char *reason = fs_test_mount_enter();

	if (reason)
		cr_skip_test("%s", reason);
	log_set_level(LOG_ERROR);
	make_image(cache);
	fs_test_mount_start(&mounted, image, options);
}

static void start_with(const struct fs_server_options *options)
{
	start_cached(options, NULL);
}

static void start(void)
{
	const struct fs_server_options options = { 0 };

	start_with(&options);
}

static void end(void)
{
	fs_test_mount_end(&mounted);
	fs_test_image_destroy(image);
}

static char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", mounted.dir, name);
	return path;
}

static int open_file(const char *name)
{
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s: errno %d", name, errno);
	return fd;
}

/* What read(2) gives of a whole file; -errno on failure. */
static ssize_t read_file(const char *name, uint8_t *ret, size_t capacity)
{
	int fd = open_file(name);
	size_t done = 0;
	ssize_t n;

	do {
		n = read(fd, ret + done, capacity - done);
		if (n < 0)
			n = -errno;
		else
			done += (size_t)n;
	} while (n > 0);
	close(fd);
	return n < 0 ? n : (ssize_t)done;
}

static struct fs_server_counters counters(void)
{
	struct fs_server_counters ret;

	fs_server_get_counters(mounted.server, &ret);
	return ret;
}

TestSuite(fs_server, .timeout = 60);

Test(fs_server, serves_the_bytes_of_files)
{
	static uint8_t data[BIG_SIZE + 1];
	static const struct {
		off_t off;
		size_t size;
		ssize_t expected;
	} cases[] = {
		{ 0, 1, 1 },
		{ 65535, 2, 2 },
		{ 65536, 65536, 65536 },
		{ 1, 1 << 20, 1 << 20 },
		{ BIG_SIZE - 1, 100, 1 },
		{ BIG_SIZE, 100, 0 },
		{ (off_t)BIG_SIZE * 1000, 100, 0 },
	};
	const uint8_t *mapped;
	int fd;

	start();
	fd = open_file("big");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(pread(fd, data, cases[i].size, cases[i].off),
			     cases[i].expected, "case: %zu", i);
		cr_assert_arr_eq(data, big + cases[i].off % (BIG_SIZE + 1),
				 (size_t)cases[i].expected, "case: %zu", i);
	}
	mapped = mmap(NULL, BIG_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	cr_assert_neq(mapped, MAP_FAILED);
	cr_expect(memcmp(mapped, big, BIG_SIZE) == 0);
	munmap((void *)mapped, BIG_SIZE);
	close(fd);
	cr_expect_eq(read_file("empty", data, sizeof(data)), 0);
	cr_expect_eq(read_file("one", data, sizeof(data)), 1);
	cr_expect_eq(data[0], '1');
	cr_expect_eq(read_file("twin", data, sizeof(data)), BIG_SIZE);
	cr_expect(memcmp(data, big, BIG_SIZE) == 0);
	cr_expect_eq(counters().failed, 0);
	end();
}

/* The first mount fetches, those after it find what the cache has. */
Test(fs_server, serves_what_lies_in_files_of_the_cache)
{
	static uint8_t data[BIG_SIZE];
	const struct fs_server_options options = { 0 };
	struct chunk_loader_counters before;
	struct chunk_loader_counters after;
	struct chunk_cache *cache;
	char dir[TEMP_DIR_SIZE];
	uint8_t some[100];
	int fd;

	temp_dir_create(dir);
	cr_assert_eq(chunk_cache_open(dir, 1 << 30, &cache, NULL), 0);
	start_cached(&options, cache);
	cr_expect_eq(read_file("big", data, sizeof(data)), BIG_SIZE);
	for (unsigned i = 0; i < 2; i++) {
		fs_test_mount_end(&mounted);
		fs_test_mount_start(&mounted, image, &options);
		chunk_loader_get_counters(image->loader, &before);
		memset(data, 0, sizeof(data));
		cr_expect_eq(read_file("big", data, sizeof(data)), BIG_SIZE);
		cr_expect(memcmp(data, big, BIG_SIZE) == 0, "round %u", i);
		chunk_loader_get_counters(image->loader, &after);
	}
	cr_expect_gt(after.cache_hits, before.cache_hits + 10);
	/* of pieces and holes, too many to be gathered; and a few bytes */
	cr_expect_eq(read_file("pieces", data, sizeof(data)),
		     PIECE_COUNT * 2 * GAP_SIZE);
	for (unsigned i = 0; i < PIECE_COUNT; i++)
		cr_assert_arr_eq(data + (2 * i + 1) * GAP_SIZE,
				 big + i * GAP_SIZE, GAP_SIZE, "piece %u", i);
	fs_test_mount_end(&mounted);
	fs_test_mount_start(&mounted, image, &options);
	fd = open(path_of("big"), O_RDONLY | O_CLOEXEC | O_DIRECT);
	cr_assert_geq(fd, 0);
	cr_expect_eq(pread(fd, some, sizeof(some), 700000), sizeof(some));
	cr_expect_arr_eq(some, big + 700000, sizeof(some));
	close(fd);
	cr_expect_eq(counters().failed, 0);
	end();
	chunk_cache_close(cache);
	temp_dir_remove(dir);
}

Test(fs_server, answers_direct_reads)
{
	static uint8_t data[1 << 20] __attribute__((aligned(4096)));
	int fd;

	start();
	fd = open(path_of("big"), O_RDONLY | O_DIRECT | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, data, sizeof(data), 8192), sizeof(data));
	cr_expect(memcmp(data, big + 8192, sizeof(data)) == 0);
	close(fd);
	end();
}

Test(fs_server, reads_holes_as_zeros_and_finds_them)
{
	static uint8_t data[2 << 20];
	static const uint8_t nothing[1 << 20];
	int fd;

	start();
	cr_assert_eq(read_file("sparse", data, sizeof(data)), 2 << 20);
	cr_expect(memcmp(data, nothing, 1 << 20) == 0);
	cr_expect(memcmp(data + (1 << 20), "0123456789", 10) == 0);
	cr_expect(memcmp(data + (1 << 20) + 10, nothing, (1 << 20) - 10) == 0);
	fd = open_file("sparse");
	cr_expect_eq(lseek(fd, 0, SEEK_DATA), 1 << 20);
	cr_expect_eq(lseek(fd, 0, SEEK_HOLE), 0);
	cr_expect_eq(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 10);
	cr_expect_eq(lseek(fd, (1 << 20) + 10, SEEK_DATA), -1);
	cr_expect_eq(errno, ENXIO);
	cr_expect_eq(lseek(fd, 2 << 20, SEEK_HOLE), -1);
	cr_expect_eq(errno, ENXIO);
	close(fd);
	fd = open_file("big");
	cr_expect_eq(lseek(fd, 7, SEEK_DATA), 7);
	cr_expect_eq(lseek(fd, 7, SEEK_HOLE), BIG_SIZE);
	close(fd);
	cr_expect_eq(counters().failed, 0);
	end();
}

Test(fs_server, puts_a_file_of_many_pieces_together)
{
	static uint8_t data[PIECE_COUNT * 2 * GAP_SIZE];

	start();
	cr_assert_eq(read_file("pieces", data, sizeof(data)), sizeof(data));
	for (int i = 0; i < PIECE_COUNT; i++) {
		const uint8_t *hole = data + (size_t)i * 2 * GAP_SIZE;

		cr_assert_eq(hole[0], 0);
		cr_assert_eq(hole[GAP_SIZE - 1], 0);
		cr_assert_arr_eq(hole + GAP_SIZE, big + (size_t)i * GAP_SIZE,
				 GAP_SIZE, "piece %d", i);
	}
	end();
}

Test(fs_server, lists_a_directory_of_5000_entries)
{
	static bool is_seen[MANY_COUNT];
	const struct dirent *entry;
	struct stat attr;
	int count = 0;
	DIR *dir;

	start();
	dir = opendir(path_of("dir"));
	cr_assert_not_null(dir);
	while ((entry = readdir(dir))) {
		int number;

		if (entry->d_name[0] == '.')
			continue;
		cr_assert_eq(sscanf(entry->d_name, "file-%d", &number), 1);
		cr_assert(!is_seen[number]);
		is_seen[number] = true;
		count++;
		cr_assert_eq(entry->d_type, DT_REG);
		cr_assert_eq(fstatat(dirfd(dir), entry->d_name, &attr,
				     AT_SYMLINK_NOFOLLOW),
			     0);
		cr_assert_eq(attr.st_size, number % 40);
		cr_assert_eq(attr.st_ino, entry->d_ino);
	}
	closedir(dir);
	cr_expect_eq(count, MANY_COUNT);
	/* readdirplus told them all: nobody looked one up */
	cr_expect_lt(counters().lookups, 10);
	end();
}

Test(fs_server, shows_what_stat_asks)
{
	struct statvfs figures;
	struct stat attr;
	struct stat twin;
	char target[64];

	start();
	cr_assert_eq(lstat(path_of("old"), &attr), 0);
	cr_expect_eq(attr.st_mode, S_IFREG | 04711);
	cr_expect_eq(attr.st_mtim.tv_sec, -86400);
	cr_expect_eq(attr.st_mtim.tv_nsec, 5);
	cr_assert_eq(lstat(path_of("big"), &attr), 0);
	cr_assert_eq(lstat(path_of("twin"), &twin), 0);
	cr_expect_eq(attr.st_ino, twin.st_ino);
	cr_expect_eq(attr.st_nlink, 2);
	cr_expect_eq(attr.st_size, BIG_SIZE);
	cr_assert_eq(lstat(path_of("tty"), &attr), 0);
	cr_expect_eq(attr.st_mode, S_IFCHR | 0620);
	cr_expect_eq(attr.st_rdev, makedev(4, 300));
	cr_assert_eq(lstat(path_of("pipe"), &attr), 0);
	cr_expect(S_ISFIFO(attr.st_mode));
	cr_assert_eq(readlink(path_of("link"), target, sizeof(target)), 10);
	cr_expect_arr_eq(target, "dir/../big", 10);
	cr_assert_eq(stat(path_of("link"), &attr), 0);
	cr_expect_eq(attr.st_ino, twin.st_ino);
	cr_assert_eq(statvfs(mounted.dir, &figures), 0);
	cr_expect_gt(figures.f_files, MANY_COUNT);
	cr_expect_eq(figures.f_blocks, image->layer_size / 4096);
	cr_expect_eq(figures.f_bfree, 0);
	cr_expect_eq(figures.f_namemax, 255);
	end();
}

Test(fs_server, shows_ids_of_the_image_or_of_the_mapped_user)
{
	const struct fs_server_options mapped = { .map_ids = true };
	struct stat attr;

	if (!fs_test_mount_maps_all_ids())
		cr_skip_test("only root sees more than its own ids");
	start();
	cr_assert_eq(lstat(path_of("old"), &attr), 0);
	cr_expect_eq(attr.st_uid, 12);
	cr_expect_eq(attr.st_gid, 70000);
	end();
	start_with(&mapped);
	cr_assert_eq(lstat(path_of("old"), &attr), 0);
	cr_expect_eq(attr.st_uid, 0);
	cr_expect_eq(attr.st_gid, 0);
	end();
}

Test(fs_server, is_asked_once_for_what_is_not_there)
{
	char name[257];
	struct stat attr;
	uint64_t before;

	start();
	before = counters().lookups;
	for (int i = 0; i < 5; i++) {
		cr_expect_eq(stat(path_of("missing"), &attr), -1);
		cr_expect_eq(errno, ENOENT);
		cr_expect_eq(stat(path_of("one"), &attr), 0);
	}
	cr_expect_eq(counters().lookups, before + 2);
	cr_expect_eq(stat(path_of("one/below"), &attr), -1);
	cr_expect_eq(errno, ENOTDIR);
	memset(name, 'n', 256);
	name[256] = '\0';
	cr_expect_eq(open(path_of(name), O_RDONLY), -1);
	cr_expect_eq(errno, ENAMETOOLONG);
	cr_expect_eq(counters().failed, 0);
	end();
}

Test(fs_server, answers_to_inode_numbers_only_when_asked_to)
{
	const struct fs_server_options options = { .has_inode_names = true };
	static const char *const none[] = {
		"dir/.lazyrun:1",
		".lazyrun:",
		".lazyrun:1",
		".lazyrun:ffffffff",
		".lazyrun:123456789abc",
		".lazyrun:G",
		".lazyrun:-1",
	};
	char name[64];
	struct stat st;
	struct stat named;

	start_with(&options);
	cr_assert_eq(stat(path_of("page"), &st), 0);
	snprintf(name, sizeof(name), ".lazyrun:%lx", (unsigned long)st.st_ino);
	cr_assert_eq(stat(path_of(name), &named), 0);
	cr_expect_eq(named.st_ino, st.st_ino);
	cr_expect_eq(named.st_size, 4096);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		cr_expect_neq(stat(path_of(none[i]), &st), 0, "%s", none[i]);
		cr_expect_eq(errno, ENOENT, "%s", none[i]);
	}
	end();
	start();
	cr_expect_neq(stat(path_of(name), &named), 0);
	end();
}

Test(fs_server, is_not_asked_again_for_what_the_kernel_keeps)
{
	uint8_t data[4096];
	char target[64];
	struct stat attr;
	uint64_t before;

	start();
	for (int i = 0; i < 3; i++) {
		before = counters().requests;
		cr_assert_eq(read_file("page", data, sizeof(data)), 4096);
		cr_assert_gt(readlink(path_of("link"), target, 64), 0);
		cr_assert_eq(stat(path_of("old"), &attr), 0);
	}
	cr_expect_eq(counters().requests, before);
	end();
}

Test(fs_server, answers_xattrs)
{
	/* in a user namespace an unmapped owner would hide them */
	const struct fs_server_options options = { .map_ids = true };
	char value[128];
	char names[1024];
	ssize_t n;

	start_with(&options);
	cr_assert_eq(getxattr(path_of("old"), "user.note", value, 128), 5);
	cr_expect_arr_eq(value, "hello", 5);
	cr_expect_eq(getxattr(path_of("old"), "user.note", NULL, 0), 5);
	cr_expect_eq(getxattr(path_of("old"), "user.note", value, 4), -1);
	cr_expect_eq(errno, ERANGE);
	cr_expect_eq(getxattr(path_of("one"), "user.note", value, 128), -1);
	cr_expect_eq(errno, ENODATA);
	cr_expect_eq(listxattr(path_of("old"), names, sizeof(names)), 10);
	cr_expect_eq(listxattr(path_of("one"), names, sizeof(names)), 0);
	n = getxattr(mounted.dir, "user.lazyrun.image", value, 128);
	cr_assert_eq(n, 71);
	cr_expect_arr_eq(value, "sha256:", 7);
	n = getxattr(mounted.dir, "user.lazyrun.fuse_requests", value, 128);
	cr_assert_gt(n, 0);
	cr_expect_gt(listxattr(mounted.dir, names, sizeof(names)), 100);
	cr_expect_eq(counters().failed, 0);
	end();
}

Test(fs_server, is_asked_once_for_attributes_that_no_inode_has)
{
	static const struct tree_xattr capability = {
		.name = "security.capability",
		.value = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		.value_size = 20,
	};
	const struct tree_entry able = {
		.path = "able",
		.mode = S_IFREG | 0755,
		.xattrs = &capability,
		.xattr_count = 1,
	};
	const struct fs_server_options options = { .has_no_status = true };
	const char *reason = fs_test_mount_enter();
	uint64_t before;
	char value[16];

	if (reason)
		cr_skip_test("%s", reason);
	image = fs_test_image_create();
	fs_test_image_add_file(image, "one", "1", 1);
	fs_test_image_add_file(image, "two", "22", 2);
	/* file capabilities do nothing in a job, and are not shown */
	fs_test_image_add(image, &able);
	fs_test_image_open(image);
	fs_test_mount_start(&mounted, image, &options);
	cr_expect_eq(getxattr(path_of("one"), "user.note", value, 16), -1);
	cr_expect_eq(errno, EOPNOTSUPP);
	cr_expect_eq(listxattr(path_of("able"), value, sizeof(value)), 0);
	cr_expect_eq(access(path_of("two"), F_OK), 0);
	cr_expect_eq(listxattr(path_of("one"), value, sizeof(value)), 0);
	before = counters().requests;
	for (int i = 0; i < 10; i++) {
		cr_expect_eq(getxattr(path_of("two"), "user.x", value, 16), -1);
		cr_expect_eq(errno, EOPNOTSUPP);
	}
	cr_expect_eq(counters().requests, before);
	end();
}

Test(fs_server, answers_for_attributes_that_an_inode_has)
{
	const struct fs_server_options options = { .has_no_status = true };
	char value[128];

	start_with(&options);
	cr_expect_eq(getxattr(path_of("one"), "user.note", value, 128), -1);
	cr_expect_eq(errno, ENODATA);
	cr_expect_eq(getxattr(path_of("old"), "user.note", value, 128), 5);
	cr_expect_eq(getxattr(mounted.dir, "user.lazyrun.image", value, 128),
		     -1);
	cr_expect_eq(errno, ENODATA);
	end();
}

Test(fs_server, refuses_to_be_written)
{
	start();
	cr_expect_eq(open(path_of("one"), O_WRONLY), -1);
	cr_expect_eq(errno, EROFS);
	cr_expect_eq(open(path_of("new"), O_CREAT | O_RDWR, 0600), -1);
	cr_expect_eq(errno, EROFS);
	cr_expect_eq(mkdir(path_of("new"), 0700), -1);
	cr_expect_eq(errno, EROFS);
	cr_expect_eq(unlink(path_of("one")), -1);
	cr_expect_eq(errno, EROFS);
	end();
}

static void *read_big(void *arg)
{
	static uint8_t data[BIG_SIZE];
	ssize_t *ret = arg;

	*ret = read_file("big", data, sizeof(data));
	if (*ret == BIG_SIZE && memcmp(data, big, BIG_SIZE) != 0)
		*ret = -EBADMSG;
	return NULL;
}

Test(fs_server, answers_others_while_a_read_waits)
{
	struct stat attr;
	pthread_t thread;
	ssize_t n;

	start();
	fs_test_image_hold(image);
	pthread_create(&thread, NULL, read_big, &n);
	fs_test_image_wait_held(image, 1);
	cr_expect_gt(counters().parked, 0);
	cr_expect_eq(stat(path_of("dir/file-7"), &attr), 0);
	cr_expect_eq(attr.st_size, 7);
	cr_expect_eq(stat(path_of("missing"), &attr), -1);
	fs_test_image_release(image);
	pthread_join(thread, NULL);
	cr_expect_eq(n, BIG_SIZE);
	cr_expect_eq(counters().failed, 0);
	end();
}

/* Drops what the kernel keeps of big, so that it asks again. */
static void forget_big(void)
{
	int fd = open_file("big");

	cr_expect_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
}

static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Chunks at hand, read by one stream. */
Test(fs_server, answers_one_stream_with_one_reader)
{
	const struct fs_server_options options = { .threads = 4 };
	ssize_t n;

	start_with(&options);
	for (int i = 0; i < 5; i++) {
		read_big(&n);
		cr_expect_eq(n, BIG_SIZE);
		forget_big();
	}
	cr_expect_geq(counters().reads, 5);
	cr_expect_eq(counters().shared, 0);
	end();
}

struct half {
	off_t begin;
	bool is_bad;
};

/* Of big, again and again, until another reader than the first has helped. */
static void *read_half(void *arg)
{
	const int64_t end_s = now_s() + 30;
	struct half *half = arg;
	uint8_t *data = malloc(BIG_SIZE / 2);
	int fd = open_file("big");

	while (counters().shared == 0 && now_s() < end_s && !half->is_bad) {
		half->is_bad = pread(fd, data, BIG_SIZE / 2, half->begin) !=
				       BIG_SIZE / 2 ||
			       memcmp(data, big + half->begin, BIG_SIZE / 2);
		posix_fadvise(fd, half->begin, BIG_SIZE / 2,
			      POSIX_FADV_DONTNEED);
	}
	close(fd);
	free(data);
	return NULL;
}

Test(fs_server, answers_several_streams_with_further_readers)
{
	const struct fs_server_options options = { .threads = 2 };
	struct half halves[2] = { { 0 }, { .begin = BIG_SIZE / 2 } };
	pthread_t threads[2];

	start_with(&options);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, read_half, &halves[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	cr_expect(!halves[0].is_bad && !halves[1].is_bad);
	cr_expect_gt(counters().shared, 0);
	end();
}

Test(fs_server, turns_wrong_bytes_into_an_io_error)
{
	uint8_t data[4096];
	int fd;

	start();
	fs_test_image_spoil(image, big_off + (1 << 20));
	fd = open_file("big");
	cr_expect_eq(pread(fd, data, 4096, 1 << 20), -1);
	cr_expect_eq(errno, EIO);
	cr_expect_eq(pread(fd, data, 4096, 2 << 20), 4096);
	cr_expect_arr_eq(data, big + (2 << 20), 4096);
	close(fd);
	cr_expect_gt(counters().failed, 0);
	end();
}

static unsigned observed_count;

static void observe(void *arg, uint32_t inode, uint64_t off, uint64_t size)
{
	(void)off;
	cr_expect_eq(arg, &observed_count);
	cr_expect_gt(inode, 0);
	cr_expect_eq(size, 1);
	observed_count++;
}

Test(fs_server, tells_who_observes_reads)
{
	const struct fs_server_options options = {
		.read_observed = observe,
		.arg = &observed_count,
	};
	uint8_t data[8];

	start_with(&options);
	cr_expect_eq(read_file("one", data, sizeof(data)), 1);
	end();
	cr_expect_eq(observed_count, 1);
}

Test(fs_server, stops_without_a_request)
{
	start();
	fs_server_stop(mounted.server);
	cr_expect_eq(fs_test_mount_wait(&mounted), 0);
	end();
}

Test(fs_server, ends_when_it_is_unmounted)
{
	struct stat attr;

	start();
	cr_expect_eq(stat(path_of("one"), &attr), 0);
	cr_assert_eq(umount2(mounted.dir, 0), 0);
	cr_expect_eq(fs_test_mount_wait(&mounted), 0);
	end();
}

Test(fs_server, fails_what_waits_when_it_is_destroyed)
{
	pthread_t thread;
	ssize_t n = 0;

	start();
	fs_test_image_hold(image);
	pthread_create(&thread, NULL, read_big, &n);
	fs_test_image_wait_held(image, 1);
	fs_server_stop(mounted.server);
	fs_test_mount_end(&mounted);
	pthread_join(thread, NULL);
	cr_expect_lt(n, 0); /* EIO, or ENOTCONN for what was asked later */
	/* now the loader calls back for requests long answered */
	fs_test_image_destroy(image);
}
