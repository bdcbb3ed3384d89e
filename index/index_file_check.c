/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes over the tables in order, nothing recursive: a directory's number is
 * above its parent's and exactly one entry of that parent names it, so every
 * directory is reached from the root once.  Memory: 5 bytes an inode.
 *
 * Files are checked against the layers' sizes, and the chunks for covering
 * each layer without a gap; together that puts every piece in a chunk without
 * walking all pieces of all files, which a hostile index could make endless.
 */
#include "index/index_file.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "index/hint_table.h"
#include "index/index_file_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct check {
	const struct index_file *index;
	uint32_t *links; /* by inode number: names seen, of directories
			    entries that are directories */
	bool *is_named;	 /* by inode number: by the parent it states */
	uint64_t dirent_count;
	uint64_t extent_count;
	struct error *err;
};

static int fail(const struct check *check, const char *what, uint32_t number)
{
	return error_set(check->err, -EBADMSG,
			 "the index is damaged: %s %u; make it anew with "
			 "`lazyrun index`",
			 what, number);
}

/* An inode that is known to be there. */
static const struct index_format_inode *record_of(const struct check *check,
						  uint32_t number)
{
	const struct index_format_inode *record =
		index_file_inode_record(check->index, number);

	assert(record);
	return record;
}

/* ---- layers ---- */

static int check_window(const struct check *check, const struct chunk_ref *ref,
			uint32_t number)
{
	uint8_t window[CHUNK_WINDOW_SIZE_MAX];
	int r;

	if (ref->window_size == 0)
		return 0;
	r = chunk_table_load_window(&check->index->chunks, ref, window);
	if (r < 0)
		return fail(check,
			    "the window does not match its digest: chunk",
			    number);
	return 0;
}

static int check_blob(const struct check *check, uint32_t number)
{
	const struct index_blob *blob = &check->index->blobs[number].blob;
	uint64_t raw_off = 0;
	uint64_t stored_off = 0;

	for (uint32_t i = 0; i < blob->chunk_count; i++) {
		uint32_t chunk = blob->first_chunk + i;
		struct chunk_ref ref;
		uint64_t start;
		int r = chunk_table_get(&check->index->chunks, chunk, &ref);

		if (r < 0)
			return fail(check, "bad chunk", chunk);
		r = index_file_chunk_raw_off(check->index, chunk, &start);
		if (r < 0 || start != raw_off || ref.stored_off < stored_off)
			return fail(check, "chunks not in order: chunk", chunk);
		raw_off += ref.raw_size;
		stored_off = ref.stored_off;
		r = check_window(check, &ref, chunk);
		if (r < 0)
			return r;
	}
	if (raw_off != blob->raw_size)
		return fail(check, "the chunks do not cover layer", number);
	return 0;
}

static int check_manifest(const struct check *check)
{
	struct digest digest;
	size_t size;
	const char *manifest = index_file_manifest(check->index, &size);

	digest_compute(manifest, size, &digest);
	if (!digest_equal(&digest, &check->index->manifest_digest))
		return error_set(check->err, -EBADMSG,
				 "the index's manifest does not match its "
				 "digest");
	return 0;
}

/* ---- inodes ---- */

static bool place_is_sane(const struct check *check, uint64_t place,
			  uint64_t size)
{
	uint32_t blob = index_format_place_blob(place);

	return blob < check->index->blob_count &&
	       le_range_fits(index_format_place_raw_off(place), size,
			     check->index->blobs[blob].blob.raw_size);
}

static int check_extents(struct check *check, uint32_t number, uint64_t data,
			 uint64_t file_size)
{
	uint32_t first = (uint32_t)(data >> 32);
	uint32_t count = (uint32_t)data;
	uint64_t end = 0;

	if (first != check->extent_count)
		return fail(check, "extents out of order: inode", number);
	for (uint32_t i = 0; i < count; i++) {
		const struct index_format_extent *extent = index_file_record(
			check->index, INDEX_FORMAT_EXTENT, first + i);
		uint64_t off;
		uint64_t size;

		if (!extent)
			return fail(check, "no such extent: inode", number);
		off = le_load64(extent->file_off);
		size = le_load64(extent->size);
		if (off < end || size == 0 ||
		    !le_range_fits(off, size, file_size) ||
		    !place_is_sane(check, le_load64(extent->place), size))
			return fail(check, "bad extent: inode", number);
		end = off + size;
	}
	check->extent_count += count;
	return 0;
}

static int check_regular(struct check *check, const struct index_inode *inode)
{
	const struct index_format_inode *record =
		record_of(check, inode->number);
	uint64_t data = le_load64(record->data);

	if (le_load16(record->flags) & INDEX_FORMAT_INODE_EXTENTS)
		return check_extents(check, inode->number, data, inode->size);
	if (inode->size > 0 && !place_is_sane(check, data, inode->size))
		return fail(check, "data outside its layer: inode",
			    inode->number);
	return 0;
}

static int check_directory(struct check *check, const struct index_inode *dir)
{
	struct index_dirent before = { 0 };
	struct index_dirent dirent;

	for (uint32_t i = 0;; i++) {
		const struct index_format_inode *child;
		int r = index_file_get_dirent(check->index, dir->number, i,
					      &dirent);

		if (r == -ENOENT)
			return 0;
		/* more than there are: directories that share entries */
		if (r < 0 ||
		    ++check->dirent_count >
			    check->index->tables[INDEX_FORMAT_DIRENT].count)
			return fail(check, "bad entries: directory",
				    dir->number);
		if (i > 0 &&
		    index_format_compare(before.name, before.name_size,
					 dirent.name, dirent.name_size) >= 0)
			return fail(check, "names not in order: directory",
				    dir->number);
		before = dirent;
		child = record_of(check, dirent.inode);
		check->links[dirent.inode]++;
		if (le_load32(child->parent) == dir->number)
			check->is_named[dirent.inode] = true;
		if (S_ISDIR(le_load16(child->mode)))
			check->links[dir->number]++;
	}
}

static int check_xattrs(const struct check *check,
			const struct index_inode *inode)
{
	struct index_xattr before = { 0 };
	struct index_xattr xattr;
	uint64_t off = 0;
	uint32_t count = 0;
	int r = index_file_find_xattrs(check->index, inode->number, &off,
				       &count);

	for (uint32_t i = 0; i < count && r == 0; i++) {
		r = index_file_next_xattr(check->index, &off, &xattr);
		if (r == 0 && i > 0 &&
		    index_format_compare(before.name, before.name_size,
					 xattr.name, xattr.name_size) >= 0)
			r = -EBADMSG;
		before = xattr;
	}
	if (r < 0)
		return fail(check, "bad extended attributes: inode",
			    inode->number);
	return 0;
}

static int check_inode(struct check *check, uint32_t number)
{
	struct index_inode inode;
	const char *target;
	size_t size;
	int r = index_file_get_inode(check->index, number, &inode);

	if (r < 0)
		return fail(check, "bad inode", number);
	r = check_xattrs(check, &inode);
	if (r < 0)
		return r;
	if (S_ISDIR(inode.mode))
		return check_directory(check, &inode);
	if (S_ISREG(inode.mode))
		return check_regular(check, &inode);
	if (S_ISLNK(inode.mode) &&
	    index_file_get_symlink(check->index, number, &target, &size) < 0)
		return fail(check, "bad symlink: inode", number);
	return 0;
}

static int check_links(const struct check *check)
{
	for (uint32_t i = 1; i <= check->index->figures.inode_count; i++) {
		const struct index_format_inode *record = record_of(check, i);

		if (check->links[i] != le_load32(record->nlink))
			return fail(check, "wrong link count: inode", i);
		if (!check->is_named[i])
			return fail(check, "not in its parent: inode", i);
	}
	return 0;
}

/* A directory's links: its "." here, its name (of the root: its "..") and its
 * subdirectories' ".." in check_directory(). */
static int check_tree(struct check *check)
{
	const struct index_file *index = check->index;
	uint32_t count = index->figures.inode_count;
	int r = 0;

	check->links[INDEX_ROOT] = 1;
	check->is_named[INDEX_ROOT] = true;
	for (uint32_t i = 1; i <= count && r == 0; i++) {
		if (S_ISDIR(le_load16(record_of(check, i)->mode)))
			check->links[i]++;
		r = check_inode(check, i);
	}
	if (r < 0)
		return r;
	if (check->dirent_count != index->tables[INDEX_FORMAT_DIRENT].count ||
	    check->extent_count != index->tables[INDEX_FORMAT_EXTENT].count)
		return error_set(check->err, -EBADMSG,
				 "the index is damaged: it has entries or "
				 "extents that nothing uses");
	return check_links(check);
}

static bool is_regular(const struct check *check, uint32_t number)
{
	return S_ISREG(le_load16(record_of(check, number)->mode));
}

static int check_hints(const struct check *check)
{
	CLEANUP(hint_table_fini) struct hint_table table = { 0 };
	size_t size;
	const uint8_t *bytes = index_file_hints(check->index, &size);
	int r = hint_table_decode(bytes, size,
				  check->index->figures.inode_count, &table,
				  check->err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < table.record_count; i++)
		if (!is_regular(check, table.records[i].inode))
			return fail(check, "hints of what is no file: inode",
				    table.records[i].inode);
	for (uint32_t i = 0; i < table.target_count; i++)
		if (!is_regular(check, table.targets[i]))
			return fail(check, "hints name what is no file: inode",
				    table.targets[i]);
	return 0;
}

int index_file_check(const struct index_file *index, struct error *err)
{
	size_t count = index->figures.inode_count + (size_t)1;
	autofree uint32_t *links = calloc(count, sizeof(*links));
	autofree bool *is_named = calloc(count, sizeof(*is_named));
	struct check check = {
		.index = index,
		.links = links,
		.is_named = is_named,
		.err = err,
	};
	int r;

	if (!links || !is_named)
		return error_set(err, -ENOMEM, "out of memory");
	r = check_manifest(&check);
	for (uint32_t i = 0; i < index->blob_count && r == 0; i++)
		r = check_blob(&check, i);
	if (r == 0)
		r = check_tree(&check);
	return r < 0 ? r : check_hints(&check);
}
