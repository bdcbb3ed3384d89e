/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs_baseline: the least a FUSE server can do: one file, "data", served from a
 * local file, nothing verified, decoded or looked up.  What lazyrun's
 * filesystem may be compared with: the practical limit.
 *
 *	fs_baseline [-o|-p] FILE DIR
 *
 * -o: each open is answered, where else the kernel is told not to ask.  -p: by
 * passthrough (root): the kernel then reads FILE by itself.  Ends when DIR is
 * unmounted.
 */
#include "fs/fs_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOT = 1, FILE_INODE = 2, READ_SIZE_MAX = 128 << 10 };

#define YEAR_S (365.0 * 24 * 3600)

static enum { OPEN_UNASKED, OPEN_ANSWERED, OPEN_PASSED } mode;
static int backing_id = -1; /* of OPEN_PASSED, once open */
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

static void open_dir(fuse_req_t req, fuse_ino_t inode,
		     struct fuse_file_info *info)
{
	(void)inode;
	(void)info;
	fuse_reply_err(req, ENOSYS);
}

/* INIT's answer was the first, so the kernel takes files now. */
static void reply_passed(fuse_req_t req)
{
	struct fuse_session *const *session = fuse_req_userdata(req);
	struct fs_kernel_backing_map map = { .fd = file_fd };
	struct fs_kernel_open_out out = {
		.open_flags = FS_KERNEL_FOPEN_PASSTHROUGH,
	};
	const struct iovec iov = { &out, sizeof(out) };

	if (backing_id < 0)
		backing_id = ioctl(fuse_session_fd(*session),
				   FS_KERNEL_BACKING_OPEN, &map);
	out.backing_id = backing_id;
	if (backing_id < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_iov(req, &iov, 1);
}

static void open_file(fuse_req_t req, fuse_ino_t inode,
		      struct fuse_file_info *info)
{
	(void)inode;
	info->keep_cache = 1;
	if (mode == OPEN_UNASKED)
		fuse_reply_err(req, ENOSYS);
	else if (mode == OPEN_ANSWERED)
		fuse_reply_open(req, info);
	else
		reply_passed(req);
}

static void release_file(fuse_req_t req, fuse_ino_t inode,
			 struct fuse_file_info *info)
{
	(void)inode;
	(void)info;
	fuse_reply_err(req, 0);
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

/* -- between libfuse, which knows no passthrough before 3.17, and the kernel */

static ssize_t receive(int fd, void *data, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, data, size);
}

/* The first answer is INIT's. */
static ssize_t answer(int fd, struct iovec *iov, int count, void *userdata)
{
	static bool is_init_answered;

	(void)userdata;
	if (!is_init_answered && count == 2 &&
	    iov[1].iov_len == sizeof(struct fuse_init_out)) {
		struct fuse_init_out *out = iov[1].iov_base;

		is_init_answered = true;
		out->flags |= FUSE_INIT_EXT;
		out->flags2 |= FS_KERNEL_INIT2_PASSTHROUGH;
		FS_KERNEL_MAX_STACK_DEPTH(out) = 1;
	}
	return writev(fd, iov, count);
}

static int mount_passed(struct fuse_session *session, const char *dir)
{
	static const struct fuse_custom_io io = {
		.read = receive,
		.writev = answer,
	};
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[80];

	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (fd < 0 || mount("fs_baseline", dir, "fuse",
			    MS_RDONLY | MS_NOSUID | MS_NODEV, options) < 0) {
		perror("fs_baseline: cannot mount");
		return -1;
	}
	return fuse_session_custom_io(session, &io, fd);
}

int main(int argc, char *argv[])
{
	static const struct fuse_lowlevel_ops ops = {
		.init = init,
		.lookup = lookup,
		.getattr = getattr,
		.open = open_file,
		.opendir = open_dir,
		.release = release_file,
		.read = read_file,
	};
	char read_only[] = "-oro";
	char *options[] = { argv[0], read_only, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(2, options);
	struct fuse_session *session;
	int r;

	for (; argc == 4; argc--, argv++)
		mode = strcmp(argv[1], "-p") == 0   ? OPEN_PASSED
		       : strcmp(argv[1], "-o") == 0 ? OPEN_ANSWERED
						    : OPEN_UNASKED;
	file_fd = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (file_fd < 0 || fstat(file_fd, &file_attr) < 0) {
		fprintf(stderr, "usage: fs_baseline [-o|-p] FILE DIR\n");
		return 2;
	}
	file_attr.st_ino = FILE_INODE;
	session = fuse_session_new(&args, &ops, sizeof(ops), &session);
	r = !session		  ? -1
	    : mode == OPEN_PASSED ? mount_passed(session, argv[2])
				  : fuse_session_mount(session, argv[2]);
	if (r != 0)
		return 1;
	r = fuse_session_loop(session);
	if (mode != OPEN_PASSED)
		fuse_session_unmount(session);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return r != 0;
}
