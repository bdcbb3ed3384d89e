/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_exec: the last steps within the root: directory, search, execve().
 *
 * Threads: the one of the runner.
 */
struct error;
struct run_job;

/**
 * run_exec_enter_cwd() - the job's working directory, or what it falls back to
 * @host_cwd: the caller's; NULL: unknown
 *
 * Return: 0; negative errno with @err when a required one cannot be entered.
 */
int run_exec_enter_cwd(const struct run_job *job, const char *host_cwd,
		       struct error *err);

/**
 * run_exec() - become the job
 * @ret_exit: RUN_EXIT_NOT_FOUND, RUN_EXIT_NOT_EXECUTABLE, or RUN_EXIT_FAILURE
 *            when the job's mark cannot be made
 *
 * A command without a slash is searched in the job's PATH (its own
 * environment's; "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
 * without one).  A file that the kernel cannot execute is given to /bin/sh, as
 * shells do.
 *
 * Return: only on failure, negative errno with @err.
 */
int run_exec(const struct run_job *job, int *ret_exit, struct error *err);
