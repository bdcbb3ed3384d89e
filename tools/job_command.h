/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_command: what exec, run, shell and test execute.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>

struct error;
struct job_image;
struct job_options;

/*
 * Chooses the job's argument vector.
 * @arguments: the user's words behind the image, NULL-ended
 * @ret_argv:  malloc'ed array of borrowed words, NULL-ended; the caller frees.
 *             Empty: there is nothing to execute, and that is no error.
 *
 * Return: 0, -ENOENT with @err, -ENOMEM.
 */
typedef int job_command_fn(const struct job_options *options,
			   const struct job_image *image, char **arguments,
			   const char ***ret_argv, struct error *err);

/** job_command_exec() - the user's words; of HTCondor's launcher those behind
 * it, if job_command_stands_in() */
job_command_fn job_command_exec;

/**
 * job_command_stands_in() - whether to do what HTCondor's launcher would
 *
 * With SINGULARITY_USE_LAUNCHER (25.6) the command is a script of HTCondor's,
 * bound at /condor_container_launcher.sh, which marks that the container was
 * started and then executes the job.  An image without a shell cannot run it.
 */
bool job_command_stands_in(const struct job_image *image, char **arguments);

/* Where that mark is made: a variable of the job's, and a name in there. */
#define JOB_COMMAND_MARK_VARIABLE "_CONDOR_SCRATCH_DIR"
#define JOB_COMMAND_MARK_NAME	  ".condor_container_launched"

/** job_command_run() - --entrypoint; the image's /.singularity.d/runscript; an
 * OCI image's entrypoint and command, of which arguments replace the second
 * (OCI config.md); /bin/sh */
job_command_fn job_command_run;

/** job_command_runs_words() - whether job_command_run() takes an OCI image's
 * words, which Apptainer's users know as evaluated by a shell */
bool job_command_runs_words(const struct job_options *options,
			    const struct job_image *image);

/** job_command_shell() - --shell, /bin/bash or /bin/sh */
job_command_fn job_command_shell;

/** job_command_test() - the image's /.singularity.d/test, or nothing */
job_command_fn job_command_test;
