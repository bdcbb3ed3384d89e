/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_start: an instance in a process of its own.
 *
 * Threads: the main one; instance_start_here() before any other exists.
 */
#include <stdbool.h>
#include <stdint.h>

struct common_options;
struct error;
struct job_options;

struct instance_start_options {
	const struct job_options
		*job; /* as of exec; the root's, when it has one */
	const char *image;
	const char *name; /* NULL: a mount to share, without a root */
	char **arguments; /* for the image's start script; NULL-ended */
	uint64_t idle_ms; /* 0: no limit */
};

/**
 * instance_start_here() - become one, in the foreground
 *
 * With @says_root, once it is ready, standard output gets the pid of the root's
 * process 1 and its environment, each ended by NUL, and an empty string; the
 * instance ends when standard input does.
 *
 * Return: 0 at its end, or negative errno with @err.
 */
int instance_start_here(const struct instance_start_options *options,
			bool says_root, struct error *err);

/**
 * instance_start_behind() - fork one; returns when it can be joined
 *
 * It has a session of its own and no terminal. One without a name ends with
 * the session of the caller, when idle.
 *
 * Return: 0; -EEXIST (the name is taken, or @options->name is NULL and the
 * image is kept already); other negative errno with @err.
 */
int instance_start_behind(const struct instance_start_options *options,
			  struct error *err);

/**
 * instance_start_shared() - keep @image for a while, from a process that may
 * have threads
 *
 * Executes this program anew. Return: 0 when it can be joined (by whomever it
 * was started); -EIO (it said why on standard error); other negative errno.
 */
int instance_start_shared(const struct common_options *common,
			  const char *image, uint64_t idle_ms,
			  struct error *err);
