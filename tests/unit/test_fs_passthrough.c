/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native files have other bytes than the image, which tells who has read
 * them.
 */
#include "fs/fs_passthrough.h"

#include "common/error.h"
#include "common/log.h"
#include "fs/fs_kernel.h"
#include "index/index_file.h"
#include "tests/support/fs_test_image.h"
#include "tests/support/fs_test_mount.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 300000, THREADS = 8, OPENS = 200 };

static struct fs_test_image *image;
static struct fs_test_mount mounted;
static uint8_t of_image[SIZE];
static uint8_t native[SIZE];
static struct fs_server_native_file files[2];
static struct fs_server_options options;

static uint32_t number_of(const char *path)
{
	uint32_t number = 0;

	cr_assert_eq(index_file_resolve(image->index, path, false, &number), 0);
	return number;
}

static void make_image(void)
{
	const char *reason = fs_test_mount_enter();

	if (reason)
		cr_skip_test("%s", reason);
	if (!fs_test_mount_maps_all_ids())
		cr_skip_test("passthrough takes root of the host");
	log_set_level(LOG_ERROR);
	fs_test_image_fill(of_image, SIZE, 1);
	fs_test_image_fill(native, SIZE, 2);
	image = fs_test_image_create();
	fs_test_image_add_file(image, "a", of_image, SIZE);
	fs_test_image_add_file(image, "b", of_image, SIZE);
	fs_test_image_add_file(image, "c", of_image, SIZE);
	fs_test_image_open(image);
}

/* In a file of its own that nobody else can name; not on an overlay. */
static int make_native(void)
{
	int fd = memfd_create("native", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, native, SIZE), SIZE);
	return fd;
}

/* Natively "a" and "c", by these descriptors. */
static void mount_with(int a_fd, int c_fd, unsigned threads)
{
	files[0] = (struct fs_server_native_file){ number_of("/a"), a_fd };
	files[1] = (struct fs_server_native_file){ number_of("/c"), c_fd };
	cr_assert_lt(files[0].inode, files[1].inode);
	options.native_files = files;
	options.native_count = 2;
	options.threads = threads;
	fs_test_mount_start(&mounted, image, &options);
}

static void end(void)
{
	fs_test_mount_end(&mounted);
	fs_test_image_destroy(image);
	for (int i = 0; i < 2; i++)
		close(files[i].fd);
}

static int open_file(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", mounted.dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	return fd < 0 ? -errno : fd;
}

static void expect_content(const char *name, const uint8_t *expected)
{
	static uint8_t data[SIZE + 1];
	int fd = open_file(name, 0);

	cr_assert_geq(fd, 0, "%s: %d", name, fd);
	cr_expect_eq(pread(fd, data, SIZE + 1, 0), SIZE, "%s", name);
	cr_expect_arr_eq(data, expected, SIZE, "%s", name);
	close(fd);
}

static struct fs_server_counters counters(void)
{
	struct fs_server_counters ret;

	fs_server_get_counters(mounted.server, &ret);
	return ret;
}

/* After an open of "a": did the kernel take it? */
static void require_passthrough(void)
{
	if (counters().passthrough_opens > 0)
		return;
	end();
	cr_skip_test("this kernel has no FUSE passthrough (6.9)");
}

TestSuite(fs_passthrough, .timeout = 60);

Test(fs_passthrough, an_offer_is_an_init_with_the_flag)
{
	struct {
		struct fuse_in_header header;
		struct fuse_init_in init;
	} request = { .header.opcode = FUSE_INIT,
		      .init.flags = FUSE_INIT_EXT,
		      .init.flags2 = FS_KERNEL_INIT2_PASSTHROUGH };

	cr_expect(fs_passthrough_is_offer(&request, sizeof(request)));
	cr_expect_not(fs_passthrough_is_offer(&request, sizeof(request) - 1));
	cr_expect_not(fs_passthrough_is_offer(&request, 0));
	request.init.flags = 0;
	cr_expect_not(fs_passthrough_is_offer(&request, sizeof(request)),
		      "flags2 means nothing without INIT_EXT");
	request.init.flags = FUSE_INIT_EXT;
	request.init.flags2 = ~FS_KERNEL_INIT2_PASSTHROUGH;
	cr_expect_not(fs_passthrough_is_offer(&request, sizeof(request)));
	request.init.flags2 = FS_KERNEL_INIT2_PASSTHROUGH;
	request.header.opcode = FUSE_LOOKUP;
	cr_expect_not(fs_passthrough_is_offer(&request, sizeof(request)));
}

Test(fs_passthrough, the_answer_gets_the_flag_and_a_depth)
{
	struct fuse_init_out out = { .flags = FUSE_ASYNC_READ,
				     .max_pages = 32 };
	const struct fuse_init_out before = out;

	cr_expect_not(fs_passthrough_amend_init(&out, sizeof(out) - 40));
	cr_expect_arr_eq(&out, &before, sizeof(out));
	cr_expect(fs_passthrough_amend_init(&out, sizeof(out)));
	cr_expect_eq(out.flags, FUSE_ASYNC_READ | FUSE_INIT_EXT);
	cr_expect_eq(out.flags2, 1u << 5);
	cr_expect_eq(out.unused[0], 1);
	cr_expect_eq(out.max_pages, 32);
}

Test(fs_passthrough, the_kernel_reads_native_files)
{
	void *map;
	int fd;

	make_image();
	mount_with(make_native(), make_native(), 1);
	fd = open_file("a", 0);
	require_passthrough();
	expect_content("a", native);
	expect_content("c", native);
	cr_expect_eq(counters().reads, 0);
	cr_expect_eq(counters().passthrough_opens, 3);
	expect_content("b", of_image);
	cr_expect_gt(counters().reads, 0);
	cr_expect_eq(counters().passthrough_opens, 3);
	map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	cr_assert_neq(map, MAP_FAILED);
	cr_expect_eq(memcmp(map, native, SIZE), 0);
	munmap(map, SIZE);
	close(fd);
	/* closed by all, and opened again */
	expect_content("a", native);
	end();
}

Test(fs_passthrough, a_file_that_the_kernel_refuses_is_read_as_others)
{
	int dir_fd;
	int fd;

	make_image();
	dir_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mount_with(make_native(), dir_fd, 1);
	fd = open_file("a", 0);
	require_passthrough();
	close(fd);
	expect_content("a", native);
	expect_content("c", of_image);
	end();
}

Test(fs_passthrough, without_any_the_kernel_does_not_ask)
{
	struct fs_server_counters before;

	make_image();
	mount_with(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		   open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 1);
	expect_content("a", of_image);
	expect_content("b", of_image);
	expect_content("c", of_image);
	before = counters();
	cr_expect_eq(before.passthrough_opens, 0);
	for (int i = 0; i < OPENS; i++)
		expect_content("a", of_image);
	cr_expect_eq(counters().requests, before.requests);
	end();
}

/* Half of the threads open what is passed through, half what is not. */
static void *open_often(void *arg)
{
	const uint8_t *expected = arg;
	const char *name = expected == native ? "a" : "b";
	uint8_t byte;

	for (int i = 0; i < OPENS; i++) {
		int fd = open_file(name, 0);

		if (fd < 0 || pread(fd, &byte, 1, i) != 1 ||
		    byte != expected[i])
			return arg;
		close(fd);
	}
	return NULL;
}

Test(fs_passthrough, many_open_at_once)
{
	pthread_t threads[THREADS];
	void *failed = NULL;

	make_image();
	mount_with(make_native(), make_native(), 2);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, open_often,
					    i % 2 ? native : of_image),
			     0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		if (counters().passthrough_opens > 0)
			cr_expect_null(failed, "thread %d", i);
	}
	require_passthrough();
	cr_expect_eq(counters().passthrough_opens, THREADS / 2 * OPENS);
	end();
}
