/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_passthrough: files that the kernel reads by itself, from native files that
 * have their bytes (FUSE passthrough, Linux 6.9; root of the host's user
 * namespace).
 *
 * Which files these are does not change while the mount lives: the kernel fails
 * an open with EIO when the inode is open in the other way.  They are given to
 * it together, at the first OPEN, and are its own until the mount ends.  One
 * that it does not take is served as all others are; when it takes none, or
 * does not offer passthrough, it learns that it need not ask for opens.
 *
 * libfuse negotiates passthrough since 3.17 only.  So this stands between it
 * and the descriptor: it looks at the kernel's INIT, and amends the answer.
 * The mount then counts as one level of stacked file systems of the two that
 * the kernel has: one overlayfs fits above it.
 *
 * Threads: fs_passthrough_answer_open() from any reader; the rest before there
 * are any, or after.
 */
#include "common/thread.h"
#include "fs/fs_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fs_context;
struct fuse_req;
struct fuse_session;

struct fs_passthrough {
	bool is_init_seen;  /* atomic, set once: the first request came */
	bool is_offered;    /* by it; before any answer */
	bool is_negotiated; /* by the first answer; before any other request */
	bool is_settled;    /* atomic (release), set once: ids are final */
	struct mutex lock;  /* while they are made */
	/* By place in fs_server_options's native_files: the kernel's ids; below
	 * 0: not passed through.  Final once is_settled. */
	int32_t ids[FS_SERVER_NATIVE_FILES_MAX];
	bool has_passed; /* any of them; the same */
};

void fs_passthrough_init(struct fs_passthrough *passthrough);
void fs_passthrough_fini(struct fs_passthrough *passthrough);

/**
 * fs_passthrough_attach() - fuse_session_mount() for a mount that may pass
 * files through
 * @session: whose userdata is a struct fs_context with native_files
 * @fuse_fd: the session's on success
 *
 * Return: 0 or -ENOMEM.
 */
int fs_passthrough_attach(struct fuse_session *session, int fuse_fd);

/** fs_passthrough_answer_open() - answer OPEN of any file; @req must not be
 * used afterwards */
void fs_passthrough_answer_open(struct fs_context *ctx, struct fuse_req *req,
				uint32_t inode);

/**
 * fs_passthrough_amend_init() - wish for it in an answer to INIT
 * @out, @size: a struct fuse_init_out, or one of another protocol version,
 *              which is left alone
 *
 * Return: whether it was amended.
 */
bool fs_passthrough_amend_init(void *out, size_t size);

/** fs_passthrough_is_offer() - whether a request is an INIT that offers it */
bool fs_passthrough_is_offer(const void *request, size_t size);
