/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_init: process 1 of a job's own pid namespace.
 *
 * Threads: none but the caller's.
 */
#include <sys/types.h>

/** run_init_fork() - fork(), but as a sibling (CLONE_PARENT) */
pid_t run_init_fork(void);

/**
 * run_init_serve() - be process 1 until the job ends
 * @job:       the child whose end ends everything
 * @signal_fd: of run_signal_open(), the signals blocked
 *
 * Passes signals on, reaps whatever ends.  Never returns: exits with the job's
 * status, or 128 + n when signal n killed it; the kernel kills the rest of the
 * namespace then.  All descriptors above 2 but @signal_fd are closed.
 */
__attribute__((noreturn)) void run_init_serve(pid_t job, int signal_fd);
