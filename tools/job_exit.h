/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_exit: the job's end becomes this process's.
 *
 * Threads: the main one, when there are no others.
 */

/**
 * job_exit_pass_on() - die as the job did, without a core file of our own
 * @status: as waitpid() has it
 *
 * Return: the exit status, where it exited; 128 + n where the signal n does not
 * end this process.
 */
int job_exit_pass_on(int status);
