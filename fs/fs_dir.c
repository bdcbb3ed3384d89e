/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_dir.h"

#include "fs/fs_attr.h"
#include "fs/fs_context.h"
#include "index/index_file.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

enum {
	NAME_SIZE_MAX = 255,
	DOT_COUNT = 2, /* entries before those of the index */
};

int fs_dir_fill_entry(const struct fs_context *ctx, uint32_t inode,
		      struct fuse_entry_param *ret)
{
	struct index_inode found;
	int r;

	r = index_file_get_inode(ctx->index, inode, &found);
	if (r < 0) /* what an entry names must be there */
		return r == -ENOENT ? -EBADMSG : r;
	*ret = (struct fuse_entry_param){
		.ino = inode,
		.attr_timeout = FS_DIR_TIMEOUT_S,
		.entry_timeout = FS_DIR_TIMEOUT_S,
	};
	fs_attr_fill(&found, &ctx->options, &ret->attr);
	return 0;
}

/* Entry number @position, "." and ".." counted; -ENOENT past the last. */
static int get_entry(const struct fs_context *ctx, uint32_t dir,
		     uint64_t position, char ret_name[NAME_SIZE_MAX + 1],
		     struct fuse_entry_param *ret)
{
	struct index_dirent dirent;
	struct index_inode inode;
	int r;

	if (position >= DOT_COUNT) {
		if (position - DOT_COUNT > UINT32_MAX)
			return -ENOENT;
		r = index_file_get_dirent(ctx->index, dir,
					  (uint32_t)(position - DOT_COUNT),
					  &dirent);
		if (r < 0)
			return r;
		assert(dirent.name_size <= NAME_SIZE_MAX);
		memcpy(ret_name, dirent.name, dirent.name_size);
		ret_name[dirent.name_size] = '\0';
		return fs_dir_fill_entry(ctx, dirent.inode, ret);
	}
	r = index_file_get_inode(ctx->index, dir, &inode);
	if (r < 0)
		return r == -ENOENT ? -EBADMSG : r;
	if (!S_ISDIR(inode.mode))
		return -ENOTDIR;
	memcpy(ret_name, "..", position + 1);
	ret_name[position + 1] = '\0';
	r = fs_dir_fill_entry(ctx, position == 0 ? dir : inode.parent, ret);
	ret->ino = 0; /* the kernel knows them: not looked up here */
	return r;
}

/* Appends one entry; returns false, and changes nothing, when it is too big. */
static bool add_entry(struct fs_dir_page *page, struct fuse_req *req,
		      const char *name, const struct fuse_entry_param *entry,
		      uint64_t next_off)
{
	char *data = page->data + page->size;
	size_t left = page->capacity - page->size;
	size_t size;

	if (page->is_plus)
		size = fuse_add_direntry_plus(req, data, left, name, entry,
					      (off_t)next_off);
	else
		size = fuse_add_direntry(req, data, left, name, &entry->attr,
					 (off_t)next_off);
	if (size > left)
		return false;
	page->size += size;
	return true;
}

int fs_dir_pack(const struct fs_context *ctx, struct fuse_req *req,
		uint32_t dir, uint64_t off, struct fs_dir_page *page)
{
	char name[NAME_SIZE_MAX + 1];
	struct fuse_entry_param entry;
	int r;

	page->size = 0;
	do {
		r = get_entry(ctx, dir, off++, name, &entry);
	} while (r == 0 && add_entry(page, req, name, &entry, off));
	return page->size > 0 || r == -ENOENT ? 0 : r;
}
