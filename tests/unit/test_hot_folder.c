/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_folder.h"

#include "common/digest.h"
#include "common/error.h"
#include "hot/hot_stamp.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[TEMP_DIR_SIZE];
static int cache_fd;
static const struct digest manifest = { { 0xab, 0xcd } };

static void setup(void)
{
	temp_dir_create(dir);
	cache_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(cache_fd, 0);
}

static void teardown(void)
{
	close(cache_fd);
	temp_dir_remove(dir);
}

TestSuite(hot_folder, .init = setup, .fini = teardown);

static struct hot_folder open_one(void)
{
	struct hot_folder folder = HOT_FOLDER_INIT;
	struct error err = { 0 };

	cr_assert_eq(hot_folder_open(cache_fd, &manifest, true, &folder, &err),
		     0, "%s", err.text);
	return folder;
}

/* A tree with something in it, current when asked. */
static uint64_t make_tree(struct hot_folder *folder, bool is_current)
{
	struct hot_stamp stamp = { .kind = HOT_STAMP_PARTIAL };
	int fd = hot_folder_make_tree(folder, &stamp.generation, NULL);

	cr_assert_geq(fd, 0);
	cr_assert_eq(mkdirat(fd, "closed", 0700), 0);
	cr_assert_eq(mkdirat(fd, "closed/below", 0500), 0);
	cr_assert_eq(fchmodat(fd, "closed", 0, 0), 0);
	cr_assert_eq(symlinkat("/nowhere", fd, "link"), 0);
	close(fd);
	if (is_current)
		cr_assert_eq(hot_folder_publish(folder, &stamp, NULL), 0);
	hot_folder_release_tree(folder, stamp.generation);
	return stamp.generation;
}

static bool is_there(const struct hot_folder *folder, uint64_t generation)
{
	char name[HOT_FOLDER_NAME_SIZE];

	hot_folder_format_tree(generation, name);
	return faccessat(folder->fd, name, F_OK, 0) == 0;
}

Test(hot_folder, is_made_only_when_asked)
{
	struct hot_folder folder = HOT_FOLDER_INIT;

	cr_expect_eq(hot_folder_open(cache_fd, &manifest, false, &folder, NULL),
		     -ENOENT);
	folder = open_one();
	hot_folder_close(&folder);
	cr_expect_eq(hot_folder_open(cache_fd, &manifest, false, &folder, NULL),
		     0);
	hot_folder_close(&folder);
}

Test(hot_folder, refuses_one_that_others_can_enter)
{
	struct hot_folder folder = open_one();
	struct error err = { 0 };

	hot_folder_close(&folder);
	cr_assert_eq(fchmodat(cache_fd, "hot", 0701, 0), 0);
	cr_expect_eq(hot_folder_open(cache_fd, &manifest, true, &folder, &err),
		     -EPERM);
	cr_expect(strstr(err.text, "chmod"), "%s", err.text);
	cr_assert_eq(fchmodat(cache_fd, "hot", 0700, 0), 0);
	cr_assert_eq(renameat(cache_fd, "hot", cache_fd, "elsewhere"), 0);
	cr_assert_eq(symlinkat("elsewhere", cache_fd, "hot"), 0);
	cr_expect_lt(hot_folder_open(cache_fd, &manifest, true, &folder, NULL),
		     0, "a link is followed");
}

Test(hot_folder, refuses_a_tree_that_others_can_enter)
{
	struct hot_folder folder = open_one();
	uint64_t generation = make_tree(&folder, true);
	char name[HOT_FOLDER_NAME_SIZE];

	hot_folder_format_tree(generation, name);
	cr_assert_eq(fchmodat(folder.fd, name, 0755, 0), 0);
	cr_expect_eq(hot_folder_share_tree(&folder, generation), -EPERM);
	hot_folder_close(&folder);
}

Test(hot_folder, publishes_nothing_where_its_locks_were_removed)
{
	struct hot_folder folder = open_one();
	struct hot_stamp stamp = { .generation = 1 };

	cr_assert_eq(unlinkat(folder.fd, "locks", 0), 0);
	cr_expect_eq(hot_folder_publish(&folder, &stamp, NULL), -ESTALE);
	cr_expect_lt(hot_folder_load_stamp(&folder, &stamp), 0);
	hot_folder_close(&folder);
}

Test(hot_folder, believes_no_stamp_that_outlived_its_locks)
{
	struct hot_folder folder = open_one();
	uint64_t generation = make_tree(&folder, true);
	struct hot_stamp stamp = { 0 };

	cr_assert_eq(hot_folder_load_stamp(&folder, &stamp), 0);
	cr_assert_eq(unlinkat(folder.fd, "locks", 0), 0);
	hot_folder_close(&folder);
	folder = open_one();
	stamp.generation = 5;
	cr_expect_eq(hot_folder_load_stamp(&folder, &stamp), -ENOENT);
	cr_expect_eq(stamp.generation, 5, "untouched on failure");
	cr_expect_eq(hot_folder_sweep(&folder), 0);
	cr_expect_not(is_there(&folder, generation));
	hot_folder_close(&folder);
}

Test(hot_folder, sweeps_all_but_the_current_tree)
{
	struct hot_folder folder = open_one();
	uint64_t old = make_tree(&folder, true);
	uint64_t now = make_tree(&folder, true);
	uint64_t left = make_tree(&folder, false);
	struct hot_stamp stamp = { 0 };

	cr_assert_eq(hot_folder_load_stamp(&folder, &stamp), 0);
	cr_expect_eq(stamp.generation, now);
	cr_expect_eq(hot_folder_sweep(&folder), 0);
	cr_expect(is_there(&folder, now));
	cr_expect_not(is_there(&folder, old));
	cr_expect_not(is_there(&folder, left));
	hot_folder_retract(&folder);
	cr_expect_eq(hot_folder_load_stamp(&folder, &stamp), -ENOENT);
	cr_expect_eq(hot_folder_sweep(&folder), 0);
	cr_expect_not(is_there(&folder, now));
	hot_folder_close(&folder);
}

Test(hot_folder, keeps_a_tree_that_is_in_use)
{
	struct hot_folder folder = open_one();
	struct hot_folder first = open_one();
	struct hot_folder second = open_one();
	uint64_t generation = make_tree(&folder, true);
	int first_fd = hot_folder_share_tree(&first, generation);
	int second_fd = hot_folder_share_tree(&second, generation);

	cr_assert_geq(first_fd, 0);
	cr_assert_geq(second_fd, 0);
	hot_folder_retract(&folder);
	cr_expect_eq(hot_folder_sweep(&folder), 1);
	hot_folder_close(&first);
	cr_expect_eq(hot_folder_sweep(&folder), 1);
	cr_expect(is_there(&folder, generation));
	hot_folder_close(&second);
	cr_expect_eq(hot_folder_sweep(&folder), 0);
	cr_expect_not(is_there(&folder, generation));
	cr_expect_eq(hot_folder_share_tree(&folder, generation), -ENOENT);
	close(first_fd);
	close(second_fd);
	hot_folder_close(&folder);
}

Test(hot_folder, refuses_a_tree_that_is_being_made_or_removed)
{
	struct hot_folder builder = open_one();
	struct hot_folder user = open_one();
	uint64_t generation;
	int fd = hot_folder_make_tree(&builder, &generation, NULL);

	cr_assert_geq(fd, 0);
	cr_expect_eq(hot_folder_share_tree(&user, generation), -EBUSY);
	cr_expect_eq(hot_folder_sweep(&user), 1, "a builder has it");
	close(fd);
	hot_folder_close(&builder); /* as by kill -9 */
	cr_expect_eq(hot_folder_sweep(&user), 0);
	cr_expect_not(is_there(&user, generation));
	hot_folder_close(&user);
}

Test(hot_folder, has_one_builder)
{
	struct hot_folder first = open_one();
	struct hot_folder second = open_one();

	cr_expect_eq(hot_folder_try_builder(&first), NODE_LOCK_HELD);
	cr_expect_eq(hot_folder_try_builder(&second), NODE_LOCK_TAKEN);
	hot_folder_close(&first);
	cr_expect_eq(hot_folder_try_builder(&second), NODE_LOCK_HELD);
	hot_folder_close(&second);
}

Test(hot_folder, leaves_other_names_alone)
{
	struct hot_folder folder = open_one();
	static const char *const names[] = {
		"tree-",
		"tree-0000000000000001",
		"tree-000000010000000g",
		"tree-00000001000000000",
		"mine",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_eq(mkdirat(folder.fd, names[i], 0700), 0);
	cr_expect_eq(hot_folder_sweep(&folder), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_eq(unlinkat(folder.fd, names[i], AT_REMOVEDIR), 0,
			     "%s", names[i]);
	hot_folder_close(&folder);
}
