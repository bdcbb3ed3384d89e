/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * spank_namespace: the namespaces that SLURM itself gives a job: with
 * job_container/tmpfs (namespace/tmpfs since 26.05) a /tmp of its own.
 *
 * Threads: between fork() and execve() of a process that has several: only what
 * slurmstepd itself does there.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * spank_namespace_join() - move this process into the job's
 *
 * As slurmstepd moves each task, but not itself.  The effective user is root
 * afterwards.  A working directory that the job does not have becomes "/".
 *
 * Return: false: it cannot be entered.
 */
bool spank_namespace_join(uint32_t job_id, uint32_t step_id, uid_t uid);
