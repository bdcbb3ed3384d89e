/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_layer: file systems that lie in files, mounted to go above the image.
 *
 * Each is mounted attached to nothing, so that an image can be kept for others
 * without it, and put on the staging directory when the root is assembled:
 * overlayfs takes no mount that has no place (before Linux 6.15).
 *
 * Threads: none but the caller's.
 */
struct error;

enum { RUN_LAYERS_MAX = 8 };

/* Starts as = { 0 }; descriptors are the process's until its end. */
struct run_layers {
	int fds[RUN_LAYERS_MAX]; /* of their roots; in the caller's order */
	unsigned count;
};

/**
 * run_layer_mount() - make @count mounts that the caller serves
 * @socket: to the caller, who gets a RUN_MESSAGE_LAYER for each
 *
 * Return: 0, -EFBIG, or as run_mount_fuse(), with @err.
 */
int run_layer_mount(struct run_layers *layers, unsigned count, int socket,
		    struct error *err);

/** run_layer_attach() - put them on @dir, one on the other; 0 or negative errno
 * with @err */
int run_layer_attach(const struct run_layers *layers, const char *dir,
		     struct error *err);
