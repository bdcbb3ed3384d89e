/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_signal: signals that a process passes on to the job it waits for.
 *
 * They are blocked and read from a descriptor, so no handler runs and none is
 * lost.  Threads: the waiting one; all others must have them blocked.
 */
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/types.h>

struct error;

/* How signals were treated before. */
struct run_signal_state {
	sigset_t mask;
	struct sigaction child; /* of SIGCHLD */
};

/**
 * run_signal_block() - the passed ones and SIGCHLD, in this thread
 *
 * SIGCHLD gets its default action too: a caller that ignored it would never
 * learn how the job ended.
 */
void run_signal_block(struct run_signal_state *ret_before);

/** run_signal_block_child() - the same for SIGCHLD alone */
void run_signal_block_child(struct run_signal_state *ret_before);

/** run_signal_restore() - as it was before either of them */
void run_signal_restore(const struct run_signal_state *before);

/** run_signal_open() - a signalfd (CLOEXEC) of them, or negative errno */
int run_signal_open(void);

/** run_signal_open_child() - of SIGCHLD alone */
int run_signal_open_child(void);

/**
 * run_signal_read() - wait for the next one
 *
 * Return: 0 or negative errno.
 */
int run_signal_read(int signal_fd, struct signalfd_siginfo *ret);

/**
 * run_signal_pass() - send a signal on to the job
 *
 * Not SIGCHLD; nor what a terminal sent to the job's process group too, or
 * what the job itself sent.
 */
void run_signal_pass(const struct signalfd_siginfo *info, pid_t job);
