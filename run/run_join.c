/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount namespace tells the user namespace that it belongs to, so one
 * descriptor is enough for both.  A pidfd names all namespaces of a process
 * (Linux 5.8).
 *
 * To enter a user namespace of the same user is to be its root: its owner has
 * every capability in it.  So a runner that joins can go on as if it had made
 * the namespace itself.
 */
#include "run/run_join.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

static int say_not_joined(int code, struct error *err)
{
	if (code == -ESRCH)
		return error_set(err, code,
				 "the instance has ended: start it again");
	if (code == -EPERM)
		return error_set(err, code,
				 "the instance may not be joined: it is "
				 "another user's, or a security module forbids "
				 "setns()");
	return error_set_errno(err, code, "the instance cannot be joined");
}

static int enter_mounts(int mount_fd, bool is_privileged, struct error *err)
{
	autoclose int user_fd = -1;

	if (!is_privileged) {
		user_fd = ioctl(mount_fd, NS_GET_USERNS);
		if (user_fd < 0 || setns(user_fd, CLONE_NEWUSER) < 0)
			return say_not_joined(-errno, err);
	}
	if (setns(mount_fd, CLONE_NEWNS) < 0)
		return say_not_joined(-errno, err);
	return 0;
}

static int enter_image(int mount_fd, bool is_privileged, struct error *err)
{
	int r = enter_mounts(mount_fd, is_privileged, err);

	if (r == 0 && unshare(CLONE_NEWNS) < 0)
		r = error_set_errno(err, -errno,
				    "cannot make a mount namespace");
	return r;
}

static int enter_root(const struct run_target *target, bool is_privileged,
		      struct error *err)
{
	int namespaces = CLONE_NEWNS;

	if (!is_privileged)
		namespaces |= CLONE_NEWUSER;
	if (target->has_pid_namespace)
		namespaces |= CLONE_NEWPID;
	if (target->has_ipc_namespace)
		namespaces |= CLONE_NEWIPC;
	if (setns(target->fd, namespaces) < 0)
		return say_not_joined(-errno, err);
	/* What tells this job's processes from the others': see run_guard. */
	if (unshare(CLONE_NEWUTS) < 0)
		return error_set_errno(err, -errno,
				       "cannot make a uts namespace");
	return 0;
}

int run_join_enter(const struct run_target *target, bool is_privileged,
		   struct error *err)
{
	if (target->kind == RUN_JOIN_IMAGE)
		return enter_image(target->fd, is_privileged, err);
	if (target->kind == RUN_JOIN_READY)
		return enter_mounts(target->fd, is_privileged, err);
	return enter_root(target, is_privileged, err);
}
