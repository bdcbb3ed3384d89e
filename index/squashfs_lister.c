/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_lister.h"

#include "common/error.h"
#include "index/entry_list.h"
#include "index/index_format.h"
#include "index/squashfs_data.h"
#include "index/squashfs_error.h"
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
	struct squashfs_data data;
	struct buffer path; /* of the entry at hand, with its NUL */
	struct pending *pending;
	uint64_t entries_left; /* that the directory table has room for */
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
	return squashfs_error_damaged(lister->err, what);
}

static int failed(const struct lister *lister, int code)
{
	return squashfs_error_failed(lister->err, code);
}

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
		return squashfs_data_add(&lister->data, inode, entry,
					 lister->err);
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
	int r = squashfs_data_begin(&lister->data, lister->err);

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
	return r < 0 ? r : squashfs_data_end(&lister->data, lister->err);
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
	squashfs_data_fini(&lister->data);
	buffer_fini(&lister->path);
}

int squashfs_lister_run(const struct squashfs_super *super, const void *head,
			const void *tables, struct squashfs_listing *ret,
			struct error *err)
{
	struct squashfs_listing listing CLEANUP(squashfs_listing_fini) = { 0 };
	struct lister lister CLEANUP(lister_fini) = {
		.super = super,
		.listing = &listing,
		.path = BUFFER_INIT(PATH_SIZE_MAX),
		.entries_left =
			squashfs_super_decoded_size_max(
				super->bytes_used - super->directory_table) /
			DIRENT_SIZE_MIN,
		.err = err,
	};
	int r;

	squashfs_seen_init(&lister.seen);
	squashfs_blocks_init(&listing.blocks);
	listing.entries = entry_list_create(SQUASHFS_LISTER_ENTRIES_SIZE_MAX);
	if (!listing.entries)
		return error_set(err, -ENOMEM, "out of memory");
	r = squashfs_reader_create(super, head, tables, &lister.reader, err);
	if (r < 0)
		return r;
	squashfs_data_init(&lister.data, super, lister.reader, &listing.blocks);
	r = list_all(&lister);
	if (r < 0)
		return r;
	*ret = listing;
	listing = (struct squashfs_listing){ 0 };
	return 0;
}
