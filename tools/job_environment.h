/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_environment: what the host has to say to a job's environment.
 *
 * The runner puts it together with what the image says (struct
 * run_environment).  The caller's variables pass, except those that describe
 * the host's files (PATH, LD_LIBRARY_PATH, LD_PRELOAD ...), apptainer's own,
 * and names that no shell knows; a clean environment has TERM, LANG=C and the
 * proxies.  What the user sets overrules the image: --env and docker's -e, then
 * --env-file, then APPTAINERENV_NAME, then SINGULARITYENV_NAME.
 *
 * Threads: one at a time.
 */
#include "common/variable_list.h"
#include "run/run.h"

#include <stdbool.h>
#include <stddef.h>

struct error;
struct option_list;

struct job_environment_options {
	const char *const *caller; /* NULL-ended "NAME=value" */
	const char *const *image;  /* an OCI configuration's; NULL: none */
	/* NAME=VALUE[,NAME=VALUE ...]: a comma divides only in front of a name
	 * and '='.  A NAME alone passes the caller's value on. */
	const struct option_list *extra;
	const struct option_list *exact; /* NAME=VALUE, commas are the value's;
					    or NAME */
	/* FILE[,FILE ...] of NAME=VALUE lines, as a shell reads them */
	const struct option_list *files;
	const char *home;	     /* NULL: there is none */
	const char *image_reference; /* what the user called it */
	const char *image_path;	     /* of a file or directory; NULL: none */
	const char *command;	     /* "exec", "run", "shell", "test" */
	const char *app;	     /* --app; NULL: none */
	const struct run_bind *binds;
	size_t bind_count;
	bool is_clean;
	bool is_apptainer; /* HOME is not to be set; prompts */
	bool evaluates;	   /* the user's values, by a shell's rules */
	bool says_no_eval; /* it was asked for */
	bool has_prompt;
};

/* Starts as = { 0 }. */
struct job_environment {
	struct run_environment run; /* its arrays are the lists' */
	struct variable_list fixed;
	struct variable_list forced;
	struct variable_list caller;
	const char **fixed_texts;
	const char **forced_texts;
	const char **caller_texts;
};

/**
 * job_environment_fill() - from what was asked for
 * @ret: borrows @options' image
 *
 * Return: 0; -EINVAL with @err quoting what is wrong; -ENOENT and others for a
 * file that cannot be read; -EFBIG, -ENOMEM.
 */
int job_environment_fill(const struct job_environment_options *options,
			 struct job_environment *ret, struct error *err);
void job_environment_fini(struct job_environment *environment);
