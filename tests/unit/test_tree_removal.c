/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tree_removal.h"

#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 40 }; /* more than descriptors are kept open */

static char dir[TEMP_DIR_SIZE];
static int dir_fd;

static void set_up(void)
{
	temp_dir_create(dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(dir_fd >= 0);
}

static void tear_down(void)
{
	close(dir_fd);
	temp_dir_remove(dir);
}

TestSuite(tree_removal, .init = set_up, .fini = tear_down);

static void make_file(int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0400);

	cr_assert(fd >= 0);
	close(fd);
}

static void remove_below(const char *name)
{
	char path[TEMP_DIR_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	tree_removal_run(path);
}

static bool exists(const char *name)
{
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Test(tree_removal, removes_a_deep_tree)
{
	char path[2 * DEPTH + 8] = "tree";
	int size = 4;

	for (int i = 0; i < DEPTH; i++) {
		cr_assert(mkdirat(dir_fd, path, 0700) == 0);
		size += snprintf(path + size, sizeof(path) - (size_t)size,
				 "/d");
	}
	make_file(dir_fd, path);
	remove_below("tree");
	cr_assert(!exists("tree"));
}

Test(tree_removal, removes_links_and_not_what_they_lead_to)
{
	cr_assert(mkdirat(dir_fd, "other", 0700) == 0);
	make_file(dir_fd, "other/file");
	cr_assert(mkdirat(dir_fd, "tree", 0700) == 0);
	cr_assert(symlinkat("../other", dir_fd, "tree/link") == 0);
	cr_assert(symlinkat("other", dir_fd, "link") == 0);
	remove_below("tree");
	remove_below("link");
	cr_assert(!exists("tree"));
	cr_assert(!exists("link"));
	cr_assert(exists("other/file"));
}

Test(tree_removal, of_nothing_does_nothing)
{
	make_file(dir_fd, "file");
	remove_below("absent");
	cr_assert(exists("file"));
}
