/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_xattr: an inode's extended attributes: the image's, and at the root the
 * status of the filesystem (fs_status.h), whose names hide the image's; the
 * status can be switched off (fs_server_options).
 * Threads: any.
 */
#include "fs/fs_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct fs_context;
struct fs_server_options;
struct index_file;

/* What xattr(7) allows: more could not be passed on. */
enum { FS_XATTR_LIST_SIZE_MAX = 65536 };

struct fs_xattr_value {
	const void *data; /* in the index, or @status */
	size_t size;
	char status[FS_STATUS_VALUE_SIZE];
};

/** fs_xattr_exist() - whether there are attributes that somebody can use: else
 * none is ever answered for (fs_server_options.has_no_status) */
bool fs_xattr_exist(const struct fs_server_options *options,
		    const struct index_file *index);

/**
 * fs_xattr_get() - the value of one attribute
 *
 * Return: 0, -ENODATA (no such attribute), -ENOENT (no such inode), -EBADMSG.
 */
int fs_xattr_get(const struct fs_context *ctx, uint32_t inode, const char *name,
		 struct fs_xattr_value *ret);

/**
 * fs_xattr_list() - append all names, each with its NUL, as listxattr(2) does
 * @names: with size_max FS_XATTR_LIST_SIZE_MAX
 *
 * Return: 0, -E2BIG (they do not fit), -ENOENT, -EBADMSG, -ENOMEM.
 */
int fs_xattr_list(const struct fs_context *ctx, uint32_t inode,
		  struct buffer *names);
