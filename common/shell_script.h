/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * shell_script: the small part of a shell's language that environment scripts
 * are written in, run without a shell.
 *
 * Assignments, export, unset, readonly, ":", true, false; test and [ with -n,
 * -z, =, !=, -d, -e, -f, -r, -x; "!", &&, ||; if, elif, else, fi; comments.
 * Words as in shell_expand.h.  What else a script says is -ENOTSUP, unless it
 * stands in a branch that is not taken.
 *
 * Threads: any; the variables belong to the caller.
 */
#include "common/shell_expand.h"

struct error;

/**
 * shell_script_run() - run a script
 * @text:   NUL-ended
 * @expand: its variables take what the script sets; unchanged on failure
 *
 * Files are tested in this process' root and directory.
 *
 * Return: 0; -ENOTSUP or -EINVAL with @err naming line and construct; -EFBIG,
 * -ENOMEM, or what the substitution returned.
 */
int shell_script_run(const char *text, const struct shell_expand *expand,
		     struct error *err);
