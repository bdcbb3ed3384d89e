/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_options: everything that exec, run, shell and test can be told.
 *
 * Three tables fill one struct: lazyrun's own and shared ones
 * (tools/job_options.c), those that only Apptainer has
 * (tools/apptainer_options.c) and docker's habits of `lazyrun run`
 * (tools/docker_options.c).
 *
 * Threads: one at a time.
 */
#include "tools/cgroup_scope.h"
#include "tools/command.h"
#include "tools/gpu_option.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

struct job_options {
	struct common_options common;

	/* What the job sees. */
	struct option_list binds;    /* SRC[:DST[:OPTION,...]],... */
	struct option_list mounts;   /* --mount type=bind,... */
	struct option_list scratch;  /* DIR,... */
	struct option_list no_mount; /* NAME,... */
	struct option_list overlays; /* DIR[:ro],... */
	const char *home;	     /* SRC[:DST]; NULL: the user's */
	const char *workdir;
	const char *cwd;
	bool contain;
	bool containall;
	bool no_home;
	bool writable;
	bool writable_tmpfs;
	uint64_t writable_size;

	/* Its environment. */
	struct option_list env;	      /* NAME[=VALUE][,NAME=VALUE ...] */
	struct option_list exact_env; /* NAME[=VALUE], docker's */
	struct option_list env_files; /* FILE,... */
	bool clean_env;
	bool eval;
	bool no_eval;

	/* Its namespaces and powers. */
	bool use_pid;
	bool no_pid;
	bool no_init;
	bool use_ipc;
	bool use_uts;
	bool use_net;
	const char *network;
	const char *hostname;
	bool fakeroot;
	bool ignore_subuid;
	const char *user; /* docker's UID[:GID] */
	bool no_umask;
	bool compat;

	/* What is executed. */
	const char *shell;
	const char *entrypoint;
	const char *app;

	struct gpu_option gpu;
	struct cgroup_scope limits;

	const char *join; /* NULL, "auto", "never", "always" */
	uint64_t keep_ms; /* 0: start no instance, or for ten minutes */

	const char *profile;	/* NULL, "auto", "off", or a file */
	const char *hints;	/* "auto" (or NULL) or "off" */
	const char *statistics; /* file for a line of JSON at the end */
	const char *hot_tree;	/* "auto" (or NULL) or "off" */
	bool disable_cache;
	bool remove_cache; /* common.cache_dir, when the job has ended */
	bool ignored;	   /* options that change nothing here */
	const char *ignored_text;
};

extern const struct option job_option_table[];
extern const struct option apptainer_option_table[];
extern const struct option docker_option_table[]; /* of run; before others */

/**
 * job_options_settle() - options that imply or exclude others
 *
 * --containall, --compat, --hostname, --network, --no-pid, --user.
 *
 * Return: 0, or -EINVAL with @err.
 */
int job_options_settle(struct job_options *options, struct error *err);

void job_options_fini(struct job_options *options);
