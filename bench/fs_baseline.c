/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs_baseline: the least a FUSE server can do: one file, "data", served from a
 * local file without passthrough, nothing verified, decoded or looked up.
 * What lazyrun's filesystem may be compared with: the practical limit.
 *
 *	fs_baseline FILE DIR
 *
 * Ends when DIR is unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOT = 1, FILE_INODE = 2, READ_SIZE_MAX = 128 << 10 };

#define YEAR_S (365.0 * 24 * 3600)

static int file_fd;
static struct stat file_attr;
static struct stat root_attr = { .st_mode = S_IFDIR | 0755, .st_nlink = 2 };

static void init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &= ~(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ);
	conn->max_write = READ_SIZE_MAX;
}

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {
		.entry_timeout = YEAR_S,
		.attr_timeout = YEAR_S,
		.attr = file_attr,
	};

	(void)parent;
	entry.ino = strcmp(name, "data") == 0 ? FILE_INODE : 0;
	fuse_reply_entry(req, &entry);
}

static void getattr(fuse_req_t req, fuse_ino_t inode,
		    struct fuse_file_info *info)
{
	(void)info;
	fuse_reply_attr(req, inode == ROOT ? &root_attr : &file_attr, YEAR_S);
}

static void open_file(fuse_req_t req, fuse_ino_t inode,
		      struct fuse_file_info *info)
{
	(void)inode;
	(void)info;
	fuse_reply_err(req, ENOSYS);
}

static void read_file(fuse_req_t req, fuse_ino_t inode, size_t size, off_t off,
		      struct fuse_file_info *info)
{
	static char data[READ_SIZE_MAX];
	ssize_t n = pread(file_fd, data, size, off);

	(void)inode;
	(void)info;
	if (n < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_buf(req, data, (size_t)n);
}

int main(int argc, char *argv[])
{
	static const struct fuse_lowlevel_ops ops = {
		.init = init,
		.lookup = lookup,
		.getattr = getattr,
		.open = open_file,
		.opendir = open_file,
		.read = read_file,
	};
	char read_only[] = "-oro";
	char *options[] = { argv[0], read_only, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(2, options);
	struct fuse_session *session;
	int r;

	file_fd = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (file_fd < 0 || fstat(file_fd, &file_attr) < 0) {
		fprintf(stderr, "usage: fs_baseline FILE DIR\n");
		return 2;
	}
	file_attr.st_ino = FILE_INODE;
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!session || fuse_session_mount(session, argv[2]) != 0)
		return 1;
	r = fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return r != 0;
}
