/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_xattr.h"

#include "common/buffer.h"
#include "fs/fs_context.h"
#include "fs/fs_server.h"
#include "index/index_file.h"

#include <errno.h>
#include <string.h>

#define STATUS_NONE SIZE_MAX

static bool is_named(const struct index_xattr *xattr, const char *name)
{
	return strlen(name) == xattr->name_size &&
	       memcmp(name, xattr->name, xattr->name_size) == 0;
}

static bool has_status(const struct fs_context *ctx, uint32_t inode)
{
	return inode == INDEX_ROOT && !ctx->options.has_no_status;
}

/* The position of the status attribute of that name, or STATUS_NONE. */
static size_t find_status(const struct fs_context *ctx, uint32_t inode,
			  const char *name)
{
	const char *status;

	if (!has_status(ctx, inode))
		return STATUS_NONE;
	for (size_t i = 0; (status = fs_status_name(i)); i++)
		if (strcmp(status, name) == 0)
			return i;
	return STATUS_NONE;
}

static bool is_hidden(const struct fs_context *ctx, uint32_t inode,
		      const struct index_xattr *xattr)
{
	const char *status;

	if (!has_status(ctx, inode))
		return false;
	for (size_t i = 0; (status = fs_status_name(i)); i++)
		if (is_named(xattr, status))
			return true;
	return false;
}

/* Without effect where nothing is setuid, as in every job. */
#define FILE_CAPABILITIES "security.capability"

bool fs_xattr_exist(const struct fs_server_options *options,
		    const struct index_file *index)
{
	return !options->has_no_status ||
	       index_file_has_xattrs_but(index, FILE_CAPABILITIES);
}

int fs_xattr_get(const struct fs_context *ctx, uint32_t inode, const char *name,
		 struct fs_xattr_value *ret)
{
	size_t status = find_status(ctx, inode, name);
	struct index_xattr xattr;
	int r;

	if (status != STATUS_NONE) {
		ret->size = fs_status_format(ctx, status, ret->status);
		ret->data = ret->status;
		return 0;
	}
	for (uint32_t i = 0;; i++) {
		r = index_file_get_xattr(ctx->index, inode, i, &xattr);
		if (r < 0)
			return r;
		if (is_named(&xattr, name))
			break;
	}
	ret->data = xattr.value;
	ret->size = xattr.value_size;
	return 0;
}

static int append_name(struct buffer *names, const char *name, size_t size)
{
	int r = buffer_append(names, name, size);

	if (r == 0)
		r = buffer_append(names, "", 1);
	return r == -EFBIG ? -E2BIG : r;
}

int fs_xattr_list(const struct fs_context *ctx, uint32_t inode,
		  struct buffer *names)
{
	struct index_xattr xattr;
	const char *status;
	int r;

	if (!ctx->has_xattrs)
		return 0;
	for (size_t i = 0;
	     has_status(ctx, inode) && (status = fs_status_name(i)); i++) {
		r = append_name(names, status, strlen(status));
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0;; i++) {
		r = index_file_get_xattr(ctx->index, inode, i, &xattr);
		if (r < 0)
			return r == -ENODATA ? 0 : r;
		if (is_hidden(ctx, inode, &xattr))
			continue;
		r = append_name(names, xattr.name, xattr.name_size);
		if (r < 0)
			return r;
	}
}
