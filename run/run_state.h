/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_state: what the caller's side knows of a run; for run.c and run_wait.c.
 *
 * Threads: as run.h says of its functions.
 */
#include "common/buffer.h"
#include "run/run.h"
#include "run/run_guard.h"
#include "run/run_layer.h"
#include "run/run_signal.h"

struct run {
	pid_t pid;   /* of the runner, then the job; 0: reaped */
	int socket;  /* -1 once the job runs */
	int life_fd; /* its end keeps fuse2fs; -1: none */
	int fuse_fd;
	int layer_fds[RUN_LAYERS_MAX]; /* FUSE descriptors; -1: taken */
	unsigned layer_count;	       /* received */
	struct buffer environment;     /* of a job without a command */
	struct run_guard guard;	       /* none with a pid namespace */
	bool maps_ids;
	bool has_pid_namespace; /* of its own */
	bool is_kept;		/* as run_options says */
	bool has_first;		/* the pid is of our process 1 */
	bool is_reaper;		/* of what the job leaves */
	bool is_lost;		/* the watch said so */
	struct run_watch watch; /* fd -1: none */
	int mark_fd;		/* of the job, when others guard it; else -1 */
	int status;		/* waitpid's; valid when pid is 0 */
	/* How signals were before run_start(). */
	bool has_blocked;
	struct run_signal_state signals;
	int signal_fd;
};
