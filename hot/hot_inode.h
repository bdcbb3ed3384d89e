/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_inode: one inode of an index made natively, with every attribute that a
 * program can see; what cannot be made so is refused with -ENOTSUP.
 *
 * Attributes: type, mode, ids, size, modification time to the nanosecond,
 * target, device, extended attributes.  Each inode is looked at after it was
 * made, so that a file system that keeps less (whole seconds, say) is found
 * out.  Link counts follow from the names; change times cannot be set, and
 * access times are what is set here (docs/hot-tree.md).
 *
 * Names come from the index, which has no '/' and no ".." in them; nothing is
 * ever followed.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct index_file;
struct index_inode;

/* What all inodes of a tree have in common. */
struct hot_inode_rules {
	const struct index_file *index;
	bool maps_ids; /* all belong to this process's user; trusted.* is for
			  the privileged only, who do not look then */
};

/**
 * hot_inode_make() - a symlink, FIFO, device or empty regular file
 *
 * Return: 0, or a regular file's descriptor, open for writing, without
 * attributes yet (hot_inode_finish()); -ENOTSUP (a socket, an overlayfs
 * whiteout, a device that this user may not make), other negative errno.
 */
int hot_inode_make(const struct hot_inode_rules *rules, int dir_fd,
		   const char *name, const struct index_inode *inode);

/**
 * hot_inode_point() - make an empty regular file stand for the image's
 * @fd: of hot_inode_make()
 *
 * Overlayfs then takes its content from the data-only layer, by the name that
 * fs/fs_server.h's FS_SERVER_INODE_NAME describes.
 *
 * Return: 0, -ENOTSUP (no user xattrs here, or no such size).
 */
int hot_inode_point(int fd, const struct index_inode *inode);

/** hot_inode_is_pointer() - was a regular file made so?  1, 0, or negative
 * errno when that cannot be told (no user xattrs here) */
int hot_inode_is_pointer(int fd);

/** hot_inode_mark_opaque() - a directory that hides the image's; 0, -ENOTSUP */
int hot_inode_mark_opaque(int fd);

/**
 * hot_inode_finish() - attributes of a regular file or directory
 * @fd: its content is complete
 *
 * Return: 0, -ENOTSUP (this file system or user cannot keep them all), other
 * negative errno.
 */
int hot_inode_finish(const struct hot_inode_rules *rules, int fd,
		     const struct index_inode *inode);
