/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_mount: mounts, made detached and put in place through a descriptor.
 *
 * A bind is cloned (open_tree), gets its attributes, and only then becomes
 * visible (move_mount): there is no moment in which it is writable or leads
 * elsewhere.  Needs Linux 5.12.
 *
 * Threads: any; all act on the caller's mount namespace.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct run_path_root;

enum run_mount_flags {
	RUN_MOUNT_READ_ONLY = 1 << 0, /* with all that is mounted below */
	RUN_MOUNT_DEVICES = 1 << 1,   /* device nodes work */
	RUN_MOUNT_NO_EXEC = 1 << 2,
	RUN_MOUNT_OPTIONAL = 1 << 3,	 /* nothing happens without a source */
	RUN_MOUNT_REPLACE_LINK = 1 << 4, /* a link at the target gives way */
	RUN_MOUNT_OWN = 1 << 5,		 /* run_path_add_own() */
};

/**
 * run_mount_fuse() - open /dev/fuse and mount it, read-only, on @dir
 * @uid, @gid: the mount's owner, as this namespace calls it
 *
 * /dev/fuse must be opened in the user namespace that mounts.
 *
 * Return: the descriptor to serve (CLOEXEC), or negative errno with @err:
 * -ENODEV, -EACCES, -EPERM, -ENOENT (no such @dir) ...
 */
int run_mount_fuse(const char *dir, uid_t uid, gid_t gid, struct error *err);

/**
 * run_mount_make_fuse() - the same, owned by root, attached to nothing yet
 * @ret_mount_fd: its root (CLOEXEC), the caller's; untouched on failure
 *
 * Return: the descriptor to serve (CLOEXEC), or as run_mount_fuse().
 */
int run_mount_make_fuse(int *ret_mount_fd, struct error *err);

/* What an overlay is made of; every descriptor an O_PATH. */
enum {
	RUN_OVERLAY_LAYERS_MAX = 16,
};

struct run_overlay {
	int image_fd;	   /* the read-only tree */
	int hot_fd;	   /* a directory above it, or -1 */
	bool hot_is_whole; /* then the image is a data-only layer (Linux 6.16;
			      as root 6.8) */
	int layer_fds[RUN_OVERLAY_LAYERS_MAX]; /* above all, uppermost first */
	unsigned layer_count;
	int staging_fd; /* holds "upper" and "work" */
	bool is_mapped; /* in a user namespace: the overlay's marks are
			   user.* xattrs, as with hot_fd they always are */
};

/**
 * run_mount_overlay() - kernel overlayfs on @dir
 *
 * Return: 0 or negative errno with @err.
 */
int run_mount_overlay(const char *dir, const struct run_overlay *overlay,
		      struct error *err);

/**
 * run_mount_bind() - show a file or directory of the host in the root
 * @source: as the host resolves it
 * @target: in the root, made where it is missing (run_path_make())
 * @flags:  of enum run_mount_flags; nosuid always, nodev unless it says so
 *
 * Return: 0 or negative errno with @err.
 */
int run_mount_bind(struct run_path_root *root, const char *source,
		   const char *target, unsigned flags, struct error *err);

/**
 * run_mount_tmpfs() - an empty directory in memory
 * @mode: of the directory
 * @size: bytes at most; 0: half the memory
 *
 * nosuid and nodev always; the mount is RUN_MOUNT_OWN.
 *
 * Return: a descriptor of the directory (CLOEXEC), or negative errno with @err.
 */
int run_mount_tmpfs(struct run_path_root *root, const char *target, mode_t mode,
		    uint64_t size, unsigned flags, struct error *err);

/* One of a filesystem's own options. */
struct run_mount_option {
	const char *name; /* NULL ends a list */
	const char *value;
};

/**
 * run_mount_make() - a filesystem that needs no source, not attached yet
 * @type:  "tmpfs", "devpts", "mqueue"
 * @flags: of enum run_mount_flags; nosuid always, nodev unless it says so
 *
 * Return: a descriptor of its root (CLOEXEC), or negative errno.
 */
int run_mount_make(const char *type, const struct run_mount_option *options,
		   unsigned flags);

/** run_mount_attach() - put a mount that is not attached yet on @target_fd
 * (O_PATH); 0 or negative errno */
int run_mount_attach(int mount_fd, int target_fd);

/** run_mount_clone() - a copy of the host's @source, with all that is mounted
 * below and with @flags, not attached yet; a descriptor or negative errno */
int run_mount_clone(const char *source, unsigned flags);

/**
 * run_mount_mask() - show @text instead of a file that is in the root
 *
 * The text lies in a tmpfs of its own that nothing else shows; read-only.
 * Nothing happens where the root has no such file.
 *
 * Return: 0 or negative errno with @err.
 */
int run_mount_mask(int root_fd, const char *path, const char *text,
		   struct error *err);

/** run_mount_set_read_only() - the one mount @fd lies on */
int run_mount_set_read_only(int fd, struct error *err);

/** run_mount_set_unbindable() - recursive binds leave the one @fd lies on, and
 * all below it, out */
int run_mount_set_unbindable(int fd, struct error *err);

/** run_mount_leave_host() - the namespace's mounts follow the host's, never
 * the reverse */
int run_mount_leave_host(struct error *err);

/** run_mount_pivot() - make @root_fd the root, and the old one vanish */
int run_mount_pivot(int root_fd, struct error *err);
