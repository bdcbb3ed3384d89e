/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_lister.h"

#include "common/byte_stream.h"
#include "common/error.h"
#include "index/entry_list.h"
#include "index/index_file.h"
#include "index/squashfs_indexer.h"
#include "index/squashfs_super.h"
#include "index/tree.h"
#include "tests/support/memory_stream.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct file {
	uint8_t *data;
	size_t size;
};

static struct file load(const char *folder, const char *name)
{
	struct file file = { 0 };
	char path[1024];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s/%s", TEST_DATA, folder, name);
	stream = fopen(path, "rb");
	cr_assert(stream, "cannot open %s", path);
	file.data = malloc(1 << 20);
	file.size = fread(file.data, 1, 1 << 20, stream);
	fclose(stream);
	return file;
}

/* All that is done with an image before it is run. */
static int list(const struct file *file, struct squashfs_super *super,
		struct squashfs_listing *listing, struct error *err)
{
	int r;

	if (file->size < SQUASHFS_SUPER_SIZE)
		return error_set(err, -EPROTO, "too short");
	r = squashfs_super_parse(file->data, file->size, super, err);
	if (r < 0)
		return r;
	return squashfs_lister_run(super, file->data,
				   file->data + super->inode_table, listing,
				   err);
}

static const struct tree_entry *find(const struct squashfs_listing *listing,
				     const char *path)
{
	const struct tree_entry *entry = NULL;

	while ((entry = entry_list_next(listing->entries, entry)))
		if (strcmp(entry->path, path) == 0)
			return entry;
	cr_assert(false, "no entry %s", path);
	return NULL;
}

Test(squashfs_lister, lists_a_small_image)
{
	struct file file = load("valid/squashfs", "small");
	struct squashfs_listing listing = { 0 };
	struct squashfs_super super;
	struct error err = { 0 };
	const struct tree_entry *entry;

	cr_assert_eq(list(&file, &super, &listing, &err), 0, "%s", err.text);
	cr_expect_eq(super.codec, CODEC_ZLIB);
	cr_expect_eq(entry_list_count(listing.entries), 8);
	entry = find(&listing, "dir/block");
	cr_expect_eq(entry->size, 5000);
	cr_expect_eq(entry->extent_count, 2);
	cr_expect_eq(entry->extents[0].size, 4096);
	cr_expect_eq(entry->extents[1].file_off, 4096);
	cr_expect_eq(entry->mtime_s, 1700000000);
	entry = find(&listing, "dir/tail");
	cr_assert_eq(entry->xattr_count, 1);
	cr_expect_str_eq(entry->xattrs[0].name, "user.name");
	cr_expect_eq(memcmp(entry->xattrs[0].value, "value", 5), 0);
	cr_expect_str_eq(find(&listing, "dir/link")->hard_link, "dir/hard");
	cr_expect_str_eq(find(&listing, "symlink")->symlink, "dir/tail");
	squashfs_listing_fini(&listing);
	free(file.data);
}

Test(squashfs_lister, refuses_every_image_that_is_bad)
{
	DIR *folder = opendir(TEST_DATA "/must_fail/squashfs");
	const struct dirent *dirent;
	unsigned count = 0;

	cr_assert(folder);
	while ((dirent = readdir(folder))) {
		struct squashfs_listing listing = { 0 };
		struct squashfs_super super;
		struct error err = { 0 };
		struct file file;
		int r;

		if (dirent->d_name[0] == '.')
			continue;
		file = load("must_fail/squashfs", dirent->d_name);
		r = list(&file, &super, &listing, &err);
		cr_expect(r == -EPROTO || r == -EFBIG || r == -ENOTSUP,
			  "%s: %d %s", dirent->d_name, r, err.text);
		cr_expect(err.text[0], "%s", dirent->d_name);
		squashfs_listing_fini(&listing);
		free(file.data);
		count++;
	}
	closedir(folder);
	cr_expect_geq(count, 70);
}

static struct index_file *make_index(const struct file *file,
				     struct byte_stream *stream, bool digests)
{
	int fd = memfd_create("index", MFD_CLOEXEC);
	struct squashfs_indexer_object object = {
		.manifest = "{}",
		.manifest_size = 2,
		.config = "{}",
		.config_size = 2,
		.size = file->size,
		.head = file->data,
	};
	const struct squashfs_indexer_options options = {
		.stream = stream,
		.keep_digests = digests,
	};
	struct index_file *index = NULL;
	struct error err = { 0 };

	digest_compute("{}", 2, &object.manifest_digest);
	cr_assert_eq(squashfs_super_parse(file->data, file->size, &object.super,
					  &err),
		     0);
	object.tables = file->data + object.super.inode_table;
	cr_assert_eq(squashfs_indexer_run(fd, &object, &options, &err), 0, "%s",
		     err.text);
	cr_assert_eq(index_file_open(fd, &index, &err), 0, "%s", err.text);
	cr_assert_eq(index_file_check(index, &err), 0, "%s", err.text);
	return index;
}

Test(squashfs_lister, gives_a_sound_index_from_the_tables_alone)
{
	struct file file = load("valid/squashfs", "small");
	struct index_file *index = make_index(&file, NULL, false);
	struct index_figures figures;
	struct index_blob blob;

	index_file_get_figures(index, &figures);
	cr_expect_eq(figures.inode_count, 7);
	cr_expect_eq(figures.chunk_count, 3);
	cr_expect_not(index_file_has_digests(index));
	cr_assert_eq(index_file_get_blob(index, 0, &blob), 0);
	cr_expect(digest_is_zero(&blob.digest));
	index_file_close(index);
	free(file.data);
}

Test(squashfs_lister, gives_digests_when_it_reads_all)
{
	struct file file = load("valid/squashfs", "small");
	struct byte_stream *stream =
		memory_stream_create(file.data, file.size, 1000);
	struct index_file *index = make_index(&file, stream, true);
	struct digest expected;
	struct index_blob blob;
	struct chunk_ref ref;

	cr_expect(index_file_has_digests(index));
	cr_assert_eq(index_file_get_blob(index, 0, &blob), 0);
	digest_compute(file.data, file.size, &expected);
	cr_expect(digest_equal(&blob.digest, &expected));
	cr_assert_eq(chunk_table_get(index_file_chunks(index), 1, &ref), 0);
	digest_compute(file.data + ref.stored_off, ref.stored_size, &expected);
	cr_expect(digest_equal(&ref.digest, &expected));
	index_file_close(index);
	byte_stream_destroy(stream);
	free(file.data);
}
