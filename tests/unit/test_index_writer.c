/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_writer.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "index/index_file.h"
#include "index/index_format.h"
#include "index/tree.h"
#include "tests/support/index_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct index_maker *maker;

static void setup(void)
{
	maker = index_maker_create();
}

static void teardown(void)
{
	index_maker_destroy(maker);
}

TestSuite(index_writer, .init = setup, .fini = teardown);

static void expect_same_bytes(int a_fd, int b_fd)
{
	size_t a_size;
	size_t b_size;
	autofree uint8_t *a = index_maker_to_bytes(a_fd, &a_size);
	autofree uint8_t *b = index_maker_to_bytes(b_fd, &b_size);

	cr_assert_eq(a_size, b_size);
	cr_expect_eq(memcmp(a, b, a_size), 0);
}

static int repack(int from_fd, bool is_packed)
{
	int fd = memfd_create("repacked", MFD_CLOEXEC);
	struct error err = { 0 };

	cr_assert_eq(index_writer_repack(from_fd, fd, is_packed, &err), 0, "%s",
		     err.text);
	return fd;
}

/* A change of the format must change its version, and then this digest. */
Test(index_writer, writes_the_golden_bytes)
{
	static const char golden[] = "sha256:"
				     "30108b5f1b06d195756e3ff265f1e73bb5450ec54"
				     "32f5996e9c2836258926d02";
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;
	autoclose int fd = -1;
	autofree uint8_t *data = NULL;
	size_t size;

	index_maker_add_all(maker);
	fd = index_maker_write(maker, false);
	data = index_maker_to_bytes(fd, &size);
	digest_compute(data, size, &digest);
	digest_format(&digest, text);
	cr_expect_str_eq(text, golden);
}

Test(index_writer, writes_the_same_bytes_twice)
{
	autoclose int a = -1;
	autoclose int b = -1;

	index_maker_add_all(maker);
	a = index_maker_write(maker, true);
	b = index_maker_write(maker, true);
	expect_same_bytes(a, b);
}

Test(index_writer, repacking_gives_what_writing_gives)
{
	autoclose int raw = -1;
	autoclose int packed = -1;
	autoclose int raw2 = -1;
	autoclose int packed2 = -1;

	index_maker_add_all(maker);
	raw = index_maker_write(maker, false);
	packed = index_maker_write(maker, true);
	raw2 = repack(packed, false);
	packed2 = repack(raw, true);
	expect_same_bytes(raw, raw2);
	expect_same_bytes(packed, packed2);
}

Test(index_writer, packed_is_smaller_and_says_so)
{
	struct index_figures figures[2];

	index_maker_add_all(maker);
	for (int i = 0; i < 2; i++) {
		CLEANUP(index_file_closep) struct index_file *index = NULL;
		autoclose int fd = index_maker_write(maker, i == 1);

		cr_assert_eq(index_file_open(fd, &index, NULL), 0);
		index_file_get_figures(index, &figures[i]);
		cr_expect_eq(index_file_check(index, NULL), 0);
	}
	cr_expect_not(figures[0].is_packed);
	cr_expect(figures[1].is_packed);
	cr_expect_lt(figures[1].mount_size, figures[0].mount_size);
	cr_expect_eq(figures[0].window_size, figures[1].window_size);
	cr_expect_eq(figures[0].inode_count, figures[1].inode_count);
}

Test(index_writer, windows_come_last)
{
	autoclose int fd = -1;
	struct index_figures figures;
	const struct index_file *index;
	uint8_t byte = 0;

	index_maker_add_all(maker);
	index = index_maker_open(maker);
	fd = index_maker_write(maker, false);
	index_file_get_figures(index, &figures);
	cr_expect_eq(figures.file_size,
		     figures.mount_size + figures.window_size);
	cr_expect_eq(pread(fd, &byte, 1, (off_t)figures.file_size - 1), 1);
	cr_expect_eq(byte, 16 + 3, "the last layer's last window");
}

static int write_blob(const struct index_writer_blob *blob, int fd,
		      struct error *err)
{
	CLEANUP(tree_destroyp) struct tree *tree = tree_create();
	struct index_writer_image image = {
		.manifest = "{}",
		.manifest_size = 2,
		.config = "{}",
		.config_size = 2,
		.blobs = blob,
		.blob_count = 1,
		.tree = tree,
	};

	return index_writer_write(fd, &image, false, err);
}

Test(index_writer, refuses_chunks_that_leave_gaps)
{
	static const uint64_t raw_offs[] = { 0, 5, 15 };
	autoclose int fd = memfd_create("index", MFD_CLOEXEC);

	for (int i = 0; i < 3; i++) {
		struct index_writer_chunk chunks[2] = {
			{ .ref = { .stored_size = 10, .raw_size = 10 } },
			{ .ref = { .stored_off = 10,
				   .stored_size = 10,
				   .raw_size = 10 },
			  .raw_off = raw_offs[i] },
		};
		struct index_writer_blob blob = { .size = 20,
						  .raw_size = 20,
						  .chunks = chunks,
						  .chunk_count = 2 };
		struct error err = { 0 };

		cr_expect_eq(write_blob(&blob, fd, &err), -EINVAL, "case: %d",
			     i);
		cr_expect(err.text[0] != '\0');
	}
}

Test(index_writer, refuses_chunks_that_end_before_their_layer)
{
	struct index_writer_chunk chunk = { .ref = { .stored_size = 10,
						     .raw_size = 10 } };
	struct index_writer_blob blob = {
		.size = 10, .raw_size = 11, .chunks = &chunk, .chunk_count = 1
	};
	autoclose int fd = memfd_create("index", MFD_CLOEXEC);

	cr_expect_eq(write_blob(&blob, fd, NULL), -EINVAL);
	blob.raw_size = 10;
	cr_expect_eq(write_blob(&blob, fd, NULL), 0);
}

Test(index_writer, an_image_without_layers_is_an_index)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	autoclose int fd = index_maker_write(maker, true);
	struct index_figures figures;

	cr_assert_eq(index_file_open(fd, &index, NULL), 0);
	cr_expect_eq(index_file_check(index, NULL), 0);
	index_file_get_figures(index, &figures);
	cr_expect_eq(figures.inode_count, 1);
	cr_expect_eq(figures.chunk_count, 0);
}

Test(index_writer, reports_a_full_disk)
{
	autoclose int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct index_writer_blob blob = { 0 };
	struct error err = { 0 };

	cr_expect_eq(write_blob(&blob, full, &err), -ENOSPC);
	cr_expect(strstr(err.text, "cannot write"), "%s", err.text);
}

Test(index_writer, what_was_not_finished_is_no_index)
{
	autoclose int raw = -1;
	autoclose int cut = -1;
	autofree uint8_t *data = NULL;
	struct index_file *index;
	size_t size;

	index_maker_add_all(maker);
	raw = index_maker_write(maker, false);
	data = index_maker_to_bytes(raw, &size);
	memset(data, 0, INDEX_FORMAT_HEADER_SIZE);
	cut = index_maker_from_bytes(data, size);
	cr_expect_eq(index_file_open(cut, &index, NULL), -EBADMSG);
}

Test(index_writer, repack_refuses_what_is_damaged)
{
	size_t size;
	autofree uint8_t *data = NULL;
	autoclose int packed = -1;
	autoclose int to = memfd_create("to", MFD_CLOEXEC);
	struct error err = { 0 };

	index_maker_add_all(maker);
	packed = index_maker_write(maker, true);
	data = index_maker_to_bytes(packed, &size);
	for (size_t i = 0; i < INDEX_FORMAT_HEADER_SIZE + 40; i += 7) {
		autoclose int from = -1;

		data[i] ^= 1;
		from = index_maker_from_bytes(data, size);
		data[i] ^= 1;
		cr_expect_lt(index_writer_repack(from, to, false, &err), 0,
			     "case: byte %zu", i);
	}
}

Test(index_writer, repack_refuses_features_it_might_lose)
{
	autoclose int packed = -1;
	autoclose int to = memfd_create("to", MFD_CLOEXEC);
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	uint8_t features[4];

	packed = index_maker_write(maker, true);
	le_store32(features, 4);
	cr_assert_eq(pwrite(packed, features, 4,
			    offsetof(struct index_format_header, feature_ro)),
		     4);
	index_maker_reseal(packed);
	cr_expect_eq(index_writer_repack(packed, to, false, NULL), -ENOTSUP);
	cr_expect_eq(index_file_open(packed, &index, NULL), 0,
		     "reading is allowed");
}
