/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_kernel: what of the kernel's FUSE protocol is newer than the headers that
 * we build with (Debian 12: protocol 7.38), and than its libfuse (3.14).
 *
 * Source: include/uapi/linux/fuse.h of Linux 6.9 (protocol 7.40), where
 * passthrough came; the structures' sizes are those of before.
 *
 * Threads: none; numbers.
 */
#include <assert.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* Of struct fuse_init_in's and fuse_init_out's flags2: bit 37 of both words. */
#define FS_KERNEL_INIT2_PASSTHROUGH (1u << (37 - 32))

/* Of struct fuse_open_out's open_flags. */
#define FS_KERNEL_FOPEN_PASSTHROUGH (1u << 7)

/* struct fuse_init_out, whose unused[0] is max_stack_depth since 7.40. */
#define FS_KERNEL_MAX_STACK_DEPTH(out) ((out)->unused[0])

/* struct fuse_open_out since 7.40. */
struct fs_kernel_open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id;
};
static_assert(sizeof(struct fs_kernel_open_out) == sizeof(struct fuse_open_out),
	      "the last member was padding before");

/* What FS_KERNEL_BACKING_OPEN takes; it returns the file's id, and the kernel
 * keeps the file open until the mount ends. */
struct fs_kernel_backing_map {
	int32_t fd;
	uint32_t flags;	  /* 0 */
	uint64_t padding; /* 0 */
};

#define FS_KERNEL_BACKING_OPEN                                                 \
	_IOW(FUSE_DEV_IOC_MAGIC, 1, struct fs_kernel_backing_map)
