/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_idmap: user namespaces with more than one id in them.
 *
 * A job that appears as root may have further ids (chown, apt's _apt) where the
 * administrator gave its user a range of them in /etc/subuid and /etc/subgid.
 * Only the setuid programs newuidmap and newgidmap may map those: a child that
 * stays outside executes them, with no environment, from the system's own
 * directories.  It ends before anything of the job's starts.
 *
 * Threads: the one of the runner; namespaces belong to a process.
 */
#include "run/run_user.h"

struct error;

/* A user's subordinate ids; count 0: none. */
struct run_idmap {
	unsigned uid_start;
	unsigned uid_count;
	unsigned gid_start;
	unsigned gid_count;
};

/**
 * run_idmap_parse() - the first range of a user
 * @text: NUL-ended, of /etc/subuid or /etc/subgid: "NAME-OR-UID:START:COUNT"
 *
 * Return: whether there is one that can be used.
 */
bool run_idmap_parse(const char *text, const struct run_user *user,
		     unsigned *ret_start, unsigned *ret_count);

/**
 * run_idmap_load() - what this host gives @user
 *
 * Return: whether there are ranges of both kinds, and programs to map them that
 * this process may gain power by.
 */
bool run_idmap_load(const struct run_user *user, struct run_idmap *ret);

/**
 * run_idmap_unshare() - run_user_unshare() with ranges: 0 is the user, the
 * others follow from 1 on
 * @proc_fd: a directory of procfs, in which this process is
 *
 * Return: 0, or negative errno with @err; the process is then good for nothing.
 */
int run_idmap_unshare(int proc_fd, int others, const struct run_idmap *map,
		      struct error *err);

/** run_idmap_unshare_again() - another one within that, with the same ids */
int run_idmap_unshare_again(int proc_fd, int others,
			    const struct run_idmap *map, struct error *err);
