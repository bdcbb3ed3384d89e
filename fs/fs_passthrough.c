/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: INIT is read and answered by one reader before the kernel sends
 * anything else.  The lock is held while the native files are given to the
 * kernel, a system call each that waits for nothing: whoever else opens a file
 * meanwhile must know the outcome as well.
 */
#include "fs/fs_passthrough.h"

#include "common/log.h"
#include "fs/fs_context.h"
#include "fs/fs_kernel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of stacked file systems below and including ours; native files may not lie
 * on one that is stacked itself (overlayfs). */
enum { STACK_DEPTH = 1 };

void fs_passthrough_init(struct fs_passthrough *passthrough)
{
	*passthrough = (struct fs_passthrough){ 0 };
	mutex_init(&passthrough->lock);
}

void fs_passthrough_fini(struct fs_passthrough *passthrough)
{
	mutex_fini(&passthrough->lock);
}

bool fs_passthrough_is_offer(const void *request, size_t size)
{
	struct fuse_in_header header;
	struct fuse_init_in init;

	if (size < sizeof(header) + sizeof(init))
		return false;
	memcpy(&header, request, sizeof(header));
	memcpy(&init, (const char *)request + sizeof(header), sizeof(init));
	return header.opcode == FUSE_INIT && (init.flags & FUSE_INIT_EXT) &&
	       (init.flags2 & FS_KERNEL_INIT2_PASSTHROUGH);
}

bool fs_passthrough_amend_init(void *out, size_t size)
{
	struct fuse_init_out init;

	if (size != sizeof(init))
		return false;
	memcpy(&init, out, sizeof(init));
	init.flags |= FUSE_INIT_EXT;
	init.flags2 |= FS_KERNEL_INIT2_PASSTHROUGH;
	FS_KERNEL_MAX_STACK_DEPTH(&init) = STACK_DEPTH;
	memcpy(out, &init, sizeof(init));
	return true;
}

/* -- what libfuse calls instead of the system calls */

static ssize_t receive(int fd, void *data, size_t size, void *userdata)
{
	struct fs_passthrough *passthrough =
		&((struct fs_context *)userdata)->passthrough;
	ssize_t n = read(fd, data, size);

	if (n > 0 &&
	    !__atomic_load_n(&passthrough->is_init_seen, __ATOMIC_ACQUIRE)) {
		passthrough->is_offered =
			fs_passthrough_is_offer(data, (size_t)n);
		__atomic_store_n(&passthrough->is_init_seen, true,
				 __ATOMIC_RELEASE);
	}
	return n;
}

static ssize_t answer(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs_passthrough *passthrough =
		&((struct fs_context *)userdata)->passthrough;

	if (passthrough->is_offered && !passthrough->is_negotiated) {
		passthrough->is_negotiated =
			count == 2 && fs_passthrough_amend_init(iov[1].iov_base,
								iov[1].iov_len);
		passthrough->is_offered = passthrough->is_negotiated;
	}
	return writev(fd, iov, count);
}

static ssize_t answer_spliced(int from_fd, off_t *from_off, int fd, off_t *off,
			      size_t size, unsigned flags, void *userdata)
{
	(void)userdata;
	return splice(from_fd, from_off, fd, off, size, flags);
}

int fs_passthrough_attach(struct fuse_session *session, int fuse_fd)
{
	static const struct fuse_custom_io io = {
		.read = receive,
		.writev = answer,
		.splice_send = answer_spliced,
	};

	return fuse_session_custom_io(session, &io, fuse_fd);
}

/* -- the files */

static void settle_locked(struct fs_context *ctx)
	REQUIRES(ctx->passthrough.lock);

static void settle_locked(struct fs_context *ctx)
{
	const struct fs_server_options *options = &ctx->options;
	struct fs_passthrough *passthrough = &ctx->passthrough;

	for (size_t i = 0; i < options->native_count; i++) {
		const struct fs_kernel_backing_map map = {
			.fd = options->native_files[i].fd,
		};
		int id = -ENOTSUP;

		assert(i == 0 || options->native_files[i - 1].inode <
					 options->native_files[i].inode);
		if (passthrough->is_negotiated) {
			id = ioctl(ctx->fuse_fd, FS_KERNEL_BACKING_OPEN, &map);
			if (id < 0)
				id = -errno;
		}
		if (id < 0)
			log_event(LOG_DEBUG, "fs",
				  "op=passthrough ino=%u err=%d",
				  options->native_files[i].inode, -id);
		passthrough->ids[i] = id;
		passthrough->has_passed |= id >= 0;
	}
	__atomic_store_n(&passthrough->is_settled, true, __ATOMIC_RELEASE);
}

static void settle(struct fs_context *ctx)
{
	bool *is_settled = &ctx->passthrough.is_settled;

	if (__atomic_load_n(is_settled, __ATOMIC_ACQUIRE))
		return;
	mutex_lock(&ctx->passthrough.lock);
	if (!__atomic_load_n(is_settled, __ATOMIC_RELAXED))
		settle_locked(ctx);
	mutex_unlock(&ctx->passthrough.lock);
}

/* The kernel's id of an inode's native file, or below 0. */
static int32_t find_id(const struct fs_context *ctx, uint32_t inode)
{
	const struct fs_server_native_file *files = ctx->options.native_files;

	for (size_t low = 0, high = ctx->options.native_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (files[middle].inode == inode)
			return ctx->passthrough.ids[middle];
		if (files[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

void fs_passthrough_answer_open(struct fs_context *ctx, struct fuse_req *req,
				uint32_t inode)
{
	struct fs_kernel_open_out out = { .open_flags = FOPEN_KEEP_CACHE };
	const struct iovec iov = { &out, sizeof(out) };
	int32_t id;

	settle(ctx);
	if (!ctx->passthrough.has_passed) {
		/* remembered: the kernel then opens files without asking, and
		 * keeps what it read of them */
		fuse_reply_err(req, ENOSYS);
		return;
	}
	id = find_id(ctx, inode);
	if (id >= 0) {
		out.open_flags = FS_KERNEL_FOPEN_PASSTHROUGH;
		out.backing_id = id;
		fs_context_count(&ctx->counters.passthrough_opens, 1);
	}
	fuse_reply_iov(req, &iov, 1);
}
