/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_dev: a /dev that shows only what every program may use.
 *
 * null, zero, random, urandom, tty of the host; fd, stdin, stdout, stderr,
 * ptmx as links; shm, pts, mqueue as filesystems of the job's own; console
 * where the standard output is a terminal.
 *
 * Threads: the one of the runner.
 */
#include <stdbool.h>

struct error;
struct run_path_root;

/**
 * run_dev_mount() - mount it on the root's /dev
 * @has_pts:    with terminals of its own
 * @has_mqueue: with a place for run_dev_mount_mqueue()
 *
 * The nodes come from "/dev" as this process sees it: the host's, or that of
 * run_dev_mount_nodes().  A node counts only when it has the device number that
 * its name stands for: a container around us may show anything there.
 *
 * Return: 0 or negative errno with @err.
 */
int run_dev_mount(struct run_path_root *root, bool has_pts, bool has_mqueue,
		  struct error *err);

/** run_dev_mount_nodes() - the device nodes alone, where nothing can be made,
 * for roots that others copy; errors as run_dev_mount() */
int run_dev_mount_nodes(struct run_path_root *root, struct error *err);

/** run_dev_mount_mqueue() - POSIX message queues of this process' own ipc
 * namespace on "/dev/mqueue" of the root it has entered; passed over where the
 * kernel has none */
void run_dev_mount_mqueue(void);
