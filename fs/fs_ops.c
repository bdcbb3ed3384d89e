/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: reader threads; nothing here blocks but on the local disk.
 */
#include "fs/fs_ops.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "fs/fs_attr.h"
#include "fs/fs_context.h"
#include "fs/fs_dir.h"
#include "fs/fs_passthrough.h"
#include "fs/fs_read.h"
#include "fs/fs_reply.h"
#include "fs/fs_xattr.h"
#include "index/index_file.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
	/* READs and the like that nobody waits for yet, in flight at once */
	BACKGROUND_MAX = 64,
	SYMLINK_SIZE_MAX = 4095,
	DIR_PAGE_SIZE_MAX = 128 << 10,
	STATFS_BLOCK_SIZE = 4096,
};

/* Log and answer what the kernel cannot have meant to ask for. */
static void fail(fuse_req_t req, const char *op, fuse_ino_t inode, int code)
{
	const struct fs_failure failure = {
		.op = op,
		.inode = fs_context_inode(inode),
	};

	fs_reply_failure(fuse_req_userdata(req), req, &failure, code, NULL);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS |
				FUSE_CAP_READDIRPLUS |
				FUSE_CAP_READDIRPLUS_AUTO |
				FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_SPLICE_WRITE;

	(void)userdata;
	conn->want = wanted & conn->capable;
	conn->max_background = BACKGROUND_MAX;
	/* libfuse derives max_pages, the limit of a read, from max_write */
	conn->max_write = FS_READ_SIZE_MAX;
}

/* The regular file that FS_SERVER_INODE_NAME and a number name; 0 or -ENOENT */
static int find_by_number(const struct fs_context *ctx, uint32_t parent,
			  const char *name, uint32_t *ret)
{
	static const size_t prefix = sizeof(FS_SERVER_INODE_NAME) - 1;
	struct index_inode inode;
	uint32_t number = 0;

	if (!ctx->options.has_inode_names || parent != INDEX_ROOT ||
	    strncmp(name, FS_SERVER_INODE_NAME, prefix) != 0)
		return -ENOENT;
	for (const char *p = name + prefix; *p; p++) {
		const char *digits = "0123456789abcdef";
		const char *digit = strchr(digits, *p);

		if (!digit || number > UINT32_MAX >> 4)
			return -ENOENT;
		number = number << 4 | (uint32_t)(digit - digits);
	}
	if (index_file_get_inode(ctx->index, number, &inode) < 0 ||
	    !S_ISREG(inode.mode))
		return -ENOENT;
	*ret = number;
	return 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs_context *ctx = fuse_req_userdata(req);
	struct fuse_entry_param entry = { .entry_timeout = FS_DIR_TIMEOUT_S };
	size_t name_size = strlen(name);
	uint32_t inode;
	int r;

	fs_context_count(&ctx->counters.lookups, 1);
	if (name_size > NAME_MAX) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	r = index_file_lookup(ctx->index, fs_context_inode(parent), name,
			      name_size, &inode);
	if (r == -ENOENT)
		r = find_by_number(ctx, fs_context_inode(parent), name, &inode);
	if (r == -ENOENT) {
		fuse_reply_entry(req, &entry); /* no inode: negative, cached */
		return;
	}
	if (r == 0)
		r = fs_dir_fill_entry(ctx, inode, &entry);
	if (r < 0)
		fail(req, "lookup", parent, r);
	else
		fuse_reply_entry(req, &entry);
}

static void op_getattr(fuse_req_t req, fuse_ino_t number,
		       struct fuse_file_info *info)
{
	struct fs_context *ctx = fuse_req_userdata(req);
	struct index_inode inode;
	struct stat attr;
	int r;

	(void)info;
	r = index_file_get_inode(ctx->index, fs_context_inode(number), &inode);
	if (r < 0) {
		fail(req, "getattr", number, r);
		return;
	}
	fs_attr_fill(&inode, &ctx->options, &attr);
	fuse_reply_attr(req, &attr, FS_DIR_TIMEOUT_S);
}

static void op_readlink(fuse_req_t req, fuse_ino_t inode)
{
	struct fs_context *ctx = fuse_req_userdata(req);
	char target[SYMLINK_SIZE_MAX + 1];
	const char *bytes;
	size_t size;
	int r;

	r = index_file_get_symlink(ctx->index, fs_context_inode(inode), &bytes,
				   &size);
	if (r == 0 && size > SYMLINK_SIZE_MAX)
		r = -EBADMSG;
	if (r < 0) {
		fail(req, "readlink", inode, r);
		return;
	}
	memcpy(target, bytes, size);
	target[size] = '\0';
	fuse_reply_readlink(req, target);
}

static void read_dir(fuse_req_t req, fuse_ino_t inode, size_t size, off_t off,
		     bool is_plus)
{
	struct fs_context *ctx = fuse_req_userdata(req);
	autofree char *data = NULL;
	struct fs_dir_page page = { .is_plus = is_plus };
	int r = -ENOMEM;

	page.capacity = size < DIR_PAGE_SIZE_MAX ? size : DIR_PAGE_SIZE_MAX;
	data = malloc(page.capacity);
	page.data = data;
	if (data)
		r = fs_dir_pack(ctx, req, fs_context_inode(inode),
				(uint64_t)off, &page);
	if (r < 0)
		fail(req, "readdir", inode, r);
	else
		fuse_reply_buf(req, page.data, page.size);
}

static void op_readdir(fuse_req_t req, fuse_ino_t inode, size_t size, off_t off,
		       struct fuse_file_info *info)
{
	(void)info;
	read_dir(req, inode, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t inode, size_t size,
			   off_t off, struct fuse_file_info *info)
{
	(void)info;
	read_dir(req, inode, size, off, true);
}

static void op_read(fuse_req_t req, fuse_ino_t inode, size_t size, off_t off,
		    struct fuse_file_info *info)
{
	(void)info;
	fs_read_answer(fuse_req_userdata(req), req, fs_context_inode(inode),
		       (uint64_t)off, size);
}

static void op_lseek(fuse_req_t req, fuse_ino_t inode, off_t off, int whence,
		     struct fuse_file_info *info)
{
	int64_t r;

	(void)info;
	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	r = fs_read_seek(fuse_req_userdata(req), fs_context_inode(inode),
			 (uint64_t)off, whence);
	if (r == -ENXIO)
		fuse_reply_err(req, ENXIO);
	else if (r < 0)
		fail(req, "lseek", inode, (int)r);
	else
		fuse_reply_lseek(req, r);
}

static void op_statfs(fuse_req_t req, fuse_ino_t inode)
{
	struct fs_context *ctx = fuse_req_userdata(req);
	struct index_figures figures;
	struct statvfs answer = { 0 };

	(void)inode;
	index_file_get_figures(ctx->index, &figures);
	answer.f_bsize = STATFS_BLOCK_SIZE;
	answer.f_frsize = STATFS_BLOCK_SIZE;
	answer.f_blocks = figures.raw_size / STATFS_BLOCK_SIZE;
	answer.f_files = figures.inode_count;
	answer.f_namemax = NAME_MAX;
	fuse_reply_statfs(req, &answer);
}

/* ENOSYS is remembered by the kernel.  The protocol of getxattr(2) and
 * listxattr(2): size 0 asks for the size. */
static void reply_xattr(fuse_req_t req, const void *data, size_t size,
			size_t room)
{
	if (room == 0)
		fuse_reply_xattr(req, size);
	else if (room < size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, size);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t inode, const char *name,
			size_t size)
{
	const struct fs_context *ctx = fuse_req_userdata(req);
	struct fs_xattr_value value;
	int r;

	if (!ctx->has_xattrs) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	r = fs_xattr_get(ctx, fs_context_inode(inode), name, &value);
	if (r == -ENODATA)
		fuse_reply_err(req, ENODATA);
	else if (r < 0)
		fail(req, "getxattr", inode, r);
	else
		reply_xattr(req, value.data, value.size, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t inode, size_t size)
{
	CLEANUP(buffer_fini)
	struct buffer names = BUFFER_INIT(FS_XATTR_LIST_SIZE_MAX);
	int r;

	r = fs_xattr_list(fuse_req_userdata(req), fs_context_inode(inode),
			  &names);
	if (r < 0)
		fail(req, "listxattr", inode, r);
	else
		reply_xattr(req, names.data, names.size, size);
}

static void op_open(fuse_req_t req, fuse_ino_t inode,
		    struct fuse_file_info *info)
{
	(void)info;
	fs_passthrough_answer_open(fuse_req_userdata(req), req,
				   fs_context_inode(inode));
}

/* Remembered by the kernel, which then opens directories without asking and
 * keeps what it read of them. */
static void op_opendir(fuse_req_t req, fuse_ino_t inode,
		       struct fuse_file_info *info)
{
	(void)inode;
	(void)info;
	fuse_reply_err(req, ENOSYS);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.open = op_open,
	.opendir = op_opendir,
	.read = op_read,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.lseek = op_lseek,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
};

const struct fuse_lowlevel_ops *fs_ops_table(void)
{
	return &ops;
}
