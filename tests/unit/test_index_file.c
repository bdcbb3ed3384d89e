/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_file.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "index/index_format.h"
#include "tests/support/index_maker.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct index_maker *maker;

static void setup(void)
{
	maker = index_maker_create();
	index_maker_add_all(maker);
}

static void teardown(void)
{
	index_maker_destroy(maker);
}

TestSuite(index_file, .init = setup, .fini = teardown);

static uint32_t find(const struct index_file *index, const char *path)
{
	uint32_t number = 0;

	cr_assert_eq(index_file_resolve(index, path, false, &number), 0, "%s",
		     path);
	return number;
}

/* Opens and, where that works, walks. */
static int try(int fd, struct error *err)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	int r = index_file_open(fd, &index, err);

	cr_assert_eq(r == 0, index != NULL);
	if (index)
		index_maker_walk(index);
	return r;
}

static int open_bytes(const void *data, size_t size, struct error *err)
{
	autoclose int fd = index_maker_from_bytes(data, size);

	return try(fd, err);
}

Test(index_file, gives_back_what_was_added)
{
	const struct index_file *index = index_maker_open(maker);
	struct index_inode inode;

	cr_assert_eq(
		index_file_get_inode(index, find(index, "bin/file"), &inode),
		0);
	cr_expect_eq(inode.mode, S_IFREG | 04755);
	cr_expect_eq(inode.uid, 70000);
	cr_expect_eq(inode.gid, UINT32_MAX - 1);
	cr_expect_eq(inode.size, 5000);
	cr_expect_eq(inode.nlink, 2);
	cr_expect_eq(inode.mtime_s, 1700000000);
	cr_expect_eq(inode.mtime_ns, 999999999);
	cr_expect_eq(inode.parent, find(index, "bin"));
	cr_expect(inode.has_xattrs);
	cr_assert_eq(index_file_get_inode(index, INDEX_ROOT, &inode), 0);
	cr_expect_eq(inode.mode, S_IFDIR | 0711);
	cr_expect_eq(inode.mtime_s, -1);
	cr_expect_eq(inode.parent, INDEX_ROOT);
	cr_expect_eq(inode.nlink, 2 + 4);
	cr_expect_eq(index_file_get_inode(index, 0, &inode), -ENOENT);
	cr_expect_eq(index_file_get_inode(index, 1000, &inode), -ENOENT);
	cr_expect_eq(index_file_get_inode(index, UINT32_MAX, &inode), -ENOENT);
}

Test(index_file, lists_names_in_the_order_of_their_bytes)
{
	const struct index_file *index = index_maker_open(maker);
	uint32_t bin = find(index, "bin");
	struct index_dirent dirent;
	uint32_t number;

	cr_assert_eq(index_file_get_dirent(index, bin, 0, &dirent), 0);
	cr_expect_eq(memcmp(dirent.name, "file", dirent.name_size), 0);
	cr_assert_eq(index_file_get_dirent(index, bin, 1, &dirent), 0);
	cr_expect_eq(memcmp(dirent.name, "other", dirent.name_size), 0);
	cr_assert_eq(index_file_get_dirent(index, bin, 2, &dirent), 0);
	cr_expect_eq(memcmp(dirent.name, "\xff\xfe", dirent.name_size), 0);
	cr_expect_eq(index_file_get_dirent(index, bin, 3, &dirent), -ENOENT);
	cr_expect_eq(index_file_lookup(index, bin, "\xff\xfe", 2, &number), 0);
	cr_expect_eq(number, dirent.inode);
	cr_expect_eq(index_file_lookup(index, bin, "\xff", 1, &number),
		     -ENOENT);
	cr_expect_eq(index_file_lookup(index, bin, "", 0, &number), -ENOENT);
	cr_expect_eq(index_file_lookup(index, number, "x", 1, &number),
		     -ENOTDIR);
	cr_expect_eq(index_file_get_dirent(index, number, 0, &dirent),
		     -ENOTDIR);
}

Test(index_file, entries_of_a_directory_have_consecutive_inodes)
{
	const struct index_file *index = index_maker_open(maker);

	cr_expect_eq(find(index, "bin"), 2);
	cr_expect_eq(find(index, "usr"), 8);
	cr_expect_eq(find(index, "bin/file"), 9);
}

Test(index_file, gives_symlinks_and_xattrs)
{
	const struct index_file *index = index_maker_open(maker);
	uint32_t file = find(index, "bin/file");
	struct index_xattr xattr;
	const char *target;
	size_t size;

	cr_assert_eq(index_file_get_symlink(index, find(index, "lib"), &target,
					    &size),
		     0);
	cr_expect_eq(size, 7);
	cr_expect_eq(memcmp(target, "usr/lib", 7), 0);
	cr_expect_eq(index_file_get_symlink(index, file, &target, &size),
		     -EINVAL);
	cr_expect(index_file_has_xattrs_but(index, "security.capability"));
	cr_assert_eq(index_file_get_xattr(index, file, 0, &xattr), 0);
	cr_expect_eq(xattr.name_size, 19);
	cr_expect_eq(memcmp(xattr.name, "security.capability", 19), 0);
	cr_expect_eq(memcmp(xattr.value, "\1\0\0\2", 4), 0);
	cr_assert_eq(index_file_get_xattr(index, file, 1, &xattr), 0);
	cr_expect_eq(memcmp(xattr.name, "user.b", 6), 0);
	cr_expect_eq(index_file_get_xattr(index, file, 2, &xattr), -ENODATA);
	cr_expect_eq(index_file_get_xattr(index, 1, 0, &xattr), -ENODATA);
}

static void expect_piece(const struct index_file *index, const char *path,
			 uint64_t off, const struct index_piece *expected)
{
	struct index_piece piece;

	cr_assert_eq(
		index_file_get_piece(index, find(index, path), off, &piece), 0,
		"%s at %llu", path, (unsigned long long)off);
	cr_expect_eq(piece.off, off);
	cr_expect_eq(piece.size, expected->size, "%s at %llu: %llu", path,
		     (unsigned long long)off, (unsigned long long)piece.size);
	cr_expect_eq(piece.chunk, expected->chunk);
	cr_expect_eq(piece.chunk_off, expected->chunk_off);
}

/* bin/file: 5000 bytes at 512 of layer 0, whose chunks are 4096 long. */
Test(index_file, cuts_a_file_at_its_chunks)
{
	const struct index_file *index = index_maker_open(maker);
	struct index_piece piece;

	expect_piece(index, "bin/file", 0,
		     &(struct index_piece){ .size = 3584, .chunk_off = 512 });
	expect_piece(index, "bin/file", 3583,
		     &(struct index_piece){ .size = 1, .chunk_off = 4095 });
	expect_piece(index, "bin/file", 3584,
		     &(struct index_piece){ .size = 1416, .chunk = 1 });
	expect_piece(index, "bin/file", 4999,
		     &(struct index_piece){
			     .size = 1, .chunk = 1, .chunk_off = 1415 });
	cr_expect_eq(index_file_get_piece(index, find(index, "bin/file"), 5000,
					  &piece),
		     -ENODATA);
	cr_expect_eq(index_file_get_piece(index, find(index, "bin"), 0, &piece),
		     -EINVAL);
}

/* sparse: in layer 1 (chunks 4 to 7), 100+200 at 8192, 9000+1000 at 8392. */
Test(index_file, shows_holes_between_extents)
{
	const struct index_file *index = index_maker_open(maker);

	expect_piece(
		index, "sparse", 0,
		&(struct index_piece){ .size = 100, .chunk = INDEX_NO_CHUNK });
	expect_piece(index, "sparse", 100,
		     &(struct index_piece){ .size = 200, .chunk = 6 });
	expect_piece(index, "sparse", 299,
		     &(struct index_piece){
			     .size = 1, .chunk = 6, .chunk_off = 199 });
	expect_piece(
		index, "sparse", 300,
		&(struct index_piece){ .size = 8700, .chunk = INDEX_NO_CHUNK });
	expect_piece(index, "sparse", 9500,
		     &(struct index_piece){
			     .size = 500, .chunk = 6, .chunk_off = 700 });
	expect_piece(index, "sparse", 10000,
		     &(struct index_piece){ .size = 10000,
					    .chunk = INDEX_NO_CHUNK });
	expect_piece(index, "hole", 5,
		     &(struct index_piece){ .size = (1 << 20) - 5,
					    .chunk = INDEX_NO_CHUNK });
}

Test(index_file, joins_extents_that_go_on)
{
	static const struct tree_extent extents[] = { { 0, 10, 100 },
						      { 10, 10, 110 },
						      { 20, 10, 200 } };
	struct tree_entry entry = { .path = "joined",
				    .mode = S_IFREG,
				    .size = 30,
				    .extents = extents,
				    .extent_count = 3 };
	const struct index_file *index;

	index_maker_add(maker, &entry);
	index = index_maker_open(maker);
	expect_piece(index, "joined", 0,
		     &(struct index_piece){
			     .size = 20, .chunk = 4, .chunk_off = 100 });
	expect_piece(index, "joined", 20,
		     &(struct index_piece){
			     .size = 10, .chunk = 4, .chunk_off = 200 });
}

Test(index_file, gives_chunks_of_all_layers)
{
	const struct index_file *index = index_maker_open(maker);
	const struct chunk_table *chunks = index_file_chunks(index);
	uint8_t window[INDEX_MAKER_WINDOW_SIZE];
	struct chunk_ref ref;
	uint64_t raw_off;

	cr_assert_eq(chunks->count, 8);
	cr_assert_eq(chunk_table_get(chunks, 0, &ref), 0);
	cr_expect_eq(ref.window_size, 0);
	cr_expect_eq(ref.blob, 0);
	cr_assert_eq(chunk_table_get(chunks, 7, &ref), 0);
	cr_expect_eq(ref.blob, 1);
	cr_expect_eq(ref.codec, CODEC_DEFLATE_SPAN);
	cr_expect_eq(ref.stored_off, 10 + 3 * INDEX_MAKER_STORED_SIZE);
	cr_expect_eq(ref.stored_size, INDEX_MAKER_STORED_SIZE);
	cr_expect_eq(ref.raw_size, INDEX_MAKER_CHUNK_SIZE);
	cr_expect_eq(ref.start_bit, 3);
	cr_expect_eq(ref.end_bit, 4);
	cr_assert_eq(ref.window_size, INDEX_MAKER_WINDOW_SIZE);
	cr_assert_eq(chunk_table_load_window(chunks, &ref, window), 0);
	cr_expect_eq(window[0], 16 + 3);
	cr_expect_eq(chunk_table_get(chunks, 8, &ref), -EINVAL);
	cr_assert_eq(index_file_chunk_raw_off(index, 7, &raw_off), 0);
	cr_expect_eq(raw_off, 3 * INDEX_MAKER_CHUNK_SIZE);
	cr_expect_eq(index_file_chunk_raw_off(index, 8, &raw_off), -EINVAL);
}

Test(index_file, gives_blobs_and_documents)
{
	const struct index_file *index = index_maker_open(maker);
	struct index_blob blob;
	struct index_figures figures;
	struct digest digest;
	size_t size;
	const char *text = index_file_manifest(index, &size);

	digest_compute(text, size, &digest);
	cr_expect(digest_equal(&digest, index_file_manifest_digest(index)));
	text = index_file_config(index, &size);
	cr_expect_eq(size, strlen("{\"os\":\"linux\"}"));
	cr_expect_eq(memcmp(text, "{\"os\":\"linux\"}", size), 0);
	cr_assert_eq(index_file_get_blob(index, 1, &blob), 0);
	cr_expect_eq(blob.digest.bytes[0], 2);
	cr_expect_eq(blob.diff_id.bytes[31], 0x82);
	cr_expect_eq(blob.first_chunk, 4);
	cr_expect_eq(blob.chunk_count, 4);
	cr_expect_eq(index_file_get_blob(index, 2, &blob), -EINVAL);
	index_file_get_figures(index, &figures);
	cr_expect_eq(figures.blob_count, 2);
	cr_expect_eq(figures.raw_size, 2 * 4 * INDEX_MAKER_CHUNK_SIZE);
	cr_expect_eq(figures.stored_size, 2 * blob.size);
	cr_expect_eq(figures.inode_count, 18);
}

Test(index_file, refuses_what_is_no_index)
{
	struct error err = { 0 };
	struct index_file *index;
	autoclose int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[5000] = "";

	cr_expect_eq(open_bytes("", 0, &err), -EBADMSG);
	cr_expect_eq(open_bytes(text, sizeof(text), &err), -EBADMSG);
	cr_expect(strstr(err.text, "not a lazyrun index"), "%s", err.text);
	cr_expect_eq(index_file_open(dir, &index, &err), -EBADMSG);
}

Test(index_file, says_when_the_version_is_another)
{
	size_t size;
	autoclose int fd = index_maker_write(maker, true);
	autofree uint8_t *data = index_maker_to_bytes(fd, &size);
	struct index_format_header *header = (void *)data;
	struct error err = { 0 };

	le_store16(header->major, 2);
	cr_expect_eq(open_bytes(data, size, &err), -ENOTSUP);
	cr_expect(strstr(err.text, "version 2"), "%s", err.text);
	le_store16(header->major, INDEX_FORMAT_MAJOR);
	cr_expect_eq(open_bytes(data, size, &err), 0);
}

Test(index_file, later_minor_versions_and_unknown_sections_are_read)
{
	size_t size;
	autoclose int old = index_maker_write(maker, true);
	autofree uint8_t *data = index_maker_to_bytes(old, &size);
	struct index_format_header *header = (void *)data;
	struct index_format_section *sections = header->sections;
	autoclose int fd = -1;

	/* an empty section of a type to come, before the windows */
	le_store16(header->minor, 7);
	sections[13] = sections[12];
	memcpy(sections[12].off, sections[13].off, 8);
	memset(sections[12].stored_size, 0, 16);
	le_store32(sections[12].type, 4711);
	le_store32(header->section_count, 14);
	fd = index_maker_from_bytes(data, size);
	index_maker_reseal(fd);
	cr_expect_eq(try(fd, NULL), 0);
}

Test(index_file, refuses_features_it_does_not_know)
{
	size_t size;
	autoclose int old = index_maker_write(maker, true);
	autofree uint8_t *data = index_maker_to_bytes(old, &size);
	struct index_format_header *header = (void *)data;
	autoclose int fd = -1;
	struct error err = { 0 };

	le_store32(header->feature_incompat, 1 << 5);
	fd = index_maker_from_bytes(data, size);
	index_maker_reseal(fd);
	cr_expect_eq(try(fd, &err), -ENOTSUP);
	cr_expect(strstr(err.text, "0x20"), "%s", err.text);
}

Test(index_file, refuses_an_index_cut_anywhere)
{
	for (int packed = 0; packed < 2; packed++) {
		size_t size;
		autoclose int fd = index_maker_write(maker, packed);
		autofree uint8_t *data = index_maker_to_bytes(fd, &size);
		struct index_format_header *header = (void *)data;

		cr_expect_eq(open_bytes(data, size - 1, NULL), -EBADMSG);
		for (unsigned i = 0; i < 13; i++) {
			uint64_t off = le_load64(header->sections[i].off);

			cr_expect_eq(open_bytes(data, off, NULL), -EBADMSG);
			cr_expect_eq(open_bytes(data, off - 1, NULL), -EBADMSG);
		}
		for (size_t i = 0; i < INDEX_FORMAT_HEADER_SIZE; i += 61)
			cr_expect_eq(open_bytes(data, i, NULL), -EBADMSG);
	}
}

/* Every flipped byte before the windows is refused, but for the padding. */
Test(index_file, refuses_a_flip_of_any_byte)
{
	size_t size;
	autoclose int fd = index_maker_write(maker, true);
	autofree uint8_t *data = index_maker_to_bytes(fd, &size);
	struct index_format_header *header = (void *)data;
	uint64_t end = le_load64(header->sections[12].off);

	for (size_t i = 0; i < end; i++) {
		data[i] ^= 0x10;
		cr_expect_lt(open_bytes(data, size, NULL), 0, "byte %zu", i);
		data[i] ^= 0x10;
	}
}

Test(index_file, a_flip_in_a_window_shows_when_it_is_loaded)
{
	size_t size;
	autoclose int old = index_maker_write(maker, true);
	autofree uint8_t *data = index_maker_to_bytes(old, &size);
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	uint8_t window[INDEX_MAKER_WINDOW_SIZE];
	struct error err = { 0 };
	struct chunk_ref ref;
	autoclose int fd = -1;

	data[size - 1] ^= 1;
	fd = index_maker_from_bytes(data, size);
	cr_assert_eq(index_file_open(fd, &index, NULL), 0);
	cr_assert_eq(chunk_table_get(index_file_chunks(index), 7, &ref), 0);
	cr_expect_eq(
		chunk_table_load_window(index_file_chunks(index), &ref, window),
		-EBADMSG);
	cr_expect_eq(index_file_check(index, &err), -EBADMSG);
	cr_expect(strstr(err.text, "window"), "%s", err.text);
	cr_assert_eq(ftruncate(fd, (off_t)size - 1), 0);
	cr_expect_eq(
		chunk_table_load_window(index_file_chunks(index), &ref, window),
		-EIO);
}

/* Behind right checksums, any byte may have any value: nothing may crash, and
 * what is answered must keep the promises, which index_maker_walk() asserts. */
Test(index_file, survives_any_byte_behind_right_checksums, .timeout = 100)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	size_t size;
	autoclose int old = index_maker_write(maker, false);
	autofree uint8_t *data = index_maker_to_bytes(old, &size);
	struct index_format_header *header = (void *)data;
	unsigned opened = 0;

	for (unsigned s = 0; s < 12; s++) {
		uint64_t off = le_load64(header->sections[s].off);
		uint64_t end = off + le_load64(header->sections[s].raw_size);

		for (; off < end; off++)
			for (unsigned i = 0; i < sizeof(flips); i++) {
				autoclose int fd = -1;

				data[off] ^= flips[i];
				fd = index_maker_from_bytes(data, size);
				data[off] ^= flips[i];
				index_maker_reseal(fd);
				opened += try(fd, NULL) == 0;
			}
	}
	cr_expect_gt(opened, 1000);
}

Test(index_file, survives_any_section_table, .timeout = 100)
{
	static const uint8_t flips[] = { 0x01, 0x02, 0x10, 0x80, 0xff };

	for (int packed = 0; packed < 2; packed++) {
		size_t size;
		autoclose int old = index_maker_write(maker, packed);
		autofree uint8_t *data = index_maker_to_bytes(old, &size);

		for (size_t i = 8; i < 128 + 14 * 48; i++)
			for (unsigned f = 0; f < sizeof(flips); f++) {
				autoclose int fd = -1;

				data[i] ^= flips[f];
				fd = index_maker_from_bytes(data, size);
				data[i] ^= flips[f];
				index_maker_reseal(fd);
				try(fd, NULL);
			}
	}
}

/* Each file's name is what is wrong with it; its valid twin is what
 * index_maker_add_all() makes. */
Test(index_file, refuses_every_must_fail_file)
{
	static const char path[] = TEST_DATA "/must_fail/index_file";
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	cr_assert(dir);
	while ((entry = readdir(dir))) {
		CLEANUP(index_file_closep) struct index_file *index = NULL;
		autoclose int fd = -1;
		struct error err = { 0 };

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		cr_assert_geq(fd, 0);
		if (index_file_open(fd, &index, &err) == 0)
			cr_expect_eq(index_file_check(index, &err), -EBADMSG,
				     "case: %s", entry->d_name);
		if (index)
			index_maker_walk(index);
		cr_expect(err.text[0] != '\0');
		count++;
	}
	closedir(dir);
	cr_expect_geq(count, 20);
}
