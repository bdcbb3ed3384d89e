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
#include <stdbool.h>

struct error;

enum { RUN_LAYERS_MAX = 8 };

/* Starts as = { 0 }; descriptors are the process's until its end. */
struct run_layers {
	int fds[RUN_LAYERS_MAX]; /* of their roots; in the caller's order */
	bool has_upper[RUN_LAYERS_MAX]; /* what is to be shown is in "upper",
					   where there is one */
	unsigned count;
};

/**
 * run_layer_mount() - mount one
 * @image:   an ext3 file for fuse2fs; NULL: the caller serves it
 * @dir:     the staging directory
 * @life_fd: of run_fuse2fs_mount()
 * @socket:  to the caller, who gets a RUN_MESSAGE_LAYER for what it serves
 *
 * Return: 0, or as run_mount_fuse() or run_fuse2fs_mount(), with @err.
 */
int run_layer_mount(struct run_layers *layers, const char *image,
		    const char *dir, int life_fd, int socket,
		    struct error *err);

/** run_layer_open() - what layer @i shows, attached or not; an O_PATH (CLOEXEC)
 * or negative errno */
int run_layer_open(const struct run_layers *layers, unsigned i);

/** run_layer_attach() - put them on @dir, one on the other; 0 or negative errno
 * with @err */
int run_layer_attach(const struct run_layers *layers, const char *dir,
		     struct error *err);
