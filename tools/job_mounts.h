/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_mounts: what of the host a job sees, from options to struct run_job.
 *
 * In Apptainer's order: /tmp and /var/tmp, home, scratch directories, the
 * caller's directory, binds; a later one hides what an earlier one put there.
 * With a workdir, private directories are made on the host:
 *
 *	DIR/tmp, DIR/var_tmp 1777 · DIR/home 0750 · DIR/scratch/PATH 0750
 *
 * Threads: one at a time.
 */
#include "tools/overlay_option.h"

#include <stddef.h>

struct error;
struct job_options;
struct run_bind;

/* Starts as = { 0 }. */
struct job_mounts {
	struct run_bind *binds; /* owned, strings included */
	size_t count;
	size_t asked_from; /* the user's own binds come behind this many */
	unsigned omitted;  /* of enum run_standard_mount */
	struct overlay_list overlays;
	char *home; /* inside; owned; NULL: none */
	char *cwd;  /* where the job starts unless told; owned; NULL: the
		       caller's directory */
};

/**
 * job_mounts_fill() - from options that job_options_settle() has seen
 *
 * The home is --home's, else $HOME, else the account's.  One that the host
 * lacks is replaced by an empty directory when it was asked for.
 *
 * Return: 0; -EINVAL with @err quoting what is wrong; other negative errno when
 * a directory cannot be made.
 */
int job_mounts_fill(const struct job_options *options, struct job_mounts *ret,
		    struct error *err);
void job_mounts_fini(struct job_mounts *mounts);
