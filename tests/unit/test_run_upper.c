/* SPDX-License-Identifier: Apache-2.0 */
/* Images that are directories of somebody else. */
#include "run/run_upper.h"

#include "common/error.h"
#include "run/run.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

TestSuite(run_upper, .init = set_up, .fini = tear_down, .timeout = 60);

static void give_to(const char *name, uid_t uid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root.path, name);
	cr_assert_eq(lchown(path, uid, uid), 0);
}

static int open_upper(void)
{
	char upper[PATH_MAX];

	snprintf(upper, sizeof(upper), "%s/upper", root.top);
	cr_assert_eq(mkdir(upper, 0755), 0);
	return open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

Test(run_upper, makes_the_images_folders_and_no_other)
{
	int image_fd = open(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int upper_fd = open_upper();
	struct stat st;

	run_test_root_mkdir(&root, "var");
	run_test_root_mkdir(&root, "var/lib");
	run_test_root_mkdir(&root, "run");
	run_test_root_link(&root, "var/run", "../run/./");
	run_test_root_link(&root, "loop", "loop");
	run_test_root_link(&root, "out", "../../../../../../tmp");
	run_test_root_write(&root, "file", "text");
	cr_assert_eq(fchmodat(image_fd, "var/lib", 01770, 0), 0);
	cr_expect_eq(
		run_upper_prepare(image_fd, upper_fd, "/var/lib/new/x", NULL),
		0);
	cr_assert_eq(fstatat(upper_fd, "var/lib", &st, 0), 0);
	cr_expect_eq(st.st_mode & 07777, 01770);
	cr_expect_lt(faccessat(upper_fd, "var/lib/new", F_OK, 0), 0);
	cr_expect_lt(faccessat(upper_fd, "run", F_OK, 0), 0);
	cr_expect_eq(run_upper_prepare(image_fd, upper_fd, "/var/run/x", NULL),
		     0);
	cr_expect_eq(faccessat(upper_fd, "run", F_OK, 0), 0);
	cr_expect_lt(fstatat(upper_fd, "var/run", &st, AT_SYMLINK_NOFOLLOW), 0);
	/* nothing beside the upper layer, whatever the image has */
	cr_expect_eq(run_upper_prepare(image_fd, upper_fd, "/loop/x", NULL), 0);
	cr_expect_eq(run_upper_prepare(image_fd, upper_fd, "/out/x", NULL), 0);
	cr_expect_eq(run_upper_prepare(image_fd, upper_fd, "/../../x", NULL),
		     0);
	cr_expect_eq(run_upper_prepare(image_fd, upper_fd, "/file/x", NULL), 0);
	cr_expect_lt(faccessat(upper_fd, "file", F_OK, 0), 0);
	cr_expect_lt(faccessat(upper_fd, "tmp", F_OK, 0), 0);
	close(image_fd);
	close(upper_fd);
}

static const char *const envp[] = { "PATH=/bin", "HOME=/", NULL };

/* As a batch system binds a job's directory into an image of root's. */
Test(run_upper, lets_a_user_run_in_roots_directory)
{
	static const char *const argv[] = {
		"sh", "-c",
		"cat /var/lib/kept; ls /var/lib/batch; ls /libs; pwd", NULL
	};
	struct run_bind bind = { .source = root.outside,
				 .destination = "/var/lib/batch/dir_7" };
	struct run_link link = { .path = "/libs/x.so", .target = "y" };
	struct run_job job = { .argv = argv,
			       .envp = envp,
			       .cwd = "/var/lib/batch/dir_7",
			       .cwd_is_required = true,
			       .binds = &bind,
			       .bind_count = 1,
			       .links = &link,
			       .link_count = 1 };

	if (geteuid() != 0)
		cr_skip_test("only root gives files away");
	run_test_root_mkdir(&root, "var");
	run_test_root_mkdir(&root, "var/lib");
	run_test_root_write(&root, "var/lib/kept", "kept\n");
	give_to("var/lib", 0);
	give_to("var", 0);
	give_to("bin", 0);
	give_to("etc", 0);
	give_to(".", 0);
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, 0, "%s", result.text);
	cr_expect_str_eq(result.output,
			 "kept\ndir_7\nx.so\n/var/lib/batch/dir_7\n");
}
