/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mount_hot: the hot tree's part in a mount of root's (docs/filesystem.md,
 * "Passthrough"): large files that it has are read from it by the kernel; what
 * is read through the mount is remembered as a job's reads are, and a tree made
 * of it, which the next mount uses.
 *
 * Where it is worth it: when those files are large for how many files of the
 * image are opened, since each open then costs a request.
 *
 * For others than root, and in user namespaces, all this does nothing.  It is
 * never a reason for a mount to fail.
 *
 * Threads: mount_hot_observe() from any; the rest from the main thread.
 */
#include "fs/fs_server.h"
#include "tools/job_hot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

enum {
	/* The smallest file to pass through. */
	MOUNT_HOT_FILE_SIZE_MIN = 16 << 20,
	/* So many bytes to pass through for each file with contents that the
	 * tree has: 1 MiB saves 0.36 ms the first time, 0.09 ms each other;
	 * an open costs 0.02 to 0.06 ms each time. */
	MOUNT_HOT_SIZE_PER_FILE_MIN = 1 << 20,
};

/* Starts as = { 0 }. */
struct mount_hot {
	struct job_hot hot;
	bool is_known; /* what was read before satisfies the rule */
	/* for fs_server_options; the larger ones where there are too many */
	struct fs_server_native_file files[FS_SERVER_NATIVE_FILES_MAX];
	size_t count;
};

/** mount_hot_open() - begin; after job_hot_set_mode(), with @session opened as
 * far as SESSION_LOADER */
void mount_hot_open(struct mount_hot *mount, struct session *session);

/** mount_hot_build_beside() - the mount is served: have a tree made for the
 * next one, if earlier mounts have read what is worth it and none was (their
 * builders may have been killed with the machine's services) */
void mount_hot_build_beside(const struct mount_hot *mount,
			    const struct common_options *options,
			    const char *image);

/** mount_hot_observe() - the server has answered a read */
void mount_hot_observe(struct mount_hot *mount, uint32_t inode);

/** mount_hot_end() - the server is gone: remember what was read, and have a
 * tree made if one is worth it
 * @image: the user's reference */
void mount_hot_end(struct mount_hot *mount, struct session *session,
		   const struct common_options *options, const char *image);

/** mount_hot_fini() - also after mount_hot_end() */
void mount_hot_fini(struct mount_hot *mount);
