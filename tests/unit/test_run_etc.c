/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_etc.h"

#include "common/buffer.h"
#include "common/io.h"
#include "run/run_user.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char line[] = "ann:x:1001:1001::/home/ann:/bin/sh";

static const struct {
	const char *label;
	const char *old;
	const char *merged;
} cases[] = {
	{ "empty file", "", "ann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "at the end", "root:x:0:0::/:/bin/sh\n",
	  "root:x:0:0::/:/bin/sh\nann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "last line without newline", "root:x:0:0::/:/bin/sh",
	  "root:x:0:0::/:/bin/sh\nann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "in front of the same id", "root:x:0:0::/:\nbob:x:1001:9::/:\nz:x:3:",
	  "root:x:0:0::/:\nann:x:1001:1001::/home/ann:/bin/sh\n"
	  "bob:x:1001:9::/:\nz:x:3:" },
	{ "in front of the same name", "ann:x:5:5::/:\n",
	  "ann:x:1001:1001::/home/ann:/bin/sh\nann:x:5:5::/:\n" },
	{ "ids by whole fields", "bob:x:11001:1001::/:\nb:x:100:1::/:\n",
	  "bob:x:11001:1001::/:\nb:x:100:1::/:\n"
	  "ann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "lines that are none", "\n::::\nann\n",
	  "\n::::\nann:x:1001:1001::/home/ann:/bin/sh\nann\n" },
};

Test(run_etc, puts_the_line_where_it_is_found_first)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer buffer = BUFFER_INIT(1 << 16);

		cr_assert_eq(run_etc_merge(cases[i].old, line, &buffer), 0);
		cr_assert_eq(buffer_terminate(&buffer), 0);
		cr_expect_str_eq((const char *)buffer.data, cases[i].merged,
				 "case: %s", cases[i].label);
		buffer_fini(&buffer);
	}
}

Test(run_etc, keeps_to_the_limit)
{
	struct buffer buffer = BUFFER_INIT(sizeof(line));

	cr_expect_eq(run_etc_merge("root:x:0:0::/:\n", line, &buffer), -EFBIG);
	buffer_fini(&buffer);
}

static const struct run_user ann = {
	.uid = 1001,
	.gid = 1001,
	.name = "ann",
	.home = "/home/ann",
	.shell = "/bin/sh",
	.group = "people",
};

static void put(int dir_fd, const char *path, const char *text, mode_t mode)
{
	int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(io_write_full(fd, text, strlen(text)), 0);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void expect_file(int dir_fd, const char *path, const char *text)
{
	struct buffer buffer = BUFFER_INIT(1 << 16);

	cr_assert_eq(io_read_file(dir_fd, path, &buffer, NULL), 0, "%s", path);
	cr_assert_eq(buffer_terminate(&buffer), 0);
	cr_expect_str_eq((const char *)buffer.data, text, "%s", path);
	buffer_fini(&buffer);
}

/* An image's root and an upper layer, both empty. */
static void make_layers(const char *dir, int *ret_image, int *ret_upper)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	cr_assert_eq(mkdirat(fd, "image", 0755), 0);
	cr_assert_eq(mkdirat(fd, "upper", 0755), 0);
	*ret_image = openat(fd, "image", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*ret_upper = openat(fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(fd);
}

Test(run_etc, is_prepared_as_the_image_has_it)
{
	const struct timespec old[] = { { 5, 6 }, { 1000000000, 7 } };
	char dir[TEMP_DIR_SIZE];
	struct stat st;
	int image_fd;
	int upper_fd;

	temp_dir_create(dir);
	make_layers(dir, &image_fd, &upper_fd);
	cr_assert_eq(mkdirat(image_fd, "etc", 0755), 0);
	put(image_fd, "etc/passwd", "root:x:0:0::/:/bin/sh\n", 0640);
	cr_assert_eq(symlinkat("passwd", image_fd, "etc/group"), 0);
	cr_assert_eq(fchmodat(image_fd, "etc", 0711, 0), 0);
	cr_assert_eq(utimensat(image_fd, "etc", old, 0), 0);

	cr_expect_eq(run_etc_prepare(image_fd, upper_fd, &ann, NULL),
		     RUN_ETC_PASSWD, "a link is left alone");
	expect_file(upper_fd, "etc/passwd",
		    "root:x:0:0::/:/bin/sh\n"
		    "ann:x:1001:1001::/home/ann:/bin/sh\n");
	cr_assert_eq(fstatat(upper_fd, "etc/passwd", &st, 0), 0);
	cr_expect_eq(st.st_mode, S_IFREG | 0640);
	cr_assert_eq(fstatat(upper_fd, "etc", &st, 0), 0);
	cr_expect_eq(st.st_mode, S_IFDIR | 0711);
	cr_expect_eq(st.st_mtim.tv_sec, old[1].tv_sec);
	cr_expect_eq(st.st_mtim.tv_nsec, old[1].tv_nsec);
	cr_expect_neq(faccessat(upper_fd, "etc/group", F_OK, 0), 0);
	close(image_fd);
	close(upper_fd);
	temp_dir_remove(dir);
}

Test(run_etc, is_not_prepared_where_it_is_no_folder)
{
	char dir[TEMP_DIR_SIZE];
	int image_fd;
	int upper_fd;

	temp_dir_create(dir);
	make_layers(dir, &image_fd, &upper_fd);
	cr_expect_eq(run_etc_prepare(image_fd, upper_fd, &ann, NULL), 0);
	cr_assert_eq(mkdirat(image_fd, "real", 0755), 0);
	put(image_fd, "real/passwd", "", 0644);
	cr_assert_eq(symlinkat("real", image_fd, "etc"), 0);
	cr_expect_eq(run_etc_prepare(image_fd, upper_fd, &ann, NULL), 0);
	cr_expect_neq(faccessat(upper_fd, "etc", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	close(image_fd);
	close(upper_fd);
	temp_dir_remove(dir);
}
