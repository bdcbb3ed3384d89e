/* SPDX-License-Identifier: Apache-2.0 */
#include "common/io.h"

#include "common/buffer.h"
#include "common/error.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[TEMP_DIR_SIZE];
static int folder_fd;
static char path[TEMP_DIR_SIZE + 64];

static void set_up(void)
{
	temp_dir_create(folder);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder_fd, 0);
}

static void tear_down(void)
{
	close(folder_fd);
	temp_dir_remove(folder);
}

TestSuite(io, .init = set_up, .fini = tear_down);

static const char *below(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	struct error err = { 0 };

	cr_assert_eq(
		io_write_file_atomic(folder_fd, name, text, strlen(text), &err),
		0, "%s", err.text);
}

static unsigned count_names(void)
{
	DIR *stream = opendir(folder);
	unsigned count = 0;

	cr_assert_not_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count - 2; /* "." and ".." */
}

static int read_file(const char *name, struct buffer *buffer)
{
	return io_read_file(folder_fd, name, buffer, NULL);
}

Test(io, reads_exactly_what_is_asked_for)
{
	char data[4] = { 0 };
	int fd;

	write_file("file", "0123456789");
	fd = openat(folder_fd, "file", O_RDONLY | O_CLOEXEC);
	cr_expect_eq(io_pread_full(fd, 6, 4, data), 0);
	cr_expect_eq(memcmp(data, "6789", 4), 0);
	cr_expect_eq(io_pread_full(fd, 7, 4, data), -ENODATA);
	cr_expect_eq(io_pread_full(fd, 100, 0, data), 0);
	close(fd);
	cr_expect_eq(io_pread_full(fd, 0, 1, data), -EBADF);
}

Test(io, says_why_writing_failed)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	cr_expect_eq(io_write_full(full, "x", 1), -ENOSPC);
	cr_expect_eq(io_write_full(full, "", 0), 0);
	close(full);
}

Test(io, appends_whole_files)
{
	struct buffer buffer = BUFFER_INIT(8);

	write_file("a", "1234");
	cr_expect_eq(read_file("a", &buffer), 0);
	cr_expect_eq(read_file("a", &buffer), 0, "exactly the limit");
	cr_expect_eq(read_file("a", &buffer), -EFBIG);
	cr_expect_eq(buffer.size, 8);
	cr_expect_eq(memcmp(buffer.data, "12341234", 8), 0);
	buffer_fini(&buffer);
}

Test(io, refuses_files_past_the_limit)
{
	char text[1001];
	struct buffer buffer = BUFFER_INIT(999);
	struct error err = { 0 };

	memset(text, 'x', 1000);
	text[1000] = '\0';
	write_file("large", text);
	cr_expect_eq(io_read_file(folder_fd, "large", &buffer, &err), -EFBIG);
	cr_expect_not_null(strstr(err.text, "large"));
	buffer_fini(&buffer);
}

Test(io, names_the_file_that_cannot_be_opened)
{
	struct buffer buffer = BUFFER_INIT(8);
	struct error err = { 0 };

	cr_expect_eq(io_read_file(folder_fd, "none", &buffer, &err), -ENOENT);
	cr_expect_not_null(strstr(err.text, "none"));
	cr_expect_lt(io_read_file(folder_fd, ".", &buffer, &err), 0,
		     "a directory is no file");
	buffer_fini(&buffer);
}

Test(io, replaces_files_whole)
{
	struct buffer buffer = BUFFER_INIT(100);
	struct stat st;

	write_file("file", "old and longer");
	write_file("file", "new");
	cr_expect_eq(read_file("file", &buffer), 0);
	cr_expect_eq(buffer.size, 3);
	cr_expect_eq(memcmp(buffer.data, "new", 3), 0);
	cr_expect_eq(fstatat(folder_fd, "file", &st, 0), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq(count_names(), 1);
	buffer_fini(&buffer);
}

Test(io, leaves_nothing_behind_when_replacing_fails)
{
	struct error err = { 0 };

	cr_assert_eq(mkdirat(folder_fd, "taken", 0700), 0);
	cr_expect_eq(io_write_file_atomic(folder_fd, "taken", "x", 1, &err),
		     -EISDIR);
	cr_expect_not_null(strstr(err.text, "taken"));
	cr_expect_eq(io_write_file_atomic(folder_fd, "none/file", "x", 1, &err),
		     -ENOENT);
	cr_expect_eq(count_names(), 1);
}

Test(io, makes_directories_with_those_above)
{
	struct stat st;

	cr_expect_eq(io_mkdir_all(below("a/b//c/"), 0700, NULL), 0);
	cr_expect_eq(fstatat(folder_fd, "a/b/c", &st, 0), 0);
	cr_expect_eq(st.st_mode & 07777, 0700);
	cr_expect_eq(io_mkdir_all(below("a/b/c"), 0755, NULL), 0);
	cr_expect_eq(io_mkdir_all("/", 0755, NULL), 0);
	cr_expect_eq(io_mkdir_all("", 0755, NULL), -EINVAL);
}

Test(io, does_not_take_a_file_for_a_directory)
{
	struct error err = { 0 };

	write_file("file", "");
	cr_expect_eq(io_mkdir_all(below("file"), 0700, &err), -ENOTDIR);
	cr_expect_eq(io_mkdir_all(below("file/below"), 0700, &err), -ENOTDIR);
	cr_expect_not_null(strstr(err.text, "file"));
}
