/* SPDX-License-Identifier: Apache-2.0 */
#include "index/tree_entry.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/le.h"
#include "index/index_format.h"
#include "index/tree.h"
#include "index/tree_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int compare_xattrs(const void *a, const void *b)
{
	const struct tree_xattr *const *x = a;
	const struct tree_xattr *const *y = b;
	int r = strcmp((*x)->name, (*y)->name);

	if (r == 0) /* in archive order */
		r = (*x > *y) - (*x < *y);
	return r;
}

static int append_xattr(struct buffer *set, const struct tree_xattr *xattr)
{
	size_t name_size = strlen(xattr->name);
	struct index_format_xattr bytes;
	int r;

	if (name_size == 0)
		return -EINVAL;
	if (name_size > INDEX_FORMAT_XATTR_NAME_SIZE_MAX ||
	    xattr->value_size > INDEX_FORMAT_XATTR_VALUE_SIZE_MAX)
		return -EFBIG;
	le_store32(bytes.value_size, (uint32_t)xattr->value_size);
	bytes.name_size = (uint8_t)name_size;
	r = buffer_append(set, &bytes, sizeof(bytes));
	if (r == 0)
		r = buffer_append(set, xattr->name, name_size);
	if (r == 0)
		r = buffer_append(set, xattr->value, xattr->value_size);
	return r;
}

/* A set in the index's form (docs/index-format.md, section 5.6): sorted by
 * name, of equal names the last. */
static int encode_xattrs(const struct tree_xattr **sorted, size_t count,
			 struct buffer *set)
{
	uint8_t set_count[2] = { 0 };
	unsigned done = 0;
	int r = buffer_append(set, set_count, sizeof(set_count));

	qsort(sorted, count, sizeof(void *), compare_xattrs);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (i + 1 < count &&
		    strcmp(sorted[i]->name, sorted[i + 1]->name) == 0)
			continue;
		r = append_xattr(set, sorted[i]);
		done++;
	}
	if (r == 0)
		le_store16(set->data, (uint16_t)done);
	return r;
}

static int put_xattrs(struct tree *tree, const struct tree_entry *entry,
		      uint32_t *ret_number)
{
	struct buffer set CLEANUP(buffer_fini) =
		BUFFER_INIT(INDEX_FORMAT_SECTION_RAW_SIZE_MAX);
	const struct tree_xattr *sorted[INDEX_FORMAT_XATTR_COUNT_MAX];
	int r;

	if (entry->xattr_count == 0) {
		*ret_number = TREE_POOL_NONE;
		return 0;
	}
	if (entry->xattr_count > INDEX_FORMAT_XATTR_COUNT_MAX)
		return -EFBIG;
	for (size_t i = 0; i < entry->xattr_count; i++)
		sorted[i] = &entry->xattrs[i];
	r = encode_xattrs(sorted, entry->xattr_count, &set);
	if (r < 0)
		return r;
	return tree_pool_put(&tree->xattrs, set.data, set.size, ret_number);
}

static int check_extent(const struct tree_entry *entry, size_t i)
{
	const struct tree_extent *extent = &entry->extents[i];
	const struct tree_extent *before = i ? extent - 1 : NULL;

	if (extent->size == 0 ||
	    !le_range_fits(extent->file_off, extent->size, entry->size) ||
	    (before && extent->file_off - before->file_off < before->size) ||
	    (before && extent->file_off < before->file_off))
		return -EINVAL;
	if (!le_range_fits(extent->raw_off, extent->size,
			   INDEX_FORMAT_RAW_OFF_MAX))
		return -EFBIG;
	return 0;
}

/* Appends an extent, or lengthens the last when the bytes just go on.
 * @start: where the file's own begin in tree->extents */
static int append_extent(struct tree *tree, const struct tree_extent *extent,
			 size_t start)
{
	struct index_format_extent bytes;
	uint64_t place = index_format_place(tree->blob, extent->raw_off);

	if (tree->extents.size > start) {
		uint8_t *end = tree->extents.data + tree->extents.size;
		struct index_format_extent *last =
			(struct index_format_extent *)end - 1;
		uint64_t size = le_load64(last->size);

		if (le_load64(last->file_off) + size == extent->file_off &&
		    le_load64(last->place) + size == place) {
			le_store64(last->size, size + extent->size);
			return 0;
		}
	}
	le_store64(bytes.file_off, extent->file_off);
	le_store64(bytes.size, extent->size);
	le_store64(bytes.place, place);
	return buffer_append(&tree->extents, &bytes, sizeof(bytes));
}

static int set_extents(struct tree *tree, const struct tree_entry *entry,
		       struct tree_inode *inode)
{
	size_t start = tree->extents.size;
	const struct index_format_extent *first = NULL;
	bool is_whole = false; /* one extent makes up the file */
	uint64_t count;
	int r = 0;

	for (size_t i = 0; i < entry->extent_count && r == 0; i++) {
		r = check_extent(entry, i);
		if (r == 0)
			r = append_extent(tree, &entry->extents[i], start);
	}
	if (r < 0)
		return r;
	count = (tree->extents.size - start) / sizeof(*first);
	if (count == 1) {
		first = (const void *)(tree->extents.data + start);
		is_whole = le_load64(first->size) == entry->size;
	}
	if (is_whole) {
		inode->data = le_load64(first->place);
		tree->extents.size = start;
	} else if (entry->size > 0) {
		inode->data = (uint64_t)(start / sizeof(*first)) << 32 | count;
		inode->has_extents = true;
	}
	return 0;
}

static int set_facts(struct tree *tree, const struct tree_entry *entry,
		     struct tree_inode *inode)
{
	uint32_t number;
	int r;

	if (entry->facts_size == 0)
		return 0;
	r = tree_pool_put(&tree->facts, entry->facts, entry->facts_size,
			  &number);
	if (r == 0)
		inode->facts = number + 1;
	return r == -EFBIG ? 0 : r; /* then it has no hints */
}

static int set_data(struct tree *tree, const struct tree_entry *entry,
		    struct tree_inode *inode)
{
	size_t size;
	uint32_t number;
	int r;

	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		inode->size = entry->size;
		r = set_facts(tree, entry, inode);
		return r < 0 ? r : set_extents(tree, entry, inode);
	case S_IFLNK:
		size = entry->symlink ? strlen(entry->symlink) : 0;
		if (size == 0)
			return -EINVAL;
		if (size > INDEX_FORMAT_SYMLINK_SIZE_MAX)
			return -EFBIG;
		r = tree_pool_put(&tree->targets, entry->symlink, size,
				  &number);
		if (r < 0)
			return r;
		inode->size = size;
		inode->data = number;
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		inode->data =
			(uint64_t)entry->rdev_major << 32 | entry->rdev_minor;
		return 0;
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return -EINVAL;
	}
}

int tree_entry_make_inode(struct tree *tree, const struct tree_entry *entry,
			  struct tree_inode *ret)
{
	struct index_format_owner owner;
	struct tree_inode inode = {
		.mode = (uint16_t)entry->mode,
		.mtime_s = entry->mtime_s,
		.mtime_ns = entry->mtime_ns,
	};
	int r;

	if (entry->mode > UINT16_MAX || entry->mtime_ns > 999999999)
		return -EINVAL;
	le_store32(owner.uid, entry->uid);
	le_store32(owner.gid, entry->gid);
	r = tree_pool_put(&tree->owners, &owner, sizeof(owner), &inode.owner);
	if (r == 0)
		r = put_xattrs(tree, entry, &inode.xattrs);
	if (r == 0)
		r = set_data(tree, entry, &inode);
	if (r == 0)
		*ret = inode;
	return r;
}
