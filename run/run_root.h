/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_root: the root that a job sees.
 *
 * Three mounts lie on one directory of the runner's namespace, which one does
 * not matter: the image (FUSE), a tmpfs, and kernel overlayfs over both.  Mount
 * points that the image lacks and the generated files come to lie on the
 * tmpfs.  The standard mounts and the binds follow; then the root is closed
 * for writing unless the job wants otherwise, and entered.
 *
 * Threads: the one of the runner.
 */
#include "run/run_layer.h"
#include "run/run_path.h"

#include <stdbool.h>

struct error;
struct run_job;
struct run_user;

struct run_root {
	const char *dir; /* that the mounts lie on; borrowed, static */
	int image_fd;	 /* O_PATH; -1 without one */
	struct run_path_root path; /* of the overlay; no fd before assembling */
	struct run_layers layers;  /* above the image; not attached yet */
	unsigned etc_done;	   /* by run_etc_prepare() */
	bool has_fuse;		   /* image_fd is a mount on dir */
	bool has_ipc;		   /* the job gets an ipc namespace */
	bool is_mapped;		   /* within a user namespace of ours */
};

#define RUN_ROOT_INIT                                                          \
	{                                                                      \
		.image_fd = -1, .path = {.fd = -1 }                            \
	}

/**
 * run_root_mount_fuse() - mount the image's filesystem
 *
 * Return: the descriptor to serve (CLOEXEC), or as run_mount_fuse().
 */
int run_root_mount_fuse(struct run_root *root, struct error *err);

/** run_root_take_fuse() - another runner has mounted the image in this mount
 * namespace */
int run_root_take_fuse(struct run_root *root, struct error *err);

/** run_root_leave_image() - go on in a copy of this mount namespace; others may
 * join the old one as long as somebody keeps it */
int run_root_leave_image(struct run_root *root, struct error *err);

/** run_root_open_directory() - a directory of the host is the image */
int run_root_open_directory(struct run_root *root, const char *path,
			    struct error *err);

/**
 * run_root_assemble() - overlay, standard mounts, binds
 * @host_cwd: the caller's, bound as a standard mount; NULL: unknown
 *
 * The image is read here: FUSE must be served.  A standard mount that the
 * image has no place for is left out; a bind of the job's is an error.
 */
int run_root_assemble(struct run_root *root, const struct run_job *job,
		      const struct run_user *user, const char *host_cwd,
		      struct error *err);

/** run_root_enter() - close for writing unless @is_writable, make it "/" */
int run_root_enter(struct run_root *root, bool is_writable, struct error *err);
