/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_child: the runner's side, from the fork to the job's execve().
 *
 *	namespaces, image mounted          -> RUN_MESSAGE_MOUNTED
 *	RUN_MESSAGE_JOB -> root built and entered, second user namespace,
 *	[pid namespace, process 1          -> RUN_MESSAGE_FORKED]
 *	its own mounts, names
 *	directory, capabilities            -> RUN_MESSAGE_EXECUTING
 *	execve()                           -> the socket closes
 *
 * Any failure is told as RUN_MESSAGE_FAILED and ends the process.
 *
 * Threads: none but the one that forked it.
 */
struct run_options;
struct run_signal_state;

/**
 * run_child_main() - be the runner
 * @socket:  its end; the caller's end is closed already
 * @life_fd: for run_fuse2fs_mount(), or -1
 */
__attribute__((noreturn)) void run_child_main(
	const struct run_options *options, int socket, int life_fd,
	const struct run_signal_state *signals);
