/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_shell: the image's own /bin/sh, for what only a shell understands.
 *
 * Runs within the root that was entered, with the job's ids and without power.
 *
 * Threads: the one of the runner.
 */
#include "common/variable_list.h"

struct buffer;
struct error;

enum {
	RUN_SHELL_OUTPUT_MAX = 4 << 20,
	RUN_SHELL_TIMEOUT_MS = 300000,
};

/** run_shell_exists() - whether there is one to be executed */
bool run_shell_exists(void);

/**
 * run_shell_substitute() - what a command prints; a shell_expand_substitute_fn
 * @arg: unused
 *
 * Return: 0; -ENOTSUP without a shell; -EFBIG, -ETIMEDOUT, other negative
 * errno.  The command's own status does not count.
 */
int run_shell_substitute(void *arg, const char *command,
			 const struct variable_list *variables,
			 struct buffer *ret);

/**
 * run_shell_source() - run a script as `.` does and take what it exported
 * @path: of the script, in the root
 *
 * What the script prints goes to the standard error.
 *
 * Return: 0; negative errno with @err: -ECHILD when the script ended the shell.
 */
int run_shell_source(const char *path, struct variable_list *variables,
		     struct error *err);
