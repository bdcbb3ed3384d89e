/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every accessor checks what it reads, on every call: numbers against the
 * tables, names and targets for bytes that must not be there.  That costs
 * some nanoseconds and saves trusting the file.
 */
#include "index/index_file.h"

#include "common/hash.h"
#include "common/le.h"
#include "index/index_file_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

const struct chunk_table *index_file_chunks(const struct index_file *index)
{
	return &index->chunks;
}

void index_file_get_figures(const struct index_file *index,
			    struct index_figures *ret)
{
	*ret = index->figures;
}

uint64_t index_file_hash(const struct index_file *index)
{
	assert(index->map_size >= INDEX_FORMAT_HEADER_SIZE);
	return hash_xxh3(index->map, INDEX_FORMAT_HEADER_SIZE);
}

const struct digest *index_file_manifest_digest(const struct index_file *index)
{
	return &index->manifest_digest;
}

const uint8_t *index_file_hints(const struct index_file *index,
				size_t *ret_size)
{
	*ret_size = index->tables[INDEX_FORMAT_HINT].size;
	return index->tables[INDEX_FORMAT_HINT].data;
}

const char *index_file_manifest(const struct index_file *index,
				size_t *ret_size)
{
	*ret_size = index->tables[INDEX_FORMAT_MANIFEST].size;
	return (const char *)index->tables[INDEX_FORMAT_MANIFEST].data;
}

const char *index_file_config(const struct index_file *index, size_t *ret_size)
{
	*ret_size = index->tables[INDEX_FORMAT_CONFIG].size;
	return (const char *)index->tables[INDEX_FORMAT_CONFIG].data;
}

int index_file_get_blob(const struct index_file *index, uint32_t number,
			struct index_blob *ret)
{
	if (number >= index->blob_count)
		return -EINVAL;
	*ret = index->blobs[number].blob;
	return 0;
}

/* ---- inodes ---- */

static bool mode_is_known(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

static bool inode_is_sane(const struct index_file *index,
			  const struct index_inode *inode, uint32_t flags)
{
	uint32_t known = S_ISREG(inode->mode) ? INDEX_FORMAT_INODE_EXTENTS : 0;

	if (!mode_is_known(inode->mode) || flags & ~known)
		return false;
	if (inode->mtime_ns > 999999999 || inode->size > INT64_MAX ||
	    inode->nlink == 0)
		return false;
	if (inode->parent == 0 || inode->parent > index->figures.inode_count)
		return false;
	/* so that going up always ends */
	return !S_ISDIR(inode->mode) || inode->parent < inode->number ||
	       (inode->number == INDEX_ROOT && inode->parent == INDEX_ROOT);
}

int index_file_get_inode(const struct index_file *index, uint32_t number,
			 struct index_inode *ret)
{
	const struct index_format_inode *record =
		index_file_inode_record(index, number);
	const struct index_format_owner *owner;
	struct index_inode inode = { .number = number };
	uint64_t data;

	if (!record)
		return -ENOENT;
	owner = index_file_record(index, INDEX_FORMAT_OWNER,
				  le_load32(record->owner));
	if (!owner)
		return -EBADMSG;
	inode.mode = le_load16(record->mode);
	inode.uid = le_load32(owner->uid);
	inode.gid = le_load32(owner->gid);
	inode.nlink = le_load32(record->nlink);
	inode.mtime_ns = le_load32(record->mtime_ns);
	inode.mtime_s = (int64_t)le_load64(record->mtime_s);
	inode.size = le_load64(record->size);
	inode.parent = le_load32(record->parent);
	inode.has_xattrs = le_load32(record->xattr) != 0;
	data = le_load64(record->data);
	if (S_ISCHR(inode.mode) || S_ISBLK(inode.mode)) {
		inode.rdev_major = (uint32_t)(data >> 32);
		inode.rdev_minor = (uint32_t)data;
	}
	if (!inode_is_sane(index, &inode, le_load16(record->flags)))
		return -EBADMSG;
	*ret = inode;
	return 0;
}

/* ---- directories ---- */

struct directory {
	uint32_t number;
	uint32_t first; /* dirent */
	uint32_t count;
};

static int get_directory(const struct index_file *index, uint32_t number,
			 struct directory *ret)
{
	const struct index_format_inode *record =
		index_file_inode_record(index, number);
	uint64_t data;

	if (!record)
		return -ENOENT;
	if (!S_ISDIR(le_load16(record->mode)))
		return -ENOTDIR;
	data = le_load64(record->data);
	ret->number = number;
	ret->first = (uint32_t)(data >> 32);
	ret->count = (uint32_t)data;
	if (!le_range_fits(ret->first, ret->count,
			   index->tables[INDEX_FORMAT_DIRENT].count))
		return -EBADMSG;
	return 0;
}

static bool name_is_sane(const char *name, size_t size)
{
	if (size == 0 || memchr(name, '/', size) || memchr(name, '\0', size))
		return false;
	return name[0] != '.' || (size != 1 && !(size == 2 && name[1] == '.'));
}

static int get_dirent(const struct index_file *index,
		      const struct directory *dir, uint32_t position,
		      struct index_dirent *ret)
{
	const struct index_format_dirent *record = index_file_record(
		index, INDEX_FORMAT_DIRENT, dir->first + position);
	const struct index_table *names = &index->tables[INDEX_FORMAT_NAMES];
	uint64_t off;
	size_t size;

	assert(position < dir->count && record);
	off = le_load32(record->name_off);
	if (off >= names->size)
		return -EBADMSG;
	size = names->data[off];
	if (!le_range_fits(off + 1, size, names->size))
		return -EBADMSG;
	ret->inode = le_load32(record->inode);
	ret->name = (const char *)names->data + off + 1;
	ret->name_size = size;
	return name_is_sane(ret->name, size) ? 0 : -EBADMSG;
}

/* Every directory has one name only: that its own record tells. */
static int check_child(const struct index_file *index,
		       const struct directory *dir, uint32_t number)
{
	const struct index_format_inode *record =
		index_file_inode_record(index, number);

	if (!record || number == INDEX_ROOT)
		return -EBADMSG;
	if (S_ISDIR(le_load16(record->mode)) &&
	    le_load32(record->parent) != dir->number)
		return -EBADMSG;
	return 0;
}

/* Where a name is, or would be, among a directory's. */
static int find_position(const struct index_file *index,
			 const struct directory *directory, const char *name,
			 size_t name_size, uint32_t *ret)
{
	struct index_dirent dirent;
	uint32_t low = 0;
	uint32_t high = directory->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int r = get_dirent(index, directory, middle, &dirent);

		if (r < 0)
			return r;
		if (index_format_compare(dirent.name, dirent.name_size, name,
					 name_size) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low;
	return 0;
}

int index_file_lookup(const struct index_file *index, uint32_t dir,
		      const char *name, size_t name_size, uint32_t *ret_inode)
{
	struct directory directory;
	struct index_dirent dirent;
	uint32_t position;
	int r = get_directory(index, dir, &directory);

	if (r == 0)
		r = find_position(index, &directory, name, name_size,
				  &position);
	if (r == 0 && position == directory.count)
		r = -ENOENT;
	if (r == 0)
		r = get_dirent(index, &directory, position, &dirent);
	if (r == 0 && index_format_compare(dirent.name, dirent.name_size, name,
					   name_size) != 0)
		r = -ENOENT;
	if (r == 0)
		r = check_child(index, &directory, dirent.inode);
	if (r == 0)
		*ret_inode = dirent.inode;
	return r;
}

int index_file_find_dirent(const struct index_file *index, uint32_t dir,
			   const char *name, size_t name_size,
			   uint32_t *ret_position)
{
	struct directory directory;
	int r = get_directory(index, dir, &directory);

	return r < 0 ? r
		     : find_position(index, &directory, name, name_size,
				     ret_position);
}

int index_file_get_dirent(const struct index_file *index, uint32_t dir,
			  uint32_t position, struct index_dirent *ret)
{
	struct directory directory;
	struct index_dirent dirent;
	int r = get_directory(index, dir, &directory);

	if (r < 0)
		return r;
	if (position >= directory.count)
		return -ENOENT;
	r = get_dirent(index, &directory, position, &dirent);
	if (r == 0)
		r = check_child(index, &directory, dirent.inode);
	if (r == 0)
		*ret = dirent;
	return r;
}

/* ---- symlinks and extended attributes ---- */

int index_file_get_symlink(const struct index_file *index, uint32_t number,
			   const char **ret, size_t *ret_size)
{
	const struct index_format_inode *record =
		index_file_inode_record(index, number);
	const struct index_table *table = &index->tables[INDEX_FORMAT_SYMLINK];
	const char *target;
	uint64_t off;
	size_t size;

	if (!record || !S_ISLNK(le_load16(record->mode)))
		return -EINVAL;
	off = le_load64(record->data);
	if (!le_range_fits(off, 2, table->size))
		return -EBADMSG;
	size = le_load16(table->data + off);
	target = (const char *)table->data + off + 2;
	if (size == 0 || size > INDEX_FORMAT_SYMLINK_SIZE_MAX ||
	    size != le_load64(record->size) ||
	    !le_range_fits(off + 2, size, table->size) ||
	    memchr(target, '\0', size))
		return -EBADMSG;
	*ret = target;
	*ret_size = size;
	return 0;
}

int index_file_find_xattrs(const struct index_file *index, uint32_t number,
			   uint64_t *ret_off, uint32_t *ret_count)
{
	const struct index_format_inode *record =
		index_file_inode_record(index, number);
	const struct index_table *table = &index->tables[INDEX_FORMAT_XATTR];
	uint64_t off = record ? le_load32(record->xattr) : 0;
	uint32_t count;

	if (!record)
		return -EBADMSG;
	if (off-- == 0) {
		*ret_count = 0;
		return 0;
	}
	if (!le_range_fits(off, 2, table->size))
		return -EBADMSG;
	count = le_load16(table->data + off);
	if (count == 0 || count > INDEX_FORMAT_XATTR_COUNT_MAX)
		return -EBADMSG;
	*ret_off = off + 2;
	*ret_count = count;
	return 0;
}

int index_file_next_xattr(const struct index_file *index, uint64_t *off,
			  struct index_xattr *ret)
{
	const struct index_table *table = &index->tables[INDEX_FORMAT_XATTR];
	const struct index_format_xattr *record;
	uint64_t pos = *off;
	uint32_t value_size;

	if (!le_range_fits(pos, sizeof(*record), table->size))
		return -EBADMSG;
	record = (const void *)(table->data + pos);
	value_size = le_load32(record->value_size);
	pos += sizeof(*record);
	if (record->name_size == 0 ||
	    value_size > INDEX_FORMAT_XATTR_VALUE_SIZE_MAX ||
	    !le_range_fits(pos, record->name_size + value_size, table->size) ||
	    memchr(table->data + pos, '\0', record->name_size))
		return -EBADMSG;
	ret->name = (const char *)table->data + pos;
	ret->name_size = record->name_size;
	ret->value = table->data + pos + record->name_size;
	ret->value_size = value_size;
	*off = pos + record->name_size + value_size;
	return 0;
}

bool index_file_has_xattrs_but(const struct index_file *index, const char *name)
{
	const struct index_table *table = &index->tables[INDEX_FORMAT_XATTR];
	size_t name_size = strlen(name);
	struct index_xattr xattr;
	uint64_t off = 0;

	/* sets lie one behind the other (docs/index-format.md, 5.6) */
	while (off < table->size) {
		uint32_t count;

		if (!le_range_fits(off, 2, table->size))
			return true;
		count = le_load16(table->data + off);
		off += 2;
		for (; count > 0; count--)
			if (index_file_next_xattr(index, &off, &xattr) < 0 ||
			    xattr.name_size != name_size ||
			    memcmp(xattr.name, name, name_size) != 0)
				return true;
	}
	return false;
}

int index_file_get_xattr(const struct index_file *index, uint32_t number,
			 uint32_t position, struct index_xattr *ret)
{
	struct index_xattr xattr;
	uint64_t off = 0;
	uint32_t count;
	int r = index_file_find_xattrs(index, number, &off, &count);

	if (r == 0 && position >= count)
		r = -ENODATA;
	for (uint32_t i = 0; i <= position && r == 0; i++)
		r = index_file_next_xattr(index, &off, &xattr);
	if (r == 0)
		*ret = xattr;
	return r;
}
