/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_environment: the environment a job starts with.
 *
 * In this order, later ones winning: the caller's variables (unless
 * clean), except those that describe the host's file system (LD_*, HOST PATH,
 * PYTHONHOME ...); the image's own (config.Env); HOME, PATH's default,
 * LAZYRUN_IMAGE; --env.  Values are taken byte for byte: no shell evaluates
 * them.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct option_list;

struct job_environment_options {
	const char *const *caller;	 /* NULL-ended "NAME=value" */
	const char *const *image;	 /* the same */
	const struct option_list *extra; /* --env NAME=value or NAME */
	const char *home;		 /* NULL: leave as it is */
	const char *image_reference;
	bool is_clean; /* of the caller's only TERM, LANG
			  and the proxies */
};

/**
 * job_environment_create() - NULL-ended array of malloc'ed strings
 *
 * Return: 0, -EINVAL (an --env without a name), -ENOMEM.
 */
int job_environment_create(const struct job_environment_options *options,
			   char ***ret, struct error *err);
void job_environment_destroy(char **environment);
