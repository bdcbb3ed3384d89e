/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_inner: the namespaces that belong to the job, within those that the root
 * was mounted in (run_child.c says why there are two).
 *
 * Threads: the one of the runner; namespaces belong to a process.
 */
struct error;
struct run_child;

/**
 * run_inner_enter() - make and enter them; the root has been entered before
 *
 * A pid namespace is for the next child.  Return: 0; -EPERM, -ENOSPC ... with
 * @err.
 */
int run_inner_enter(struct run_child *child, struct error *err);

/**
 * run_inner_fill() - devices, mounts and names that are theirs alone
 *
 * Process 1 may be born meanwhile, but has to wait before it looks at them.
 * Nothing happens in a root that was joined as it is.  Return: 0, negative
 * errno with @err.
 */
int run_inner_fill(const struct run_child *child, struct error *err);

/** run_inner_fill_directories() - the job's directories in memory, where they
 * are not in the root; process 1 can do that while the runner does the rest */
int run_inner_fill_directories(const struct run_child *child,
			       struct error *err);
