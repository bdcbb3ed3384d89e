/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bench_plan: the runs of `lazyrun bench`, in order, and their results.
 *
 * First from nothing, which makes the index and records a profile; then, in
 * turn, cold, cold with the profile, warm; at last everything fetched before
 * the command, once.
 *
 * Threads: the main thread.
 */
#include "tools/bench_trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct common_options;
struct error;

enum { BENCH_RUNS_MAX = 100 };

enum bench_kind {
	BENCH_FIRST,   /* no index, nothing in the cache */
	BENCH_COLD,    /* index at hand, nothing in the cache, no profile */
	BENCH_PROFILE, /* the same, with a profile */
	BENCH_WARM,    /* as on a node that ran it before */
	BENCH_FULL,    /* pull, then exec */
	BENCH_KIND_COUNT,
};

struct bench_result {
	double seconds;		  /* from the start to the end of all */
	double began_seconds;	  /* until the command was executed */
	struct bench_trace trace; /* of the exec, and of a pull before it */
};

struct bench_runs {
	struct bench_result items[BENCH_RUNS_MAX];
	size_t count;
};

struct bench_plan {
	/* -- set by the caller, borrowed -- */
	const struct common_options *common;
	const char *image;
	char *const *command; /* NULL-ended */
	const char *work_dir; /* a folder is made in it, and removed */
	unsigned runs;	      /* 1 to BENCH_RUNS_MAX */
	int64_t timeout_ms;   /* of each */
	/* -- results -- */
	struct bench_runs *kinds; /* BENCH_KIND_COUNT */
};

/**
 * bench_plan_run() - all runs
 *
 * Return: 0; -EIO (the command or lazyrun fails: @err names the exit status);
 * -ETIMEDOUT; -EINTR; -ENOMEM; what making the folder says.  The folder is gone
 * in every case.  bench_plan_fini() afterwards.
 */
int bench_plan_run(struct bench_plan *plan, struct error *err);
void bench_plan_fini(struct bench_plan *plan);

/** bench_plan_is_shown() - whether the first run was what its name says: with
 * --index there was one */
bool bench_plan_is_shown(const struct bench_plan *plan, enum bench_kind kind);

/** bench_plan_name() - "cold, profile" */
const char *bench_plan_name(enum bench_kind kind);

/** bench_plan_meaning() - one line about it */
const char *bench_plan_meaning(enum bench_kind kind);
