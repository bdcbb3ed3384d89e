/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_private: what of a root no two jobs may share: directories in memory and
 * a /dev of the job's own.
 *
 * A root that others copy (RUN_JOIN_READY) has their mount points alone, and
 * the device nodes, which no job could reach from within.  Each job mounts its
 * own over them, in its own namespaces.
 *
 * Threads: the one of the runner.
 */
#include <stdbool.h>

struct error;
struct run_job;

/**
 * run_private_can_wait() - whether to mount them at last, over all else, makes
 * the same root as to mount them in their turn
 * @root_fd:  of the root, with nothing mounted in it yet
 * @host_cwd: as run_bind_standard()'s
 *
 * It does when no other mount lies at, above or below one of theirs, by names
 * that no link of the image changes the meaning of, and no directory in /dev.
 */
bool run_private_can_wait(int root_fd, const struct run_job *job,
			  const char *host_cwd);

/**
 * run_private_mount_dev() - its /dev, over that of the root that the process
 * has entered
 * @has_ipc: as run_bind_standard()'s
 *
 * Nothing happens where the job has none.  Return: 0, negative errno with @err.
 */
int run_private_mount_dev(const struct run_job *job, bool has_ipc,
			  struct error *err);

/** run_private_mount_directories() - the same of its directories in memory;
 * none of them is in /dev, so another process can do that meanwhile */
int run_private_mount_directories(const struct run_job *job, struct error *err);
