/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/index_walk.h"

#include "common/error.h"
#include "index/index_file.h"
#include "tests/support/index_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct index_maker *maker;
static struct index_file *index_file;

static void set_up(void)
{
	maker = index_maker_create();
	index_maker_begin_layer(maker);
	index_maker_add_path(maker, "usr/bin/env", S_IFREG | 0755);
	index_maker_add_path(maker, "usr/bin/a", S_IFREG | 0755);
	index_maker_add_path(maker, "etc/passwd", S_IFREG | 0644);
	index_maker_add_symlink(maker, "bin", "usr/bin");
	index_maker_add_path(maker, "empty", S_IFDIR | 0755);
	index_file = index_maker_open(maker);
}

static void tear_down(void)
{
	index_maker_destroy(maker);
}

TestSuite(index_walk, .init = set_up, .fini = tear_down);

struct list {
	char text[1024];
	const char *stop_at;
};

static int add(void *arg, const char *path, const struct index_inode *inode,
	       struct error *err)
{
	struct list *list = arg;
	size_t len = strlen(list->text);

	snprintf(list->text + len, sizeof(list->text) - len, "%s%s ", path,
		 S_ISDIR(inode->mode) ? "/" : "");
	if (list->stop_at && strcmp(path, list->stop_at) == 0)
		return error_set(err, -ECANCELED, "enough");
	return 0;
}

static int walk(const char *path, struct list *list)
{
	uint32_t number = 0;

	cr_assert_eq(index_file_resolve(index_file, path, false, &number), 0);
	return index_walk(index_file, path, number, add, list, NULL);
}

Test(index_walk, tells_all_in_the_order_of_names)
{
	struct list list = { 0 };

	cr_expect_eq(walk("/", &list), 0);
	cr_expect_str_eq(list.text,
			 "// /bin /empty/ /etc/ /etc/passwd /usr/ /usr/bin/ "
			 "/usr/bin/a /usr/bin/env ");
}

Test(index_walk, begins_where_told)
{
	struct list list = { 0 };

	cr_expect_eq(walk("/usr/bin", &list), 0);
	cr_expect_str_eq(list.text, "/usr/bin/ /usr/bin/a /usr/bin/env ");
	list.text[0] = '\0';
	cr_expect_eq(walk("/usr/bin/", &list), 0);
	cr_expect_str_eq(list.text, "/usr/bin/ /usr/bin/a /usr/bin/env ");
	list.text[0] = '\0';
	cr_expect_eq(walk("/bin", &list), 0);
	cr_expect_str_eq(list.text, "/bin ", "a symlink is not followed");
}

Test(index_walk, ends_when_told)
{
	struct list list = { .stop_at = "/etc" };

	cr_expect_eq(walk("/", &list), -ECANCELED);
	cr_expect_str_eq(list.text, "// /bin /empty/ /etc/ ");
}

Test(index_walk, refuses_paths_that_do_not_fit)
{
	static char path[5000];
	struct list list = { 0 };

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	cr_expect_eq(index_walk(index_file, path, 0, add, &list, NULL),
		     -ENAMETOOLONG);
}
