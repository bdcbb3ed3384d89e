/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_fuse2fs: an ext2, ext3 or ext4 file system in a file, mounted read-only
 * by the host's fuse2fs.
 *
 *	lazyrun-overlay --- fuse2fs
 *
 * Nobody's child but init's: whoever looks for a job takes its runner's first
 * child (condor_ssh_to_job).  It lives in a mount namespace of its own, which
 * holds nothing of the image, and ends with the other end of a socket, which is
 * the caller's: so neither outlives a caller that is killed.
 *
 * Threads: none but the caller's.
 */
struct error;

/**
 * run_fuse2fs_mount() - start it, and wait until the file system is there
 * @image:   absolute
 * @dir:     any directory of the host; nothing appears on it
 * @life_fd: the helper's end of the socket; the caller's other end is shut down
 *           to end it, and closes when it has ended
 *
 * fuse2fs is searched in PATH and gets the caller's environment.
 *
 * Return: the mount, attached to nothing (CLOEXEC); -ENOENT (fuse2fs is not
 * installed), -EIO (it says why), -ETIMEDOUT (10 s, for a file system that
 * answers), others, with @err.
 */
int run_fuse2fs_mount(const char *image, const char *dir, int life_fd,
		      struct error *err);
