/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_path: paths in a root that somebody else filled.
 *
 * Every name is resolved by openat2(RESOLVE_IN_ROOT): absolute links and ".."
 * stay within the root, whatever the image holds.  Needs Linux 5.6.
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stdint.h>

struct error;

enum {
	RUN_PATH_OWN_MAX = 256,
};

/* A root, and where mount points may be made in it: on its own mount and on
 * those that are the job's. */
struct run_path_root {
	int fd;			/* O_PATH */
	bool is_foreign;	/* its own mount is a directory of the host */
	bool waits_for_private; /* others will copy it: what is a job's own
				   comes at last (run_private.h) */
	unsigned own_count;
	uint64_t own[RUN_PATH_OWN_MAX]; /* mount ids */
};

/** run_path_add_own() - mount points may be made on the mount that @fd lies
 * on, as well; passed over when there are too many */
void run_path_add_own(struct run_path_root *root, int fd);

enum run_path_kind {
	RUN_PATH_DIRECTORY,
	RUN_PATH_FILE, /* anything that is not a directory */
};

/**
 * run_path_open() - open what is there
 * @flags: of open(2); O_PATH for a mount's target
 *
 * Return: a descriptor (CLOEXEC), or negative errno: -ENOENT, -ELOOP,
 * -ENOTDIR, -ENOSYS (the kernel has no openat2) ...
 */
int run_path_open(int root_fd, const char *path, int flags);

/**
 * run_path_is_plain() - whether @path means what it says
 *
 * No part of it is a link, "." or ".."; what is missing could be made there.
 */
bool run_path_is_plain(int root_fd, const char *path);

/**
 * run_path_make() - open a mount's target, made where it is missing
 * @path: where; links on the way are followed within the root, dangling ones
 *        too
 *
 * Directories and empty files are made one level at a time, and only on the
 * root's own mount and those added to it: never in a host's directory that is
 * bound into it.
 *
 * Return: an O_PATH descriptor (CLOEXEC), or negative errno with @err saying
 * what is in the way: -ENOTDIR or -EISDIR (something of the other kind is
 * there), -EXDEV (would have to be made on the host), -ELOOP, -EROFS ...
 */
int run_path_make(const struct run_path_root *root, const char *path,
		  enum run_path_kind kind, struct error *err);

/**
 * run_path_make_in_place() - run_path_make(), but a link at the end of @path
 * is replaced, not followed
 *
 * For files under /etc that belong to the host: what an image's /etc/localtime
 * points to is to stay.
 */
int run_path_make_in_place(const struct run_path_root *root, const char *path,
			   enum run_path_kind kind, struct error *err);

/**
 * run_path_make_link() - a symbolic link, over a file or link that is there
 * @target: its text, not looked at
 *
 * Made only on the root's own filesystem, as its folders are.  A link with
 * that text already is left alone.
 *
 * Return: 0, or negative errno with @err: -EISDIR (a directory is there) and
 * as run_path_make().
 */
int run_path_make_link(int root_fd, const char *path, const char *target,
		       struct error *err);

/**
 * run_path_make_file() - a file with this text, over a file or link there
 *
 * Mode 0644.  Errors as run_path_make_link().
 */
int run_path_make_file(int root_fd, const char *path, const char *text,
		       struct error *err);
