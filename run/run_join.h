/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_join: into namespaces that another runner of the user keeps.
 *
 * Threads: the one of the runner; namespaces belong to a process.
 */
#include <stdbool.h>

struct error;
struct run_target;

/**
 * run_join_enter() - enter what @target keeps
 * @is_privileged: no user namespace is to be entered
 *
 * With RUN_JOIN_IMAGE into a mount namespace of our own that starts as a copy
 * of the kept one; with RUN_JOIN_ROOT into the kept one itself, and with
 * RUN_JOIN_READY as well: there the job's own copy comes with its user
 * namespace.  A pid namespace is for the next child.  All capabilities in the
 * user namespace are ours then.
 *
 * Return: 0, -ESRCH (the other one has ended), -EPERM (it is another user's),
 * other negative errno, with @err.
 */
int run_join_enter(const struct run_target *target, bool is_privileged,
		   struct error *err);
