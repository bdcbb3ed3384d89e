/* SPDX-License-Identifier: Apache-2.0 */
#include "common/byte_source.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *file;
static struct byte_source *source;

static void set_up(void)
{
	struct error err = { 0 };

	file = tmpfile();
	cr_assert_not_null(file);
	fputs("0123456789", file);
	fflush(file);
	cr_assert_eq(byte_source_open_file(fileno(file), &source, &err), 0,
		     "%s", err.text);
}

static void tear_down(void)
{
	byte_source_destroy(source);
	fclose(file);
}

TestSuite(byte_source, .init = set_up, .fini = tear_down);

Test(byte_source, reads_a_file_where_asked)
{
	char data[4] = { 0 };

	cr_expect_eq(source->size, 10);
	cr_expect_eq(byte_source_read(source, 6, 4, data, NULL), 0);
	cr_expect_eq(memcmp(data, "6789", 4), 0);
	cr_expect_eq(byte_source_read(source, 10, 0, data, NULL), 0);
}

Test(byte_source, is_never_asked_past_its_end)
{
	struct error err = { 0 };
	char data[4];

	cr_expect_eq(byte_source_read(source, 7, 4, data, &err), -EINVAL);
	cr_expect_eq(byte_source_read(source, UINT64_MAX, 4, data, &err),
		     -EINVAL);
	cr_expect_eq(err.code, -EINVAL);
}

Test(byte_source, notices_a_file_that_shrank)
{
	struct error err = { 0 };
	char data[4];

	cr_assert_eq(ftruncate(fileno(file), 8), 0);
	cr_expect_lt(byte_source_read(source, 6, 4, data, &err), 0);
	cr_expect_lt(err.code, 0);
}

Test(byte_source, takes_regular_files_only)
{
	struct byte_source *other = NULL;
	struct error err = { 0 };
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_expect_eq(byte_source_open_file(fd, &other, &err), -EINVAL);
	cr_expect_null(other);
	close(fd);
	byte_source_destroy(NULL);
	byte_stream_destroy(NULL);
}
