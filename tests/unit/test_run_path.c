/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_path.h"

#include "common/cleanup.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct run_test_root root;
static struct run_path_root in_root = { .fd = -1 };

static void set_up(void)
{
	if (!run_test_root_create(&root))
		cr_skip_test("no static /bin/busybox");
	in_root.fd = open(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(in_root.fd, 0);
}

static void tear_down(void)
{
	if (in_root.fd >= 0)
		close(in_root.fd);
	run_test_root_destroy(&root);
}

TestSuite(run_path, .init = set_up, .fini = tear_down);

static mode_t mode_of(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root.path, name);
	return lstat(path, &st) == 0 ? st.st_mode : 0;
}

static void make(const char *path, enum run_path_kind kind, int expected)
{
	struct error err = { .code = 0 };
	int fd = run_path_make(&in_root, path, kind, &err);

	if (expected == 0)
		cr_expect_geq(fd, 0, "%s: %s", path, err.text);
	else
		cr_expect_eq(fd, expected, "%s: %d %s", path, fd, err.text);
	if (expected < 0)
		cr_expect(strstr(err.text, path), "%s", err.text);
	if (fd >= 0)
		close(fd);
}

Test(run_path, makes_missing_directories_and_files)
{
	make("/a/b/c", RUN_PATH_DIRECTORY, 0);
	cr_expect(S_ISDIR(mode_of("a/b/c")));
	make("//a//d/file", RUN_PATH_FILE, 0);
	cr_expect(S_ISREG(mode_of("a/d/file")));
	make("/a/b/c", RUN_PATH_DIRECTORY, 0);
	make("/", RUN_PATH_DIRECTORY, 0);
}

Test(run_path, refuses_the_other_kind)
{
	make("/etc/passwd", RUN_PATH_DIRECTORY, -ENOTDIR);
	make("/etc", RUN_PATH_FILE, -EISDIR);
	make("/etc/passwd/below", RUN_PATH_FILE, -ENOTDIR);
}

Test(run_path, stays_within_the_root)
{
	static const char *const targets[] = {
		"/", "..", "../../../../..", "/..", "/../../",
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		char name[32];
		char path[64];

		run_test_root_link(&root, "link", targets[i]);
		snprintf(name, sizeof(name), "made-%zu", i);
		snprintf(path, sizeof(path), "/link/%s", name);
		make(path, RUN_PATH_DIRECTORY, 0);
		cr_expect(S_ISDIR(mode_of(name)), "link to %s", targets[i]);
	}
}

Test(run_path, makes_what_dangling_links_point_to)
{
	run_test_root_link(&root, "etc/absolute", "/run/systemd/resolv.conf");
	make("/etc/absolute", RUN_PATH_FILE, 0);
	cr_expect(S_ISREG(mode_of("run/systemd/resolv.conf")));
	run_test_root_link(&root, "etc/relative", "../var/x");
	make("/etc/relative/y", RUN_PATH_DIRECTORY, 0);
	cr_expect(S_ISDIR(mode_of("var/x/y")));
	run_test_root_link(&root, "etc/far", "../../../../../far");
	make("/etc/far", RUN_PATH_DIRECTORY, 0);
	cr_expect(S_ISDIR(mode_of("far")));
}

Test(run_path, gives_up_on_loops)
{
	run_test_root_link(&root, "a", "b");
	run_test_root_link(&root, "b", "a");
	make("/a/x", RUN_PATH_DIRECTORY, -ELOOP);
	run_test_root_link(&root, "self", "self");
	make("/self", RUN_PATH_FILE, -ELOOP);
}

Test(run_path, gives_up_on_links_that_grow)
{
	run_test_root_link(&root, "grow", "missing/../grow/grow");
	make("/grow", RUN_PATH_DIRECTORY, -ELOOP);
}

Test(run_path, bounds_names_and_paths)
{
	char path[PATH_MAX + 16];

	memset(path, 'n', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	cr_expect_eq(run_path_make(&in_root, path, RUN_PATH_FILE, NULL),
		     -ENAMETOOLONG);
	path[NAME_MAX + 2] = '\0';
	cr_expect_eq(run_path_make(&in_root, path, RUN_PATH_FILE, NULL),
		     -ENAMETOOLONG);
	for (size_t i = 0; i < 3000; i += 2)
		memcpy(path + i, "/d", 2);
	path[3000] = '\0';
	cr_expect_eq(run_path_make(&in_root, path, RUN_PATH_FILE, NULL),
		     -ELOOP);
}

Test(run_path, makes_nothing_on_other_filesystems)
{
	struct error err;
	struct run_path_root host = {
		.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};

	cr_expect_eq(run_path_make(&host, "/proc/none", RUN_PATH_FILE, &err),
		     -EXDEV);
	close(host.fd);
	cr_expect(strstr(err.text, "make it there first"), "%s", err.text);
}

Test(run_path, replaces_a_link_in_place)
{
	int fd;

	run_test_root_write(&root, "etc/zone", "UTC");
	run_test_root_link(&root, "etc/localtime", "zone");
	fd = run_path_make_in_place(&in_root, "/etc/localtime", RUN_PATH_FILE,
				    NULL);
	cr_expect_geq(fd, 0);
	close(fd);
	cr_expect(S_ISREG(mode_of("etc/localtime")));
	fd = run_path_make_in_place(&in_root, "/etc/zone", RUN_PATH_FILE, NULL);
	cr_expect_geq(fd, 0);
	close(fd);
}

static void link_is(const char *path, const char *target, int expected)
{
	struct error err = { .code = 0 };

	cr_expect_eq(run_path_make_link(in_root.fd, path, target, &err),
		     expected, "%s: %s", path, err.text);
	if (expected < 0)
		cr_expect(strstr(err.text, path), "%s", err.text);
}

Test(run_path, makes_links_over_files_and_links)
{
	char text[64] = "";
	int fd;

	link_is("/new/folder/link", "../target", 0);
	cr_expect(S_ISLNK(mode_of("new/folder/link")));
	link_is("/new/folder/link", "../target", 0);
	link_is("/new/folder/link", "elsewhere", 0);
	cr_expect_eq(readlinkat(in_root.fd, "new/folder/link", text, 63), 9);
	cr_expect_str_eq(text, "elsewhere");
	run_test_root_write(&root, "etc/file", "old");
	link_is("/etc/file", "x", 0);
	cr_expect(S_ISLNK(mode_of("etc/file")));
	cr_expect_eq(run_path_make_file(in_root.fd, "/etc/file", "new\n", NULL),
		     0);
	cr_expect_eq(mode_of("etc/file"), S_IFREG | 0644);
	fd = openat(in_root.fd, "etc/file", O_RDONLY | O_CLOEXEC);
	cr_expect_eq(read(fd, text, sizeof(text)), 4);
	close(fd);
}

Test(run_path, refuses_links_where_none_can_be)
{
	autoclose int host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	link_is("/etc", "x", -EISDIR);
	link_is("/", "x", -EINVAL);
	link_is("name", "x", -EINVAL);
	run_test_root_write(&root, "plain", "file");
	cr_expect_eq(run_path_make_link(in_root.fd, "/plain/below", "x", NULL),
		     -ENOTDIR);
	cr_expect_eq(run_path_make_link(host_fd, "/proc/none", "x", NULL),
		     -EXDEV);
	/* a link on the way leads nowhere else */
	run_test_root_link(&root, "out", root.outside);
	link_is("/out/link", "x", 0);
	cr_expect_eq(rmdir(root.outside), 0, "made outside");
	cr_expect_eq(mkdir(root.outside, 0777), 0);
}

Test(run_path, tells_what_means_what_it_says)
{
	static const struct {
		const char *path;
		bool is_plain;
	} cases[] = {
		{ "/bin", true },	{ "//bin/busybox", true },
		{ "/missing/x", true }, { "/bin/busybox/x", true },
		{ "/", true },		{ "/...", true },
		{ "/link", false },	{ "/link/x", false },
		{ "/dangling", false }, { "/bin/../bin", false },
		{ "/bin/..", false },	{ "/./bin", false },
	};

	run_test_root_link(&root, "link", "/bin");
	run_test_root_link(&root, "dangling", "/nowhere");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(run_path_is_plain(in_root.fd, cases[i].path),
			     cases[i].is_plain, "case: %s", cases[i].path);
}
