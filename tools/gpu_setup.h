/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_setup: a GPU plan as parts of a job: what run/ mounts and makes, and the
 * job's environment.
 *
 * Threads: one at a time.
 */
struct error;
struct gpu_plan;
struct run_bind;
struct run_environment;
struct run_file;
struct run_job;
struct run_link;

/* Arrays that a run_job borrows, with what it had before. */
struct gpu_setup {
	struct gpu_plan *plan; /* owned; NULL: nothing to set up */
	struct run_bind *binds;
	struct run_link *links;
	struct run_file *files;
	const char **variables; /* of the plan, NULL-ended */
	char *library_first;	/* NULL: none */
	char *library_last;
};

/**
 * gpu_setup_add() - add a plan to a job
 * @plan: taken, after a failure too; NULL: nothing is done
 * @job:  its binds, links and files become arrays of @ret's, which hold the
 *        former ones, too.  The job's binds come behind: they may lie on ours
 * @ret:  started from `= { 0 }`; to gpu_setup_fini() after the job has started
 *
 * Return: 0, -ENOMEM.
 */
int gpu_setup_add(struct gpu_plan *plan, struct run_job *job,
		  struct gpu_setup *ret, struct error *err);

/**
 * gpu_setup_set_environment() - the plan's variables, and LD_LIBRARY_PATH
 * @environment: borrows @setup's parts
 *
 * Return: 0, -ENOMEM.
 */
int gpu_setup_set_environment(struct gpu_setup *setup,
			      struct run_environment *environment,
			      struct error *err);

void gpu_setup_fini(struct gpu_setup *setup);
