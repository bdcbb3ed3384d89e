/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_gc.h"

#include "common/digest.h"
#include "common/error.h"
#include "hot/hot_folder.h"
#include "hot/hot_stamp.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGES = 3, SIZE = 1000 };

static char dir[TEMP_DIR_SIZE];
static int cache_fd;
static struct digest manifests[IMAGES];
static struct hot_folder folders[IMAGES];
static uint64_t generations[IMAGES];

/* One tree an image; the later ones were used later. */
static void setup(void)
{
	temp_dir_create(dir);
	cache_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < IMAGES; i++) {
		struct hot_stamp stamp = {
			.kind = HOT_STAMP_WHOLE,
			.size = SIZE,
		};
		const struct timespec times[2] = {
			{ .tv_sec = 1000000 + i },
			{ .tv_sec = 1000000 + i },
		};

		manifests[i].bytes[0] = (uint8_t)(i + 1);
		folders[i] = (struct hot_folder)HOT_FOLDER_INIT;
		cr_assert_eq(hot_folder_open(cache_fd, &manifests[i], true,
					     &folders[i], NULL),
			     0);
		close(hot_folder_make_tree(&folders[i], &stamp.generation,
					   NULL));
		cr_assert_eq(hot_folder_publish(&folders[i], &stamp, NULL), 0);
		hot_folder_release_tree(&folders[i], stamp.generation);
		cr_assert_eq(utimensat(folders[i].fd, "current", times, 0), 0);
		generations[i] = stamp.generation;
	}
}

static void teardown(void)
{
	for (int i = 0; i < IMAGES; i++)
		hot_folder_close(&folders[i]);
	close(cache_fd);
	temp_dir_remove(dir);
}

TestSuite(hot_gc, .init = setup, .fini = teardown);

static bool is_there(int i)
{
	char name[HOT_FOLDER_NAME_SIZE];

	hot_folder_format_tree(generations[i], name);
	return faccessat(folders[i].fd, name, F_OK, 0) == 0;
}

static void expect_usage(uint64_t count)
{
	struct hot_gc_usage usage = { 0 };

	cr_assert_eq(hot_gc_measure(cache_fd, &usage, NULL), 0);
	cr_expect_eq(usage.count, count);
	cr_expect_eq(usage.size, count * SIZE);
}

Test(hot_gc, measures_what_there_is)
{
	expect_usage(IMAGES);
	cr_assert_eq(hot_gc_remove(cache_fd, &manifests[1], NULL), 0);
	expect_usage(IMAGES - 1);
	cr_expect_not(is_there(1));
	cr_expect_eq(hot_gc_remove(cache_fd, &manifests[1], NULL), 0);
	cr_expect_eq(hot_gc_remove(cache_fd, NULL, NULL), 0);
	expect_usage(0);
}

Test(hot_gc, finds_nothing_without_a_folder)
{
	struct hot_gc_usage usage = { .count = 5 };

	cr_assert_eq(renameat(cache_fd, "hot", cache_fd, "other"), 0);
	cr_assert_eq(hot_gc_measure(cache_fd, &usage, NULL), 0);
	cr_expect_eq(usage.count, 0);
	cr_expect_eq(hot_gc_collect(cache_fd, 0, NULL), 0);
	cr_expect_eq(hot_gc_remove(cache_fd, NULL, NULL), 0);
}

Test(hot_gc, evicts_the_least_recently_used)
{
	cr_assert_eq(hot_gc_collect(cache_fd, 3 * SIZE, NULL), 0);
	expect_usage(3);
	cr_assert_eq(hot_gc_collect(cache_fd, 2 * SIZE, NULL), 0);
	expect_usage(2);
	cr_expect_not(is_there(0));
	cr_assert_eq(hot_gc_collect(cache_fd, 2 * SIZE - 1, NULL), 0);
	cr_expect_not(is_there(1));
	cr_expect(is_there(2));
}

Test(hot_gc, takes_a_used_tree_out_of_service_first)
{
	struct hot_folder user = HOT_FOLDER_INIT;
	struct error err = { 0 };
	int fd;

	cr_assert_eq(
		hot_folder_open(cache_fd, &manifests[0], false, &user, NULL),
		0);
	fd = hot_folder_share_tree(&user, generations[0]);
	cr_assert_geq(fd, 0);
	cr_expect_eq(hot_gc_remove(cache_fd, NULL, &err), -EBUSY);
	cr_expect(strstr(err.text, "in use"), "%s", err.text);
	expect_usage(0);
	cr_expect(is_there(0));
	cr_expect_not(is_there(2));
	close(fd);
	hot_folder_close(&user);
	cr_expect_eq(hot_gc_collect(cache_fd, SIZE, NULL), 0);
	cr_expect_not(is_there(0));
}
