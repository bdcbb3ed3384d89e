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
struct run_job;

/* What a job's environment lies in, until execve(). */
struct run_environment_made {
	struct variable_list variables;
	const char **envp; /* NULL: the job brought its own */
	char **argv;	   /* its words, where they are expanded; else NULL */
};

/**
 * run_environment_make() - the job's variables and words, where the image has a
 * say: within its root, without power
 * @job: its envp, and argv where that is to be expanded, are set to what is in
 *       @ret; nothing happens to one without run_job.environment
 * @ret: started from `= { 0 }`
 *
 * Scripts are understood without a shell where they are simple
 * (common/shell_script.h), else run by the image's /bin/sh; one that needs a
 * shell where there is none is passed over, with a warning.  A word that cannot
 * be expanded stays as it is.
 *
 * Return: 0; -ENOMEM, -EFBIG, -ECHILD (a script ended its shell) ... with @err;
 * @ret is of no use then.
 */
int run_environment_make(struct run_job *job, struct run_environment_made *ret,
			 struct error *err);
