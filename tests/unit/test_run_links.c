/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile images: whatever they hold, a job starts or says why not, and nothing
 * is made or mounted outside of the root. */
#include "run/run.h"

#include "common/cleanup.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct run_test_root root;
static struct run_test_result result;

static void set_up(void)
{
	if (!run_test_root_create(&root))
		cr_skip_test("no static /bin/busybox");
}

static void tear_down(void)
{
	run_test_root_destroy(&root);
}

TestSuite(run_links, .init = set_up, .fini = tear_down, .timeout = 60);

static const char *const names[] = { "etc", "dev", "proc", "sys",
				     "tmp", "var", "home" };

static const char *const envp[] = { "PATH=/bin", NULL };
static const char *const hello[] = { "/bin/busybox", "echo", "hello", NULL };

static bool outside_is_empty(void)
{
	DIR *dir = opendir(root.outside);
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count == 2; /* "." and ".." */
}

/* As root too: there, mounts on the host would succeed. */
static void expect_hello(const char *label)
{
	static const uid_t users[] = { RUN_TEST_USER, 0 };
	struct run_job job = {
		.argv = hello,
		.envp = envp,
		.home = "/home/ann",
	};

	for (size_t i = 0; i < 2; i++) {
		run_test_root_run(&root, users[i], NULL, &job, &result);
		cr_expect_eq(result.code, 0, "%s: %s", label, result.text);
		cr_expect_str_eq(result.output, "hello\n", "%s", label);
		cr_expect(outside_is_empty(), "%s", label);
	}
}

Test(run_links, standard_targets_lead_nowhere_else)
{
	const char *targets[] = {
		root.outside, "../outside", "../../../../../../",
		"/",	      "/etc",	    "/dev/../..",
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			run_test_root_link(&root, names[j], targets[i]);
			expect_hello(targets[i]);
			run_test_root_remove(&root, names[j]);
		}
	}
}

Test(run_links, all_targets_at_once)
{
	for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
		run_test_root_link(&root, names[j], root.outside);
	expect_hello("all to one place");
	for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
		run_test_root_link(&root, names[j], names[j]);
	expect_hello("all to themselves");
}

Test(run_links, files_where_directories_are_wanted)
{
	for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
		run_test_root_write(&root, names[j], "a file");
	expect_hello("files");
}

Test(run_links, directories_where_files_are_wanted)
{
	static const char *const files[] = { "etc/passwd", "etc/group",
					     "etc/hosts", "etc/resolv.conf",
					     "etc/localtime" };

	for (size_t j = 0; j < sizeof(files) / sizeof(*files); j++) {
		run_test_root_remove(&root, files[j]);
		run_test_root_mkdir(&root, files[j]);
	}
	expect_hello("directories");
}

Test(run_links, etc_files_that_are_links_or_pipes)
{
	char path[128];

	run_test_root_link(&root, "etc/passwd", "/dev/zero");
	run_test_root_link(&root, "etc/hosts", root.outside);
	run_test_root_link(&root, "etc/resolv.conf", "../../../../etc/shadow");
	run_test_root_link(&root, "etc/localtime", "/proc/self/fd/0");
	run_test_root_remove(&root, "etc/group");
	snprintf(path, sizeof(path), "%s/etc/group", root.path);
	cr_assert_eq(mkfifo(path, 0666), 0);
	expect_hello("links and a pipe");
}

Test(run_links, binds_stay_within)
{
	const struct run_bind bind = { .source = root.outside,
				       .destination = "/link/made" };
	struct run_job job = {
		.argv = hello,
		.envp = envp,
		.binds = &bind,
		.bind_count = 1,
		.omitted =
			RUN_STANDARD_TMP | RUN_STANDARD_HOME | RUN_STANDARD_CWD,
	};

	run_test_root_link(&root, "link", root.outside);
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, 0, "%s", result.text);
	run_test_root_run(&root, 0, NULL, &job, &result);
	cr_expect_eq(result.code, 0, "%s", result.text);
	cr_expect(outside_is_empty());
	run_test_root_link(&root, "link", "link");
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, -ELOOP, "%s", result.text);
	cr_expect(strstr(result.text, "/link/made"), "%s", result.text);
}

Test(run_links, binds_make_nothing_in_the_hosts_directories)
{
	char destination[128];
	const struct run_bind bind = { .source = "/bin",
				       .destination = destination };
	struct run_job job = {
		.argv = hello,
		.envp = envp,
		.binds = &bind,
		.bind_count = 1,
	};

	/* /tmp is the host's. */
	snprintf(destination, sizeof(destination), "%s/made", root.outside);
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, -EXDEV, "%s", result.text);
	cr_expect(strstr(result.text, "make it there first"), "%s",
		  result.text);
	cr_expect(outside_is_empty());
}

Test(run_links, commands_are_found_within)
{
	static const char *const argv[] = { "/link/secret", NULL };
	struct run_job job = { .argv = argv,
			       .envp = envp,
			       .omitted = RUN_STANDARD_TMP | RUN_STANDARD_HOME |
					  RUN_STANDARD_CWD };
	char path[128];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "%s/secret", root.outside);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	cr_assert_geq(fd, 0);
	run_test_root_link(&root, "link", root.outside);
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, -ENOENT, "%s", result.text);
	cr_expect_eq(result.exit_code, RUN_EXIT_NOT_FOUND);
}
