/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_reply: failures, as the kernel and as a person are told of them.
 *
 * The one place where our negative errnos become the kernel's.
 *
 * Threads: any.
 */
#include <stddef.h>
#include <stdint.h>

struct error;
struct fs_context;
struct fuse_req;

/* What was asked for when it failed. */
struct fs_failure {
	const char *op; /* "read" */
	uint32_t inode;
	uint64_t off; /* reads and seeks, else 0 */
	size_t size;  /* reads, else 0 */
};

/**
 * fs_reply_errno() - the errno that a program sees
 * @code: negative errno of ours
 *
 * What a program can act on stays; whatever says that bytes could not be had
 * or trusted (-EBADMSG, -EPROTO, -ETIMEDOUT, -ECANCELED, ...) is EIO.
 *
 * Return: a positive errno.
 */
int fs_reply_errno(int code);

/**
 * fs_reply_failure() - answer a request with an error and log one line
 * @code: negative errno
 * @err:  the sentence; may be NULL or unset
 *
 * The line is rate limited, and not said again when the kernel tries a part of
 * a failed read once more.  @req must not be used afterwards.
 */
void fs_reply_failure(struct fs_context *ctx, struct fuse_req *req,
		      const struct fs_failure *failure, int code,
		      const struct error *err);
