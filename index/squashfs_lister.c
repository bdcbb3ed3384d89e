/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_lister.h"

#include "common/error.h"
#include "common/le.h"
#include "index/entry_list.h"
#include "index/index_format.h"
#include "index/squashfs_reader.h"
#include "index/squashfs_seen.h"
#include "index/squashfs_super.h"
#include "index/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
	DIRENT_SIZE_MIN = 9, /* of an entry in the directory table */
	PATH_SIZE_MAX = 64 << 10,
	EXTENTS_SIZE_MAX = 1 << 30,
};

/* A directory that is still to be listed. */
struct pending {
	struct pending *next;
	uint64_t inode;
	unsigned depth;
	char path[]; /* "" is the root, else it ends with '/' */
};

struct lister {
	const struct squashfs_super *super;
	struct squashfs_reader *reader;
	struct squashfs_listing *listing;
	struct squashfs_seen seen;
	struct buffer extents; /* of the entry at hand */
	struct buffer path;    /* of the entry at hand, with its NUL */
	struct pending *pending;
	uint64_t entries_left; /* that the directory table has room for */
	uint64_t blocks_left;  /* that the inode table has room for */
	struct error *err;
};

void squashfs_listing_fini(struct squashfs_listing *listing)
{
	entry_list_destroy(listing->entries);
	listing->entries = NULL;
	squashfs_blocks_fini(&listing->blocks);
}

uint64_t squashfs_listing_place(const struct squashfs_listing *listing,
				const struct tree_extent *extent)
{
	const uint64_t mask = (UINT64_C(1) << SQUASHFS_LISTER_OFF_BITS) - 1;
	const struct squashfs_block *block = squashfs_blocks_at(
		&listing->blocks,
		(uint32_t)(extent->raw_off >> SQUASHFS_LISTER_OFF_BITS));

	return block->raw_off + (extent->raw_off & mask);
}

static int damaged(const struct lister *lister, const char *what)
{
	return error_set(lister->err, -EPROTO,
			 "the SquashFS file system is damaged: %s; copy the "
			 "file anew",
			 what);
}

static int failed(const struct lister *lister, int code)
{
	if (code == -EFBIG)
		return error_set(lister->err, code,
				 "the SquashFS file system has more files, "
				 "blocks or names than an index can hold");
	return error_set_errno(lister->err, code,
			       "cannot list the SquashFS file system");
}

/* ---- data ---- */

static int add_extent(struct lister *lister, uint64_t file_off, uint64_t size,
		      uint32_t block, uint32_t block_off)
{
	const struct tree_extent extent = {
		.file_off = file_off,
		.size = size,
		.raw_off =
			(uint64_t)block << SQUASHFS_LISTER_OFF_BITS | block_off,
	};
	int r = buffer_append(&lister->extents, &extent, sizeof(extent));

	return r < 0 ? failed(lister, r) : 0;
}

/* Data lie before the tables. */
static bool is_place_of_data(const struct lister *lister, uint64_t off,
			     uint64_t size)
{
	return off >= SQUASHFS_SUPER_SIZE &&
	       le_range_fits(off, size, lister->super->inode_table);
}

static int check_block(const struct lister *lister,
		       const struct squashfs_block *block)
{
	if (!is_place_of_data(lister, block->stored_off, block->stored_size))
		return damaged(lister, "a block lies outside of the data");
	if (block->stored_size > lister->super->block_size ||
	    (!block->is_compressed && block->stored_size != block->raw_size))
		return damaged(lister, "a block has an impossible size");
	return 0;
}

static int add_block(struct lister *lister, uint64_t *off, uint32_t word,
		     uint64_t file_off, uint32_t raw_size)
{
	const struct squashfs_block block = {
		.stored_off = *off,
		.stored_size = SQFS_ON_DISK_BLOCK_SIZE(word),
		.raw_size = raw_size,
		.is_compressed = SQFS_IS_BLOCK_COMPRESSED(word),
	};
	uint32_t number = 0;
	int r;

	if (block.stored_size == 0)
		return 0; /* a hole */
	r = check_block(lister, &block);
	if (r < 0)
		return r;
	r = squashfs_blocks_add(&lister->listing->blocks, &block, &number);
	if (r < 0)
		return failed(lister, r);
	*off += block.stored_size;
	return add_extent(lister, file_off, raw_size, number, 0);
}

/* The tail of a file, in a fragment block: of that only what files name is
 * known, and the last named byte is its end. */
static int add_tail(struct lister *lister, uint32_t fragment, uint32_t off,
		    uint64_t file_off, uint32_t size)
{
	uint32_t block_size = lister->super->block_size;
	struct squashfs_block *block;

	if (fragment >= lister->super->fragment_count ||
	    !le_range_fits(off, size, block_size))
		return damaged(lister, "a file lies outside of its fragment");
	block = squashfs_blocks_at(&lister->listing->blocks, fragment);
	if (block->raw_size < off + size)
		block->raw_size = off + size;
	return add_extent(lister, file_off, size, fragment, off);
}

static int add_data(struct lister *lister, const sqfs_inode_generic_t *inode,
		    struct tree_entry *entry)
{
	const struct squashfs_library *lib =
		squashfs_reader_library(lister->reader);
	uint32_t block_size = lister->super->block_size;
	size_t count = sqfs_inode_get_file_block_count(inode);
	sqfs_u32 fragment = UINT32_MAX;
	sqfs_u32 fragment_off = 0;
	uint64_t file_off = 0;
	sqfs_u64 size = 0;
	sqfs_u64 off = 0;
	int r = lib->sqfs_inode_get_file_size(inode, &size);

	if (r == 0)
		r = lib->sqfs_inode_get_file_block_start(inode, &off);
	if (r == 0)
		r = lib->sqfs_inode_get_frag_location(inode, &fragment,
						      &fragment_off);
	if (r != 0 || size > INT64_MAX)
		return damaged(lister, "a file has no size");
	if (count > lister->blocks_left)
		return damaged(lister, "it names more blocks than it can have");
	lister->blocks_left -= count;
	lister->extents.size = 0;
	r = 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		uint64_t left = size - file_off;
		uint32_t part = left < block_size ? (uint32_t)left : block_size;

		if (part == 0)
			return damaged(lister, "a file has too many blocks");
		r = add_block(lister, &off, inode->extra[i], file_off, part);
		file_off += part;
	}
	if (r == 0 && file_off < size && fragment != UINT32_MAX)
		r = add_tail(lister, fragment, fragment_off, file_off,
			     (uint32_t)(size - file_off));
	if (r < 0)
		return r;
	if (file_off < size &&
	    (fragment == UINT32_MAX || size - file_off >= block_size))
		return damaged(lister, "a file has too few blocks");
	entry->size = size;
	entry->extents = (const void *)lister->extents.data;
	entry->extent_count = lister->extents.size / sizeof(struct tree_extent);
	return 0;
}

/* Every fragment gets the number that it has in the image. */
static int add_fragments(struct lister *lister)
{
	for (uint32_t i = 0; i < lister->super->fragment_count; i++) {
		struct squashfs_block block = { 0 };
		sqfs_fragment_t fragment;
		uint32_t number = 0;
		int r = squashfs_reader_get_fragment(lister->reader, i,
						     &fragment, lister->err);

		if (r < 0)
			return r;
		block.stored_off = fragment.start_offset;
		block.stored_size = SQFS_ON_DISK_BLOCK_SIZE(fragment.size);
		block.is_compressed = SQFS_IS_BLOCK_COMPRESSED(fragment.size);
		block.is_fragment = true;
		r = squashfs_blocks_add(&lister->listing->blocks, &block,
					&number);
		if (r < 0)
			return failed(lister, r);
		assert(number == i);
	}
	return 0;
}

/* Once all files are known: what is named of fragments must be there. */
static int check_fragments(const struct lister *lister)
{
	for (uint32_t i = 0; i < lister->super->fragment_count; i++) {
		struct squashfs_block *block =
			squashfs_blocks_at(&lister->listing->blocks, i);

		if (block->raw_size == 0)
			continue;
		/* One that is stored as it is tells its own size. */
		if (!block->is_compressed &&
		    block->stored_size > block->raw_size)
			block->raw_size = block->stored_size;
		if (block->stored_size == 0)
			return damaged(lister, "a fragment is empty");
		if (check_block(lister, block) < 0)
			return -EPROTO;
	}
	return 0;
}

/* ---- entries ---- */

static void set_device(const sqfs_inode_generic_t *inode,
		       struct tree_entry *entry)
{
	/* as the kernel's new_encode_dev() */
	uint32_t device = inode->base.type == SQFS_INODE_BDEV ||
					  inode->base.type == SQFS_INODE_CDEV
				  ? inode->data.dev.devno
				  : inode->data.dev_ext.devno;

	entry->rdev_major = (device & 0xfff00) >> 8;
	entry->rdev_minor = (device & 0xff) | ((device >> 12) & 0xfff00);
}

static uint32_t link_count(const sqfs_inode_generic_t *inode)
{
	switch (inode->base.type) {
	case SQFS_INODE_FILE:
		return 1;
	case SQFS_INODE_EXT_FILE:
		return inode->data.file_ext.nlink;
	default: /* the same place in all others but directories */
		return inode->data.ipc.nlink;
	}
}

static int set_type(struct lister *lister, const sqfs_inode_generic_t *inode,
		    struct tree_entry *entry)
{
	static const struct {
		uint32_t mode;
	} types[] = {
		[SQFS_INODE_DIR] = { S_IFDIR },
		[SQFS_INODE_FILE] = { S_IFREG },
		[SQFS_INODE_SLINK] = { S_IFLNK },
		[SQFS_INODE_BDEV] = { S_IFBLK },
		[SQFS_INODE_CDEV] = { S_IFCHR },
		[SQFS_INODE_FIFO] = { S_IFIFO },
		[SQFS_INODE_SOCKET] = { S_IFSOCK },
	};
	unsigned type = inode->base.type;

	if (type >= SQFS_INODE_EXT_DIR)
		type -= SQFS_INODE_EXT_DIR - SQFS_INODE_DIR;
	assert(type >= SQFS_INODE_DIR && type <= SQFS_INODE_SOCKET);
	entry->mode = types[type].mode | (inode->base.mode & 07777);
	if (S_ISREG(entry->mode))
		return add_data(lister, inode, entry);
	if (S_ISBLK(entry->mode) || S_ISCHR(entry->mode))
		set_device(inode, entry);
	if (S_ISLNK(entry->mode)) {
		entry->symlink = (const char *)inode->extra;
		if (strlen(entry->symlink) != inode->data.slink.target_size ||
		    !entry->symlink[0])
			return damaged(lister, "a symlink's target is empty or "
					       "has a NUL");
	}
	return 0;
}

static int add_entry(struct lister *lister, const struct tree_entry *entry)
{
	int r = entry_list_add(lister->listing->entries, entry);

	return r < 0 ? failed(lister, r) : 0;
}

/* An inode under the path at hand. */
static int add_inode(struct lister *lister, const sqfs_inode_generic_t *inode)
{
	struct squashfs_xattrs xattrs CLEANUP(squashfs_xattrs_fini) = { 0 };
	struct tree_entry entry = {
		.path = (const char *)lister->path.data,
		.mtime_s = inode->base.mod_time,
	};
	int r = squashfs_reader_get_id(lister->reader, inode->base.uid_idx,
				       &entry.uid, lister->err);

	if (r == 0)
		r = squashfs_reader_get_id(lister->reader, inode->base.gid_idx,
					   &entry.gid, lister->err);
	if (r == 0)
		r = set_type(lister, inode, &entry);
	if (r == 0)
		r = squashfs_reader_get_xattrs(lister->reader, inode, &xattrs,
					       lister->err);
	if (r < 0)
		return r;
	entry.xattrs = xattrs.items;
	entry.xattr_count = xattrs.count;
	return add_entry(lister, &entry);
}

static int add_hard_link(struct lister *lister, const char *first_name)
{
	const struct tree_entry entry = {
		.path = (const char *)lister->path.data,
		.hard_link = first_name,
	};

	if (!first_name)
		return damaged(lister, "a file or directory has more names "
				       "than links");
	return add_entry(lister, &entry);
}

static int push_directory(struct lister *lister, uint64_t inode, unsigned depth)
{
	size_t size = lister->path.size; /* with its NUL */
	struct pending *pending;

	if (depth > INDEX_FORMAT_DEPTH_MAX)
		return error_set(
			lister->err, -EFBIG,
			"the SquashFS file system has directories more "
			"than %d deep",
			INDEX_FORMAT_DEPTH_MAX);
	pending = malloc(sizeof(*pending) + size + 1);
	if (!pending)
		return failed(lister, -ENOMEM);
	pending->inode = inode;
	pending->depth = depth;
	memcpy(pending->path, lister->path.data, size);
	if (size > 1) {
		pending->path[size - 1] = '/';
		pending->path[size] = '\0';
	}
	pending->next = lister->pending;
	lister->pending = pending;
	return 0;
}

static int set_path(struct lister *lister, const char *directory,
		    const char *name)
{
	int r;

	lister->path.size = 0;
	r = buffer_append(&lister->path, directory, strlen(directory));
	if (r == 0)
		r = buffer_append(&lister->path, name, strlen(name) + 1);
	return r < 0 ? failed(lister, r) : 0;
}

static bool is_directory(const sqfs_inode_generic_t *inode)
{
	return inode->base.type == SQFS_INODE_DIR ||
	       inode->base.type == SQFS_INODE_EXT_DIR;
}

/* What an entry of a directory leads to; the path at hand is its. */
static int visit(struct lister *lister, uint64_t number, unsigned depth)
{
	sqfs_inode_generic_t *inode = NULL;
	const char *first_name = NULL;
	bool is_dir;
	int r;

	if (squashfs_seen_find(&lister->seen, number, &first_name))
		return add_hard_link(lister, first_name);
	r = squashfs_reader_get_inode(lister->reader, number, &inode,
				      lister->err);
	if (r < 0)
		return r;
	is_dir = is_directory(inode);
	r = squashfs_seen_add(&lister->seen, number,
			      !is_dir && link_count(inode) > 1
				      ? (const char *)lister->path.data
				      : NULL);
	r = r < 0 ? failed(lister, r) : add_inode(lister, inode);
	squashfs_reader_free(lister->reader, inode);
	if (r == 0 && is_dir)
		r = push_directory(lister, number, depth);
	return r;
}

static int list_names(struct lister *lister, const struct pending *directory)
{
	struct squashfs_name name;
	int r;

	while ((r = squashfs_reader_next_name(lister->reader, &name,
					      lister->err)) > 0) {
		if (lister->entries_left-- == 0)
			return damaged(lister, "it names more files than it "
					       "can have");
		r = set_path(lister, directory->path, name.name);
		if (r == 0)
			r = visit(lister, name.inode, directory->depth + 1);
		if (r < 0)
			return r;
	}
	return r;
}

static int list_directory(struct lister *lister,
			  const struct pending *directory)
{
	sqfs_inode_generic_t *inode = NULL;
	int r = squashfs_reader_get_inode(lister->reader, directory->inode,
					  &inode, lister->err);

	if (r < 0)
		return r;
	assert(is_directory(inode));
	r = squashfs_reader_open_dir(lister->reader, inode, lister->err);
	squashfs_reader_free(lister->reader, inode);
	return r < 0 ? r : list_names(lister, directory);
}

static int list_all(struct lister *lister)
{
	int r = add_fragments(lister);

	if (r == 0)
		r = set_path(lister, "", "");
	if (r == 0)
		r = visit(lister, lister->super->root_inode, 0);
	if (r == 0 && !lister->pending)
		return damaged(lister, "its root is no directory");
	while (r == 0 && lister->pending) {
		struct pending *directory = lister->pending;

		lister->pending = directory->next;
		r = list_directory(lister, directory);
		free(directory);
	}
	return r < 0 ? r : check_fragments(lister);
}

static void lister_fini(struct lister *lister)
{
	while (lister->pending) {
		struct pending *next = lister->pending->next;

		free(lister->pending);
		lister->pending = next;
	}
	squashfs_reader_destroy(lister->reader);
	squashfs_seen_fini(&lister->seen);
	buffer_fini(&lister->extents);
	buffer_fini(&lister->path);
}

/* Bytes that metadata blocks of @size stored bytes can decode to: of each
 * 8 KiB at most, and none takes less than 3 bytes. */
static uint64_t decoded_size_max(uint64_t size)
{
	return size / 3 * 8192 + 8192;
}

int squashfs_lister_run(const struct squashfs_super *super, const void *head,
			const void *tables, struct squashfs_listing *ret,
			struct error *err)
{
	struct squashfs_listing listing CLEANUP(squashfs_listing_fini) = { 0 };
	struct lister lister CLEANUP(lister_fini) = {
		.super = super,
		.listing = &listing,
		.extents = BUFFER_INIT(EXTENTS_SIZE_MAX),
		.path = BUFFER_INIT(PATH_SIZE_MAX),
		.entries_left = decoded_size_max(super->bytes_used -
						 super->directory_table) /
				DIRENT_SIZE_MIN,
		.blocks_left = decoded_size_max(super->directory_table -
						super->inode_table) /
			       4,
		.err = err,
	};
	int r;

	squashfs_seen_init(&lister.seen);
	squashfs_blocks_init(&listing.blocks);
	listing.entries = entry_list_create(SQUASHFS_LISTER_ENTRIES_SIZE_MAX);
	if (!listing.entries)
		return error_set(err, -ENOMEM, "out of memory");
	r = squashfs_reader_create(super, head, tables, &lister.reader, err);
	if (r == 0)
		r = list_all(&lister);
	if (r < 0)
		return r;
	*ret = listing;
	listing = (struct squashfs_listing){ 0 };
	return 0;
}
