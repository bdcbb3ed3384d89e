/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * root_key: which jobs of an instance can have copies of one assembled root.
 *
 * Jobs of one user and image differ in what is mounted, and in the line of
 * /etc/passwd. So the key is a hash of all that decides it: the binds, home,
 * the caller's directory, what is left out, and of each path of the host which
 * file it is now. A job that has something of its own in its root (a writable
 * layer, a directory in memory, a /dev, a GPU) has no key.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>

struct digest;
struct job_mounts;
struct job_options;

/**
 * root_key_compute() - of a job of an ordinary user
 * @mounts: of the same options
 *
 * Return: false when its root must be its own; @ret is untouched then.
 */
bool root_key_compute(const struct job_options *options,
		      const struct job_mounts *mounts, struct digest *ret);
