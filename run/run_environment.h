/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_environment: the job's environment, put together within the root.
 *
 * As Apptainer does it (docs/apptainer.md): the caller's fixed variables, the
 * image's configuration, its scripts /.singularity.d/env/NAME.sh in the order
 * of their names, the user's own behind 99-base.sh, then those of the caller's
 * that the image says nothing of.
 *
 * Threads: the one of the runner.
 */
#include "common/variable_list.h"

struct error;
struct run_environment;

/**
 * run_environment_fill() - the job's variables
 * @ret: empty before; variable_list_fini() even after a failure
 *
 * Scripts are understood without a shell where they are simple
 * (common/shell_script.h), else run by the image's /bin/sh; one that needs a
 * shell where there is none is passed over, with a warning.
 *
 * Return: 0; -ENOMEM, -EFBIG, -ECHILD (a script ended its shell) ... with @err.
 */
int run_environment_fill(const struct run_environment *environment,
			 struct variable_list *ret, struct error *err);

/**
 * run_environment_expand() - words as within a shell's double quotes
 * @variables: the job's
 * @words:     NULL-ended
 * @ret:       malloc'ed, as are its words, NULL-ended; the caller's
 *
 * A word that cannot be expanded stays as it is.  Return: 0, -ENOMEM.
 */
int run_environment_expand(struct variable_list *variables,
			   const char *const *words, char ***ret);
