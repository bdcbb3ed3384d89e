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
	RUN_USER_FIELD_SIZE = 256,
};

/* As the host has it. */
struct run_user {
	uid_t uid;
	gid_t gid;
	char name[RUN_USER_FIELD_SIZE]; /* "user" without an entry */
	char gecos[RUN_USER_FIELD_SIZE];
	char home[RUN_USER_FIELD_SIZE];	 /* "/" without an entry */
	char shell[RUN_USER_FIELD_SIZE]; /* "/bin/sh" without an entry */
	char group[RUN_USER_FIELD_SIZE]; /* "user" without an entry */
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
 * run_user_load() - look into /etc/passwd and /etc/group, else ask the host's
 *                   name services
 * @uid, @gid: as the host calls them
 *
 * May take long where the services ask a server.
 */
void run_user_load(uid_t uid, gid_t gid, struct run_user *ret);

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
