/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where data lies: a block that archive_read_data_block() returns is consumed
 * only by the next call, so archive_filter_bytes() is its offset in the
 * stream.  While the block still points into the bytes that we handed out, its
 * address says the same, and both must agree.
 *
 * Names: libarchive converts PAX names from UTF-8 to the locale's charset, and
 * normalizes them to NFC on the way.  In the "C" locale every name that is not
 * ASCII fails to convert; it then keeps the bytes as they are and says so with
 * a warning.  That is what we want, so the thread reads in the "C" locale, and
 * this warning (EILSEQ) is the only one let pass.
 */
#include "index/tar_reader.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "index/archive_library.h"
#include "index/hint_scan.h"
#include "index/tar_xattr.h"
#include "index/tree.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SYMLINK_SIZE_MAX = 4095 }; /* PATH_MAX less its NUL */

struct reader {
	const struct archive_library *library;
	struct archive *archive;
	tar_reader_bytes_fn *bytes_fn;
	tar_reader_entry_fn *entry_fn;
	void *arg;
	struct error *err;

	const uint8_t *bytes; /* what bytes_fn returned last */
	size_t bytes_size;
	uint64_t bytes_off; /* in the stream */
	int bytes_result;   /* negative errno once bytes_fn failed */
	bool is_at_end;

	struct tree_extent *extents;
	size_t extent_count;
	size_t extent_capacity;
	struct tar_xattr_set xattrs;
	struct hint_scan *hints;
};

static ssize_t next_bytes(struct reader *reader)
{
	const void *bytes = NULL;
	ssize_t n;

	if (reader->is_at_end)
		return 0;
	n = reader->bytes_fn(reader->arg, &bytes, reader->err);
	reader->is_at_end = n <= 0;
	if (n < 0)
		reader->bytes_result = (int)n;
	reader->bytes_off += reader->bytes_size;
	reader->bytes = bytes;
	reader->bytes_size = n > 0 ? (size_t)n : 0;
	return n;
}

static la_ssize_t read_callback(struct archive *archive, void *arg,
				const void **ret)
{
	struct reader *reader = arg;
	ssize_t n = next_bytes(reader);

	if (n < 0) {
		reader->library->archive_set_error(archive, EIO,
						   "the stream failed");
		return -1;
	}
	*ret = reader->bytes;
	return n;
}

/* What libarchive says, as ours; the stream's own error comes first. */
static int archive_failure(struct reader *reader)
{
	const char *text =
		reader->library->archive_error_string(reader->archive);

	if (reader->bytes_result < 0)
		return reader->bytes_result;
	if (reader->library->archive_errno(reader->archive) == ENOMEM)
		return error_set(reader->err, -ENOMEM, "out of memory");
	return error_set(reader->err, -EBADMSG,
			 "the layer is not a sound tar archive, seen at byte "
			 "%lld: %s",
			 (long long)reader->library->archive_filter_bytes(
				 reader->archive, 0),
			 text ? text : "no reason given");
}

static int open_archive(struct reader *reader)
{
	const struct archive_library *library = reader->library;
	struct archive *archive = reader->archive;

	if (library->archive_read_support_filter_none(archive) != ARCHIVE_OK ||
	    library->archive_read_support_format_tar(archive) != ARCHIVE_OK ||
	    library->archive_read_support_format_empty(archive) != ARCHIVE_OK ||
	    /* a file named ._x is a file, not x's macOS metadata */
	    library->archive_read_set_format_option(archive, "tar", "mac-ext",
						    NULL) != ARCHIVE_OK ||
	    library->archive_read_set_read_callback(archive, read_callback) !=
		    ARCHIVE_OK ||
	    library->archive_read_set_callback_data(archive, reader) !=
		    ARCHIVE_OK ||
	    library->archive_read_open1(archive) != ARCHIVE_OK)
		return archive_failure(reader);
	return 0;
}

static int grow_extents(struct reader *reader)
{
	size_t capacity = reader->extent_capacity;
	struct tree_extent *extents;

	if (capacity == TAR_READER_EXTENT_COUNT_MAX)
		return error_set(reader->err, -EFBIG,
				 "a sparse file has more than %d pieces",
				 TAR_READER_EXTENT_COUNT_MAX);
	capacity = capacity ? 2 * capacity : 16;
	extents = realloc(reader->extents, capacity * sizeof(*extents));
	if (!extents)
		return error_set(reader->err, -ENOMEM, "out of memory");
	reader->extents = extents;
	reader->extent_capacity = capacity;
	return 0;
}

static int add_extent(struct reader *reader, const struct tree_extent *extent)
{
	struct tree_extent *last = NULL;
	int r;

	if (reader->extent_count)
		last = &reader->extents[reader->extent_count - 1];
	if (last && last->file_off + last->size == extent->file_off &&
	    last->raw_off + last->size == extent->raw_off) {
		last->size += extent->size;
		return 0;
	}
	if (last && extent->file_off < last->file_off + last->size)
		return error_set(reader->err, -EBADMSG,
				 "the pieces of a sparse file overlap");
	if (reader->extent_count == reader->extent_capacity) {
		r = grow_extents(reader);
		if (r < 0)
			return r;
	}
	reader->extents[reader->extent_count++] = *extent;
	return 0;
}

/* Both ways to know a block's place agree, see the head of this file. */
static bool is_at(const struct reader *reader, const void *block,
		  uint64_t raw_off)
{
	uintptr_t address = (uintptr_t)block;
	uintptr_t start = (uintptr_t)reader->bytes;

	if (address < start || address >= start + reader->bytes_size)
		return true; /* libarchive's own copy */
	return raw_off == reader->bytes_off + (address - start);
}

static int read_extents(struct reader *reader, uint64_t size)
{
	reader->extent_count = 0;
	for (;;) {
		struct tree_extent extent;
		const void *block;
		size_t block_size;
		la_int64_t off;
		int r;

		r = reader->library->archive_read_data_block(
			reader->archive, &block, &block_size, &off);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return archive_failure(reader);
		if (block_size == 0)
			continue;
		if (off < 0 || (uint64_t)off > size ||
		    block_size > size - (uint64_t)off)
			return error_set(reader->err, -EBADMSG,
					 "a sparse file has data past its end");
		extent.file_off = (uint64_t)off;
		extent.size = block_size;
		extent.raw_off =
			(uint64_t)reader->library->archive_filter_bytes(
				reader->archive, 0);
		if (!is_at(reader, block, extent.raw_off))
			return error_set(
				reader->err, -ENOTSUP,
				"%s does not say where data lies; "
				"use another version of it",
				reader->library->archive_version_string());
		r = add_extent(reader, &extent);
		if (r == 0)
			r = hint_scan_feed(reader->hints, extent.file_off,
					   block, block_size);
		if (r < 0)
			return r;
	}
}

/* Ids are 32 bits; base-256 fields hold negative ones as well (-2: nobody). */
static int convert_id(struct reader *reader, la_int64_t id, uint32_t *ret)
{
	if (id < INT32_MIN || id > UINT32_MAX)
		return error_set(reader->err, -EBADMSG,
				 "owner %lld is not a 32-bit id",
				 (long long)id);
	*ret = (uint32_t)id;
	return 0;
}

/* libarchive reads the PAX time "-1.5" as -1 s and 5e8 ns: the fraction goes
 * the same way as the seconds. */
static void convert_mtime(const struct reader *reader,
			  struct archive_entry *entry,
			  struct tree_entry *ret_entry)
{
	int64_t s = reader->library->archive_entry_mtime(entry);
	long ns = reader->library->archive_entry_mtime_nsec(entry);

	assert(ns >= 0 && ns < 1000000000);
	if (s < 0 && s > INT64_MIN && ns > 0) {
		s--;
		ns = 1000000000 - ns;
	}
	ret_entry->mtime_s = s;
	ret_entry->mtime_ns = (uint32_t)ns;
}

/* A "regular" file whose name ends with '/' is an old tar's directory. */
static uint32_t convert_mode(const struct reader *reader,
			     struct archive_entry *entry, const char *path)
{
	uint32_t mode = reader->library->archive_entry_mode(entry);
	size_t len = strlen(path);

	if (S_ISREG(mode) && len && path[len - 1] == '/')
		mode = (mode & 07777) | S_IFDIR;
	return tar_xattr_acl_mode(reader->library, entry, mode);
}

static int convert_inode(struct reader *reader, struct archive_entry *entry,
			 struct tree_entry *ret_entry)
{
	const struct archive_library *library = reader->library;
	int r;

	ret_entry->mode = convert_mode(reader, entry, ret_entry->path);
	if ((ret_entry->mode & S_IFMT) == 0)
		return error_set(reader->err, -EBADMSG,
				 "it is of a type (multi-volume?) that a "
				 "layer cannot hold");
	if (S_ISLNK(ret_entry->mode)) {
		ret_entry->symlink = library->archive_entry_symlink(entry);
		if (!ret_entry->symlink || !*ret_entry->symlink)
			return error_set(reader->err, -EBADMSG,
					 "a symbolic link without a target");
		if (strlen(ret_entry->symlink) > SYMLINK_SIZE_MAX)
			return error_set(reader->err, -EFBIG,
					 "the link's target is longer than "
					 "%d bytes",
					 SYMLINK_SIZE_MAX);
	}
	if (S_ISCHR(ret_entry->mode) || S_ISBLK(ret_entry->mode)) {
		ret_entry->rdev_major =
			(uint32_t)library->archive_entry_rdevmajor(entry);
		ret_entry->rdev_minor =
			(uint32_t)library->archive_entry_rdevminor(entry);
	}
	r = convert_id(reader, library->archive_entry_uid(entry),
		       &ret_entry->uid);
	if (r == 0)
		r = convert_id(reader, library->archive_entry_gid(entry),
			       &ret_entry->gid);
	if (r < 0)
		return r;
	convert_mtime(reader, entry, ret_entry);
	r = tar_xattr_collect(&reader->xattrs, entry, reader->err);
	ret_entry->xattrs = reader->xattrs.items;
	ret_entry->xattr_count = reader->xattrs.count;
	return r;
}

static int convert_data(struct reader *reader, struct archive_entry *entry,
			struct tree_entry *ret_entry)
{
	la_int64_t size = reader->library->archive_entry_size(entry);
	int r;

	if (size < 0)
		return error_set(reader->err, -EBADMSG, "its size is negative");
	hint_scan_begin(reader->hints, ret_entry->path, (uint64_t)size);
	r = read_extents(reader, (uint64_t)size);
	if (r == 0)
		r = hint_scan_end(reader->hints);
	ret_entry->size = (uint64_t)size;
	ret_entry->extents = reader->extents;
	ret_entry->extent_count = reader->extent_count;
	ret_entry->facts = reader->hints->facts.data;
	ret_entry->facts_size = reader->hints->facts.size;
	return r;
}

static int convert_entry(struct reader *reader, struct archive_entry *entry,
			 struct tree_entry *ret_entry)
{
	int r;

	if (strlen(ret_entry->path) > TAR_READER_PATH_SIZE_MAX)
		return error_set(reader->err, -EFBIG,
				 "its path is longer than %d bytes",
				 TAR_READER_PATH_SIZE_MAX);
	ret_entry->hard_link = reader->library->archive_entry_hardlink(entry);
	if (ret_entry->hard_link) {
		if (strlen(ret_entry->hard_link) > TAR_READER_PATH_SIZE_MAX)
			return error_set(reader->err, -EFBIG,
					 "the linked path is longer than "
					 "%d bytes",
					 TAR_READER_PATH_SIZE_MAX);
		return 0;
	}
	r = convert_inode(reader, entry, ret_entry);
	if (r == 0 && S_ISREG(ret_entry->mode))
		r = convert_data(reader, entry, ret_entry);
	return r;
}

static int read_entry(struct reader *reader, struct archive_entry *entry)
{
	struct tree_entry converted = {
		.path = reader->library->archive_entry_pathname(entry),
	};
	int r;

	if (!converted.path || !*converted.path)
		return error_set(reader->err, -EBADMSG,
				 "a tar entry has no name");
	r = convert_entry(reader, entry, &converted);
	if (r < 0 && r != reader->bytes_result)
		return error_prefix(reader->err, r, "tar entry %.256s",
				    converted.path);
	if (r < 0)
		return r;
	return reader->entry_fn(reader->arg, &converted, reader->err);
}

static int read_entries(struct reader *reader)
{
	for (;;) {
		struct archive_entry *entry;
		int r = reader->library->archive_read_next_header(
			reader->archive, &entry);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r == ARCHIVE_WARN &&
		    reader->library->archive_errno(reader->archive) == EILSEQ)
			r = ARCHIVE_OK; /* the name was not converted */
		if (r != ARCHIVE_OK)
			return archive_failure(reader);
		r = read_entry(reader, entry);
		if (r < 0)
			return r;
	}
}

static int read_to_end(struct reader *reader)
{
	while (next_bytes(reader) > 0)
		;
	return reader->bytes_result;
}

int tar_reader_read(tar_reader_bytes_fn *bytes_fn,
		    tar_reader_entry_fn *entry_fn, void *arg, struct error *err)
{
	struct reader reader = {
		.bytes_fn = bytes_fn,
		.entry_fn = entry_fn,
		.arg = arg,
		.err = err,
		.xattrs = TAR_XATTR_SET_INIT,
		.hints = hint_scan_create(),
	};
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before;
	int r = archive_library_load(&reader.library, err);

	if (r < 0)
		goto out;
	reader.archive = reader.library->archive_read_new();
	reader.xattrs.library = reader.library;
	if (!reader.archive || !reader.hints || !c_locale) {
		r = error_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	before = uselocale(c_locale);
	r = open_archive(&reader);
	if (r == 0)
		r = read_entries(&reader);
	if (r == 0)
		r = read_to_end(&reader);
	uselocale(before);
out:
	if (reader.archive)
		reader.library->archive_read_free(reader.archive);
	if (c_locale)
		freelocale(c_locale);
	tar_xattr_set_fini(&reader.xattrs);
	hint_scan_destroy(reader.hints);
	free(reader.extents);
	return r;
}
