/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_bind: what of the host a job's root shows.
 *
 * The standard mounts come first, then what was asked for, in order.  A
 * standard mount that the image has no place for is left out; one that was
 * asked for is an error then.
 *
 * Threads: the one of the runner.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct run_job;
struct run_path_root;

/**
 * run_bind_standard() - /proc, /sys, /dev, /tmp, files of /etc, home, directory
 * @has_ipc:  the job gets an ipc namespace
 * @host_cwd: the caller's directory, bound as well; NULL: unknown
 *
 * Return: 0; -ENOSYS, -EPERM, -ENOMEM with @err.
 */
int run_bind_standard(struct run_path_root *root, const struct run_job *job,
		      bool has_ipc, const char *host_cwd, struct error *err);

/** run_bind_standard_path() - of the host's that run_bind_standard() shows to
 * every job, by number; NULL behind the last */
const char *run_bind_standard_path(size_t number);

/** run_bind_asked() - run_job.binds; as run_mount_bind() */
int run_bind_asked(struct run_path_root *root, const struct run_job *job,
		   struct error *err);

/**
 * run_bind_private_dev() - a /dev of the job's own, over a root that
 * run_path_root.waits_for_private
 * @root: with the nodes of run_dev_mount_nodes()
 *
 * Return: as run_bind_standard().
 */
int run_bind_private_dev(struct run_path_root *root, const struct run_job *job,
			 bool has_ipc, struct error *err);

/** run_bind_private() - the same of binds without a source, in order; as
 * run_bind_asked() */
int run_bind_private(struct run_path_root *root, const struct run_job *job,
		     struct error *err);

/**
 * run_bind_find_place() - where the job's root shows something of the host
 * @number: 0 before the first call
 *
 * For files of /etc, that folder.  Return: the next one; NULL behind the last.
 */
const char *run_bind_find_place(const struct run_job *job, const char *host_cwd,
				size_t *number);

/**
 * run_bind_prepare() - run_upper_prepare() for every mount point, where a
 * directory of somebody else is the image
 */
int run_bind_prepare(int image_fd, int upper_fd, const struct run_job *job,
		     const char *host_cwd, struct error *err);
