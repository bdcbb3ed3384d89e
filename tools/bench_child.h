/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bench_child: one lazyrun of a benchmark, run and timed as a user's would be:
 * a process of its own, from fork to exit.
 *
 * Threads: the main thread; bench_child_run() forks.
 */
#include <stdint.h>

struct error;

/**
 * bench_child_run() - run this very program with other arguments
 * @argv:       from argv[0] on, NULL-ended
 * @timeout_ms: then it is killed
 * @ret_ms:     from fork to exit
 *
 * Its output is dropped, its errors are ours; it reads nothing.  SIGINT and
 * SIGTERM end the wait once bench_child_catch_signals() has been called.
 *
 * Return: its exit status (128 + n by a signal), or -ETIMEDOUT, -EINTR (the
 * child has ended then too), or fork(2)'s errno with @err.
 */
int bench_child_run(const char *const *argv, int64_t timeout_ms, double *ret_ms,
		    struct error *err);

/**
 * bench_child_wait_rest() - until what runs left in the background has ended: a
 * hot tree's builder, which would write into a cache that is being removed, and
 * take its time from the next run
 * @timeout_ms: then, or at a signal, it is killed
 */
void bench_child_wait_rest(int64_t timeout_ms);

/** bench_child_catch_signals() - so that what was made can be removed */
void bench_child_catch_signals(void);
