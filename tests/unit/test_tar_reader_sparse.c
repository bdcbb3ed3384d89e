/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every sparse form: built by hand after the GNU tar manual ("Sparse
 * Formats"), and by the tar command where there is one.
 */
#include "common/error.h"
#include "index/entry_list.h"
#include "index/tar_reader.h"
#include "index/tree.h"
#include "tests/support/tar_listing.h"
#include "tests/support/tar_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct piece {
	uint64_t off;
	uint64_t size;
};

/* A file of 100000 bytes; stored: 600 + 512 + 4000 bytes. */
static const struct piece pieces[] = {
	{ 1000, 600 },
	{ 20000, 512 },
	{ 50001, 4000 },
};
enum { PIECE_COUNT = 3, FILE_SIZE = 100000, STORED_SIZE = 5112 };

static struct tar_maker tar = TAR_MAKER_INIT;
static struct entry_list *list;
static struct error err;
static uint8_t content[FILE_SIZE];
static uint8_t stored[STORED_SIZE];

static void set_up(void)
{
	size_t used = 0;

	list = entry_list_create(UINT32_MAX);
	cr_assert(list);
	for (size_t i = 0; i < PIECE_COUNT; i++)
		for (size_t k = 0; k < pieces[i].size; k++) {
			content[pieces[i].off + k] = (uint8_t)(k * 7 + i + 1);
			stored[used++] = content[pieces[i].off + k];
		}
	cr_assert_eq(used, STORED_SIZE);
}

static void tear_down(void)
{
	entry_list_destroy(list);
	tar_maker_fini(&tar);
}

TestSuite(tar_reader_sparse, .init = set_up, .fini = tear_down);

static int read_tar(void)
{
	return tar_listing_read(tar.buffer.data, tar.buffer.size, 4096, list,
				&err);
}

/* The sparse file is there, and the file after it was found. */
static void check(const char *path, size_t extent_count)
{
	const struct tree_entry *entry;
	uint8_t *bytes;

	tar_maker_add_file(&tar, "after", "end", 3);
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	entry = tar_listing_find(list, path);
	cr_assert(entry);
	cr_assert_eq(entry->size, FILE_SIZE);
	cr_expect_eq(entry->extent_count, extent_count);
	bytes = tar_listing_content(entry, tar.buffer.data, tar.buffer.size);
	cr_expect_arr_eq(bytes, content, FILE_SIZE);
	free(bytes);
	entry = tar_listing_find(list, "after");
	cr_assert(entry);
	bytes = tar_listing_content(entry, tar.buffer.data, tar.buffer.size);
	cr_expect_arr_eq(bytes, "end", 3);
	free(bytes);
}

static void add_octal(uint8_t *field, uint64_t value)
{
	char text[13];

	snprintf(text, sizeof(text), "%011llo", (unsigned long long)value);
	memcpy(field, text, 12);
}

/* Patches the last header block: sparse members, real size, checksum. */
static void make_old_gnu(const struct piece *members, size_t count,
			 bool is_extended)
{
	uint8_t *block = tar.buffer.data + tar.buffer.size - 512;
	unsigned sum = 0;
	char text[8];

	for (size_t i = 0; i < count; i++) {
		add_octal(block + 386 + 24 * i, members[i].off);
		add_octal(block + 386 + 24 * i + 12, members[i].size);
	}
	block[482] = is_extended;
	add_octal(block + 483, FILE_SIZE);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += block[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + 148, text, 7);
}

static const struct tar_maker_header old_gnu = {
	.format = TAR_MAKER_GNU,
	.name = "sparse",
	.type = 'S',
	.mode = 0644,
	.size = STORED_SIZE,
};

Test(tar_reader_sparse, reads_old_gnu_headers)
{
	tar_maker_add_header(&tar, &old_gnu);
	make_old_gnu(pieces, PIECE_COUNT, false);
	tar_maker_add_data(&tar, stored, STORED_SIZE);
	check("sparse", 3);
}

/* Four members in the header, the rest in extension blocks. */
Test(tar_reader_sparse, reads_old_gnu_extension_blocks)
{
	const struct piece first[4] = {
		{ 1000, 100 }, { 1100, 200 }, { 1300, 300 }, { 20000, 512 }
	};
	uint8_t extension[512] = { 0 };

	tar_maker_add_header(&tar, &old_gnu);
	make_old_gnu(first, 4, true);
	for (size_t i = 0; i < 20; i++) {
		add_octal(extension + 24 * i, 50001 + 200 * i);
		add_octal(extension + 24 * i + 12, 200);
	}
	add_octal(extension + 24 * 20, FILE_SIZE);
	add_octal(extension + 24 * 20 + 12, 0);
	tar_maker_add_bytes(&tar, extension, sizeof(extension));
	tar_maker_add_data(&tar, stored, STORED_SIZE);
	check("sparse", 3);
}

static struct tar_maker_header pax_header(uint64_t size)
{
	return (struct tar_maker_header){ .name = "GNUSparseFile.0/sparse",
					  .type = '0',
					  .mode = 0644,
					  .size = (int64_t)size };
}

Test(tar_reader_sparse, reads_pax_0_0)
{
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("GNU.sparse.size", "100000"),
		TAR_MAKER_RECORD("GNU.sparse.numblocks", "3"),
		TAR_MAKER_RECORD("GNU.sparse.offset", "1000"),
		TAR_MAKER_RECORD("GNU.sparse.numbytes", "600"),
		TAR_MAKER_RECORD("GNU.sparse.offset", "20000"),
		TAR_MAKER_RECORD("GNU.sparse.numbytes", "512"),
		TAR_MAKER_RECORD("GNU.sparse.offset", "50001"),
		TAR_MAKER_RECORD("GNU.sparse.numbytes", "4000"),
	};
	const struct tar_maker_header header = pax_header(STORED_SIZE);

	tar_maker_add_pax(&tar, 'x', records, 8);
	tar_maker_add_header(&tar, &header);
	tar_maker_add_data(&tar, stored, STORED_SIZE);
	check("GNUSparseFile.0/sparse", 3);
}

Test(tar_reader_sparse, reads_pax_0_1)
{
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("GNU.sparse.size", "100000"),
		TAR_MAKER_RECORD("GNU.sparse.numblocks", "3"),
		TAR_MAKER_RECORD("GNU.sparse.name", "big/sparse"),
		TAR_MAKER_RECORD("GNU.sparse.map",
				 "1000,600,20000,512,50001,4000"),
	};
	const struct tar_maker_header header = pax_header(STORED_SIZE);

	tar_maker_add_pax(&tar, 'x', records, 4);
	tar_maker_add_header(&tar, &header);
	tar_maker_add_data(&tar, stored, STORED_SIZE);
	check("big/sparse", 3);
}

static void add_pax_1_0(const char *map, uint64_t stored_size)
{
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("GNU.sparse.major", "1"),
		TAR_MAKER_RECORD("GNU.sparse.minor", "0"),
		TAR_MAKER_RECORD("GNU.sparse.name", "sparse"),
		TAR_MAKER_RECORD("GNU.sparse.realsize", "100000"),
	};
	const struct tar_maker_header header = pax_header(512 + stored_size);

	tar_maker_add_pax(&tar, 'x', records, 4);
	tar_maker_add_header(&tar, &header);
	tar_maker_add_data(&tar, map, strlen(map));
	tar_maker_add_data(&tar, stored, stored_size);
}

Test(tar_reader_sparse, reads_pax_1_0)
{
	add_pax_1_0("4\n1000\n600\n20000\n512\n50001\n4000\n100000\n0\n",
		    STORED_SIZE);
	check("sparse", 3);
}

Test(tar_reader_sparse, reads_a_file_that_is_one_hole)
{
	memset(content, 0, sizeof(content));
	add_pax_1_0("1\n100000\n0\n", 0);
	check("sparse", 0);
}

Test(tar_reader_sparse, refuses_maps_that_leave_the_file_or_overlap)
{
	static const char *const maps[] = {
		"1\n99999\n600\n",
		"1\n9000000000000000000\n600\n",
		"2\n1000\n600\n1599\n512\n",
		"2\n20000\n600\n1000\n512\n",
		"99\n1000\n600\n",
		"x\n",
		"-1\n",
	};

	for (size_t i = 0; i < 7; i++) {
		tar_maker_fini(&tar);
		add_pax_1_0(maps[i], STORED_SIZE);
		tar_maker_add_end(&tar);
		cr_expect_eq(read_tar(), -EBADMSG, "map %zu", i);
	}
}

/* Returns whether the command made an archive of the sparse file. */
static bool make_by_command(const char *folder, const char *options)
{
	char command[512];
	char path[256];
	uint8_t data[65536];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/sparse", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert(fd >= 0);
	cr_assert_eq(ftruncate(fd, FILE_SIZE), 0);
	for (size_t i = 0; i < PIECE_COUNT; i++)
		cr_assert_eq(pwrite(fd, content + pieces[i].off, pieces[i].size,
				    (off_t)pieces[i].off),
			     (ssize_t)pieces[i].size);
	close(fd);
	snprintf(command, sizeof(command),
		 "cd %s && tar -S --hole-detection=raw %s -cf out.tar sparse "
		 "2>/dev/null",
		 folder, options);
	if (system(command) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/out.tar", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd >= 0);
	tar_maker_fini(&tar);
	while ((n = read(fd, data, sizeof(data))) > 0)
		tar_maker_add_bytes(&tar, data, (size_t)n);
	close(fd);
	return true;
}

Test(tar_reader_sparse, agrees_with_gnu_tar)
{
	static const char *const options[] = {
		"--format=gnu",
		"--format=pax --sparse-version=0.0",
		"--format=pax --sparse-version=0.1",
		"--format=pax --sparse-version=1.0",
		"--format=pax",
	};
	char folder[] = "/tmp/test_tar_reader_sparse.XXXXXX";
	char command[128];

	cr_assert(mkdtemp(folder));
	for (size_t i = 0; i < 5; i++) {
		const struct tree_entry *entry;
		uint8_t *bytes;

		if (!make_by_command(folder, options[i]))
			continue; /* no GNU tar here */
		cr_expect_eq(read_tar(), 0, "%s: %s", options[i], err.text);
		entry = entry_list_next(list, NULL);
		cr_assert(entry);
		cr_expect_eq(entry->size, FILE_SIZE);
		cr_expect_geq(entry->extent_count, 3, "%s", options[i]);
		bytes = tar_listing_content(entry, tar.buffer.data,
					    tar.buffer.size);
		cr_expect_arr_eq(bytes, content, FILE_SIZE, "%s", options[i]);
		free(bytes);
		entry_list_destroy(list);
		list = entry_list_create(UINT32_MAX);
	}
	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_expect_eq(system(command), 0);
}
