/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_inner.h"

#include "common/error.h"
#include "run/run_child_state.h"
#include "run/run_dev.h"
#include "run/run_idmap.h"
#include "run/run_net.h"
#include "run/run_private.h"
#include "run/run_user.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

int run_inner_enter(struct run_child *child, struct error *err)
{
	int others = 0;
	int r = 0;

	if (child->options->use_pid_namespace)
		others |= CLONE_NEWPID;
	if (child->options->use_ipc_namespace)
		others |= CLONE_NEWIPC;
	/* As root, something has to tell the job's processes from others. */
	if (child->options->use_uts_namespace || child->is_privileged)
		others |= CLONE_NEWUTS;
	if (child->options->use_net_namespace)
		others |= CLONE_NEWNET;
	if (child->idmap.uid_count > 0)
		r = run_idmap_unshare_again(child->proc_fd,
					    others | CLONE_NEWNS, &child->idmap,
					    err);
	else if (!child->is_privileged)
		r = run_user_unshare(child->proc_fd, others | CLONE_NEWNS,
				     child->user.uid, child->user.gid, err);
	else if (unshare(others) < 0)
		r = error_set_errno(err, -errno, "cannot make namespaces");
	return r;
}

static bool lacks_private(const struct run_child *child)
{
	return child->target.kind == RUN_JOIN_READY ||
	       child->root.path.waits_for_private;
}

int run_inner_fill_directories(const struct run_child *child, struct error *err)
{
	return lacks_private(child)
		       ? run_private_mount_directories(&child->spec.job, err)
		       : 0;
}

int run_inner_fill(const struct run_child *child, struct error *err)
{
	int r = 0;

	if (child->target.kind == RUN_JOIN_ROOT)
		return 0;
	if (lacks_private(child))
		r = run_private_mount_dev(&child->spec.job,
					  child->options->use_ipc_namespace,
					  err);
	if (r < 0)
		return r;
	if (child->options->use_ipc_namespace &&
	    child->spec.job.has_minimal_dev)
		run_dev_mount_mqueue();
	if (child->options->use_net_namespace)
		run_net_start_loopback();
	if (child->spec.job.hostname &&
	    sethostname(child->spec.job.hostname,
			strlen(child->spec.job.hostname)) < 0)
		return error_set_errno(err, -errno,
				       "cannot set the host name %.64s",
				       child->spec.job.hostname);
	return 0;
}
