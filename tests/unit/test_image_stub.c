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
	};
	static const char *const others[] = {
		"",
		"lazyrun-stub 1",
		"lazyrun-stub 2\nurl: a\n",
		"#!/bin/sh\n",
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

Test(image_stub, is_looked_for_in_small_regular_files_only)
{
	static char large[IMAGE_STUB_SIZE_MAX + 1] = "lazyrun-stub 1\nurl: a\n";
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
	cr_assert_eq(write(fd, large, 22), 22);
	cr_expect_eq(image_stub_load(path, &stub, NULL), IMAGE_STUB_FOUND);
	cr_assert_eq(pwrite(fd, large, sizeof(large), 0), sizeof(large));
	cr_expect_eq(image_stub_load(path, &stub, NULL), IMAGE_STUB_NONE);
	close(fd);
	temp_dir_remove(dir);
}
