/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/index_store.h"

#include "common/error.h"
#include "common/io.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[TEMP_DIR_SIZE];
static int cache_fd;
static const struct digest first = { { 1 } };
static const struct digest second = { { 2 } };

static void set_up(void)
{
	temp_dir_create(folder);
	cache_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(cache_fd, 0);
}

static void tear_down(void)
{
	close(cache_fd);
	temp_dir_remove(folder);
}

TestSuite(index_store, .init = set_up, .fini = tear_down);

static void keep(const struct digest *manifest, const char *text)
{
	struct error err = { 0 };
	int fd = index_store_create(cache_fd, &err);

	cr_assert_geq(fd, 0, "%s", err.text);
	cr_assert_eq(io_write_full(fd, text, strlen(text)), 0);
	cr_assert_eq(index_store_publish(cache_fd, fd, manifest, &err), 0, "%s",
		     err.text);
	close(fd);
}

static void expect_kept(const struct digest *manifest, const char *text)
{
	char data[16] = "";
	int fd = index_store_open(cache_fd, manifest, NULL);

	cr_assert_geq(fd, 0);
	cr_expect_eq(read(fd, data, sizeof(data) - 1), (ssize_t)strlen(text));
	cr_expect_str_eq(data, text);
	close(fd);
}

struct seen {
	unsigned count;
	struct digest last;
	int result; /* of the next call */
};

static int see(void *arg, int fd, const struct digest *manifest,
	       struct error *err)
{
	struct seen *seen = arg;

	(void)err;
	cr_expect_geq(fd, 0);
	seen->count++;
	seen->last = *manifest;
	return seen->result;
}

static struct seen walk(void)
{
	struct seen seen = { 0 };

	cr_expect_eq(index_store_walk(cache_fd, see, &seen, NULL), 0);
	return seen;
}

Test(index_store, keeps_one_index_an_image)
{
	cr_expect_eq(index_store_open(cache_fd, &first, NULL), -ENOENT);
	keep(&first, "old");
	keep(&second, "other");
	keep(&first, "new");
	expect_kept(&first, "new");
	expect_kept(&second, "other");
	cr_expect_eq(walk().count, 2, "and no temporary name");
}

Test(index_store, shows_nothing_before_it_is_published)
{
	int fd = index_store_create(cache_fd, NULL);

	cr_assert_geq(fd, 0);
	cr_expect_eq(walk().count, 0);
	close(fd);
}

Test(index_store, marks_what_is_opened_as_used)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1 },
					      { .tv_sec = 1 } };
	struct stat st;
	int fd;

	keep(&first, "x");
	fd = index_store_open(cache_fd, &first, NULL);
	cr_assert_eq(futimens(fd, long_ago), 0);
	close(fd);
	fd = index_store_open(cache_fd, &first, NULL);
	cr_expect_eq(fstat(fd, &st), 0);
	cr_expect_gt(st.st_mtim.tv_sec, 1);
	close(fd);
}

Test(index_store, removes_one)
{
	keep(&first, "x");
	keep(&second, "y");
	cr_expect_eq(index_store_remove(cache_fd, &first), 0);
	cr_expect_eq(index_store_remove(cache_fd, &first), -ENOENT);
	expect_kept(&second, "y");
}

Test(index_store, walks_over_indexes_only)
{
	struct seen seen;

	cr_expect_eq(walk().count, 0, "there is no folder yet");
	keep(&first, "x");
	cr_assert_eq(io_write_file_atomic(cache_fd, "index/notes", "", 0, NULL),
		     0);
	cr_assert_eq(symlinkat("/etc/passwd", cache_fd,
			       "index/"
			       "00000000000000000000000000000000"
			       "00000000000000000000000000000000.lzi"),
		     0);
	seen = walk();
	cr_expect_eq(seen.count, 1);
	cr_expect(digest_equal(&seen.last, &first));
}

Test(index_store, ends_a_walk_when_told)
{
	struct seen seen = { .result = -ECANCELED };

	keep(&first, "x");
	keep(&second, "y");
	cr_expect_eq(index_store_walk(cache_fd, see, &seen, NULL), -ECANCELED);
	cr_expect_eq(seen.count, 1);
}
