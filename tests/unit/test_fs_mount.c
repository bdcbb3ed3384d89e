/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_mount.h"

#include "common/error.h"
#include "tests/support/fs_test_mount.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/lazyrun-test-XXXXXX";

static void enter(void)
{
	const char *reason = fs_test_mount_enter();

	if (reason)
		cr_skip_test("%s", reason);
	cr_assert_not_null(mkdtemp(dir));
}

static void expect_refusal(const char *path, int code, const char *text)
{
	struct error err = { 0 };
	int fd = -1;

	cr_expect_eq(fs_mount_open(path, &fd, &err), code);
	cr_expect_eq(fd, -1);
	cr_expect(strstr(err.text, text), "said: %s", err.text);
}

TestSuite(fs_mount, .timeout = 60);

Test(fs_mount, says_what_is_wrong_with_the_directory)
{
	enter();
	expect_refusal("/tmp/lazyrun-not-there", -ENOENT, "make it first");
	expect_refusal("/etc/passwd", -ENOTDIR, "not a directory");
	rmdir(dir);
}

Test(fs_mount, tells_a_dead_mount_from_a_directory)
{
	struct error err = { 0 };
	int fd = -1;

	enter();
	cr_assert_eq(fs_mount_open(dir, &fd, &err), 0);
	close(fd); /* as a server that was killed does */
	expect_refusal(dir, -EBUSY, "fusermount3 -u");
	cr_expect_eq(umount2(dir, MNT_DETACH), 0);
	rmdir(dir);
}

Test(fs_mount, needs_the_device)
{
	enter();
	cr_assert_eq(mount("none", "/dev", "tmpfs", 0, NULL), 0);
	expect_refusal(dir, -ENODEV, "modprobe fuse");
	rmdir(dir);
}

Test(fs_mount, takes_its_own_mount_away_and_no_other)
{
	struct error err = { 0 };
	struct stat before;
	struct stat attr;
	int fd = -1;

	enter();
	cr_assert_eq(stat(dir, &before), 0);
	cr_assert_eq(fs_mount_open(dir, &fd, &err), 0);
	fs_mount_close(dir, fd);
	cr_assert_eq(stat(dir, &attr), 0);
	cr_expect_eq(attr.st_dev, before.st_dev);
	/* gone already, and somebody else's in its place */
	cr_assert_eq(mount("none", dir, "tmpfs", 0, NULL), 0);
	fs_mount_close(dir, fd);
	cr_assert_eq(stat(dir, &attr), 0);
	cr_expect_neq(attr.st_dev, before.st_dev);
	close(fd);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
}
