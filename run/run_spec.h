/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_spec: a job as bytes, for the way from the caller to the runner.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"
#include "run/run.h"

struct buffer;
struct error;

/** run_spec_encode() - append @job; 0, -EFBIG, -ENOMEM */
int run_spec_encode(const struct run_job *job, struct buffer *buffer,
		    struct error *err);

enum {
	RUN_SPEC_LISTS = 5, /* of struct run_environment */
};

/* A job whose strings lie in the bytes it was decoded from. */
struct run_spec {
	struct run_job job;
	struct run_environment environment; /* job.environment, or unused */
	const char **lists[RUN_SPEC_LISTS]; /* owned; environment's */
	const char **overlays;		    /* owned; job.overlays */
	const char **argv;		    /* owned; job.argv */
	const char **envp;		    /* owned; job.envp */
	struct run_bind *binds;		    /* owned; job.binds */
	struct run_link *links;		    /* owned; job.links */
	struct run_file *files;		    /* owned; job.files */
};

/**
 * run_spec_decode() - the job in @data
 * @data: borrowed as long as @ret is used
 * @ret:  started from `= { 0 }`; to run_spec_fini() even after a failure
 *
 * Return: 0, -EPROTO (cut short, or not a job), -ENOMEM.
 */
int run_spec_decode(const uint8_t *data, size_t size, struct run_spec *ret);
void run_spec_fini(struct run_spec *spec);
