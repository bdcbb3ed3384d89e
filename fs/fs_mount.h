/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_mount: a FUSE mount on a directory of the host, read-only, nosuid, nodev.
 *
 * As root (or root of a user namespace) by mount(2); else by the setuid helper
 * fusermount3, whose protocol is: run with _FUSE_COMMFD naming a socket, it
 * mounts, sends the /dev/fuse descriptor over it (SCM_RIGHTS) and ends.
 *
 * allow_other is asked for by root, and by others where /etc/fuse.conf says
 * user_allow_other.
 *
 * Threads: any.  Blocks on the helper at most FS_MOUNT_HELPER_WAIT_MS.
 */
struct error;

enum { FS_MOUNT_HELPER_WAIT_MS = 10000 };

/**
 * fs_mount_open() - mount on a directory
 * @dir:    need not be empty: what is in it is hidden
 * @ret_fd: /dev/fuse, close-on-exec; nothing is answered until it is served
 *
 * Return: 0; -ENOENT, -ENOTDIR, -EACCES (the directory); -ENODEV (no
 * /dev/fuse); -EPERM (may not mount, or no fusermount3); -EBUSY (a dead mount
 * lies there); -ETIMEDOUT (the helper hangs); -EIO, -ENOMEM.  @err says what
 * is missing and what to do.
 */
int fs_mount_open(const char *dir, int *ret_fd, struct error *err);

/**
 * fs_mount_close() - unmount, at once or when its last user leaves
 * @fuse_fd: of this mount, still open: if the mount has gone already nothing
 *           is done, so that nobody else's mount on @dir is hit
 */
void fs_mount_close(const char *dir, int fuse_fd);
