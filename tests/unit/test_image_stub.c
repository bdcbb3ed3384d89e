/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_stub.h"

#include "common/buffer.h"
#include "common/error.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST                                                                 \
	"sha256:"                                                              \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int parse(const char *text, struct image_stub *ret, struct error *err)
{
	return image_stub_parse((const uint8_t *)text, strlen(text), ret, err);
}

Test(image_stub, reads_what_it_writes)
{
	struct buffer buffer = BUFFER_INIT(IMAGE_STUB_SIZE_MAX);
	struct image_stub stub = { .url = "osdf:///ns/x.sif",
				   .has_digest = true };
	struct image_stub read = { .has_digest = false };

	cr_assert_eq(digest_parse(DIGEST, &stub.digest, NULL), 0);
	cr_assert_eq(image_stub_format(&stub, &buffer), 0);
	cr_assert_eq(image_stub_parse(buffer.data, buffer.size, &read, NULL),
		     IMAGE_STUB_FOUND);
	cr_expect_str_eq(read.url, stub.url);
	cr_expect(read.has_digest);
	cr_expect(digest_equal(&read.digest, &stub.digest));
	buffer_fini(&buffer);
	cr_assert_eq(
		parse("lazyrun-stub 1\nlater: x\nurl: http://h/x", &read, NULL),
		IMAGE_STUB_FOUND);
	cr_expect_str_eq(read.url, "http://h/x");
	cr_expect_not(read.has_digest);
}

Test(image_stub, refuses_damage_and_passes_over_others)
{
	static const char *const damaged[] = {
		"lazyrun-stub 1\n",
		"lazyrun-stub 1\nurl: \n",
		"lazyrun-stub 1\nurl: a b\n",
		"lazyrun-stub 1\nurl: a\tb\n",
		"lazyrun-stub 1\nurl: a\ndigest: sha256:12\n",
		"lazyrun-stub 1\nurl: a\nindex: sha256:12\n\nx",
		"lazyrun-stub 1\nurl: a\nindex: " DIGEST "\n", /* cut off */
		"#!x\nlazyrun-stub 1\n\nurl: a\n", /* it ended before */
	};
	static const char *const others[] = {
		"",
		"lazyrun-stub 1",
		"lazyrun-stub 2\nurl: a\n",
		"#!/bin/sh\n",
		"#!lazyrun-stub 1",
	};
	struct image_stub stub;
	struct error err;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++)
		cr_expect_eq(parse(damaged[i], &stub, &err), -EBADMSG, "%s",
			     damaged[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		cr_expect_eq(parse(others[i], &stub, &err), IMAGE_STUB_NONE,
			     "%s", others[i]);
}

Test(image_stub, is_looked_for_in_regular_files_only)
{
	static char zeros[IMAGE_STUB_SIZE_MAX + 1];
	char dir[TEMP_DIR_SIZE];
	char path[PATH_MAX];
	struct image_stub stub;
	int fd;

	temp_dir_create(dir);
	cr_expect_eq(image_stub_load(dir, &stub, NULL), IMAGE_STUB_NONE);
	snprintf(path, sizeof(path), "%s/x.sif", dir);
	cr_expect_eq(image_stub_load(path, &stub, NULL), IMAGE_STUB_NONE);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(image_stub_load(path, &stub, NULL), IMAGE_STUB_NONE);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, "lazyrun-stub 1\nurl: a\n", 22), 22);
	cr_expect_eq(image_stub_load(path, &stub, NULL), IMAGE_STUB_FOUND);
	cr_assert_eq(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	cr_expect_eq(image_stub_load(path, &stub, NULL), -EBADMSG);
	cr_assert_eq(pwrite(fd, zeros, sizeof(zeros), 0), sizeof(zeros));
	cr_expect_eq(image_stub_load(path, &stub, NULL), IMAGE_STUB_NONE);
	close(fd);
	temp_dir_remove(dir);
}

Test(image_stub, brings_its_index)
{
	static const char bytes[] = "\n\0the index\n";
	struct buffer buffer = BUFFER_INIT(IMAGE_STUB_SIZE_MAX);
	struct buffer read = BUFFER_INIT(64);
	struct image_stub stub = { .url = "docker://h/i", .has_index = true };
	struct image_stub found;
	struct error err;
	char dir[TEMP_DIR_SIZE];
	char path[PATH_MAX];
	int fd;

	temp_dir_create(dir);
	snprintf(path, sizeof(path), "%s/x.sif", dir);
	digest_compute(bytes, sizeof(bytes), &stub.index);
	cr_assert_eq(image_stub_format(&stub, &buffer), 0);
	cr_expect_eq(memcmp(buffer.data, "#!", 2), 0);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, buffer.data, buffer.size), (ssize_t)buffer.size);
	cr_assert_eq(write(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
	cr_assert_eq(image_stub_load(path, &found, NULL), IMAGE_STUB_FOUND);
	cr_expect_eq(found.index_off, buffer.size);
	cr_assert_eq(image_stub_load_index(path, &found, &read, NULL), 0);
	cr_expect_eq(read.size, sizeof(bytes));
	cr_expect_eq(memcmp(read.data, bytes, sizeof(bytes)), 0);
	cr_assert_eq(pwrite(fd, "x", 1, (off_t)buffer.size + 3), 1);
	cr_expect_eq(image_stub_load_index(path, &found, &read, &err),
		     -EBADMSG);
	cr_expect_eq(read.size, sizeof(bytes), "nothing was appended");
	cr_assert_eq(ftruncate(fd, 5), 0);
	cr_expect_eq(image_stub_load_index(path, &found, &read, &err),
		     -EBADMSG);
	close(fd);
	buffer_fini(&buffer);
	buffer_fini(&read);
	temp_dir_remove(dir);
}
