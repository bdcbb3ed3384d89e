/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_child_state: what the runner knows; for run_child.c and run_inner.c.
 *
 * Threads: the one of the runner, and of what it becomes.
 */
#include "run/run.h"
#include "run/run_environment.h"
#include "run/run_idmap.h"
#include "run/run_root.h"
#include "run/run_spec.h"
#include "run/run_user.h"

#include <limits.h>

struct run_signal_state;

struct run_child {
	const struct run_options *options;
	const struct run_signal_state *signals;
	int socket;
	int life_fd; /* of run_fuse2fs.h, or -1 */
	int proc_fd; /* the host's /proc, O_PATH */
	bool is_privileged;
	mode_t umask;
	struct run_target target; /* kind 0: none, we mount */
	char host_cwd[PATH_MAX];  /* "" when it has no name */
	struct run_user user;
	struct run_idmap idmap; /* of a fake root; counts 0: it is alone */
	struct run_root root;
	struct run_spec spec;
	struct run_environment_made made;
	int filled_fd; /* process 1: the runner says when its namespaces are
			  filled; -1: they are */
	bool has_no_power;
};
