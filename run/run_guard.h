/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_guard: a process that kills what a job leaves when its caller is killed.
 *
 * The kernel kills the job with its caller, but not the job's own children.  A
 * pid namespace would see to them; without one the guard does: it waits for the
 * other end of a socket to vanish without a farewell, and then kills whatever
 * is in the job's namespaces.
 *
 * It is a child of the caller's with a higher number than the job's: whoever
 * looks for the job takes the first (condor_ssh_to_job).
 *
 * A mark is a namespace that all processes of a job are in and no others: a
 * user namespace, with all within it; a mount namespace, which stands for the
 * user namespace that owns it; an uts namespace.
 *
 * Threads: one at a time.
 */
#include <stdint.h>
#include <sys/types.h>

struct error;

struct run_guard {
	int fd; /* its end holds the guard back; -1: no guard */
	pid_t pid;
};

/**
 * run_guard_start() - start the guard
 * @job: the caller's other child
 *
 * There is none when its number would be lower than the job's.  A caller that
 * ends without run_guard_stop() lets it loose.
 *
 * Return: 0, or negative errno with @err.
 */
int run_guard_start(pid_t job, struct run_guard *ret, struct error *err);

/**
 * run_guard_set() - what it is to kill; nothing before this
 * @mark_fd: borrowed
 *
 * The guard keeps the namespace, so that its number does not become another
 * one's; of a mount namespace the one that owns it, since otherwise the guard
 * would keep the job's mounts.
 */
void run_guard_set(const struct run_guard *guard, int mark_fd);

/**
 * run_guard_add() - another mark beside that of run_guard_set()
 * @id: not 0; a mark that has it already is replaced
 */
void run_guard_add(const struct run_guard *guard, uint32_t id, int mark_fd);

/** run_guard_drop() - what has the mark @id is no longer to be killed */
void run_guard_drop(const struct run_guard *guard, uint32_t id);

/**
 * run_guard_kill() - kill all that is marked, here and now
 * @mark_fd: borrowed.  Nothing is killed where the caller is marked itself.
 *
 * Blocks until none is found any more: a millisecond or two, some seconds at
 * most with a job that forks as fast as this kills.
 */
void run_guard_kill(int mark_fd);

/** run_guard_loose() - it kills and ends */
void run_guard_loose(struct run_guard *guard);

/** run_guard_stop() - it ends and kills nothing; none is allowed */
void run_guard_stop(struct run_guard *guard);
