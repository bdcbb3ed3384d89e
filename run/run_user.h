/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_user: who runs the job, outside and inside user namespaces.
 *
 * Threads: the one of the runner; namespaces belong to a process.
 */
#include <stdbool.h>
#include <sys/types.h>

struct error;

enum {
	RUN_USER_LINE_SIZE = 1024,
};

struct run_user {
	uid_t uid;
	gid_t gid;
	/* Lines of /etc/passwd and /etc/group, without a newline; "" when the
	 * name is not known or does not fit. */
	char passwd_line[RUN_USER_LINE_SIZE];
	char group_line[RUN_USER_LINE_SIZE];
};

/** run_user_is_privileged() - root of the host, who can mount: needs no user
 * namespace and sees the image's own ids */
bool run_user_is_privileged(void);

/**
 * run_user_unshare() - into a new user namespace, with one uid and gid in it
 * @proc_fd: a directory of procfs
 * @others:  further namespaces (CLONE_NEW*) to be made with it
 *
 * Return: 0, or -EPERM, -ENOSPC with @err naming what forbids it.
 */
int run_user_unshare(int proc_fd, int others, uid_t uid, gid_t gid,
		     struct error *err);

/**
 * run_user_describe() - the lines for the generated /etc/passwd and group
 * @uid, @gid: as the host calls them
 * @home:      the job's home; NULL: as the host has it
 *
 * Asks the host's name services.  A user without an entry is named "user".
 * Root needs no line: every image has its own.
 */
void run_user_describe(uid_t uid, gid_t gid, const char *home,
		       struct run_user *ret);

/** run_user_obstacle() - the part of a sentence that says what on this host
 * keeps ordinary users from namespaces and mounts, and what helps */
const char *run_user_obstacle(void);

/**
 * run_user_drop_power() - give up every capability, for good
 *
 * No new privileges, empty bounding, ambient, permitted, effective and
 * inheritable sets.
 */
int run_user_drop_power(struct error *err);
