/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two user namespaces, one within the other.  In the first one we are root and
 * mount.  In the second one the job has its own ids again, and so have the
 * mount, pid, ipc and uts namespaces that belong to it: another process of the
 * user can enter them (nsenter -U -m -p, condor_ssh_to_job), while the mounts
 * of the first one are locked for everybody.
 *
 * With a pid namespace a second process is made, the namespace's first, as a
 * child of the caller's (CLONE_PARENT); the runner ends.  So the caller has one
 * child at any time that matters.
 */
#include "run/run_child.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "run/run.h"
#include "run/run_child_state.h"
#include "run/run_environment.h"
#include "run/run_exec.h"
#include "run/run_idle.h"
#include "run/run_idmap.h"
#include "run/run_init.h"
#include "run/run_inner.h"
#include "run/run_join.h"
#include "run/run_layer.h"
#include "run/run_message.h"
#include "run/run_mount.h"
#include "run/run_root.h"
#include "run/run_signal.h"
#include "run/run_spec.h"
#include "run/run_user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The job must not outlive the caller.  The order matters: a caller that died
 * before prctl() has closed its end by the poll(). */
static void follow_caller(int socket)
{
	struct pollfd pollfd = { .fd = socket };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&pollfd, 1, 0) > 0 && pollfd.revents & (POLLHUP | POLLERR))
		_exit(RUN_EXIT_FAILURE);
}

/* Whether there are further ids for a fake root. */
static bool loads_idmap(struct run_child *child)
{
	struct run_user user;

	if (child->is_privileged || !child->options->is_fake_root ||
	    child->options->has_one_id)
		return false;
	run_user_load(child->user.uid, child->user.gid, &user);
	return run_idmap_load(&user, &child->idmap);
}

static int enter_namespaces(struct run_child *child, struct error *err)
{
	child->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (child->proc_fd < 0)
		return error_set_errno(err, -errno, "cannot open /proc");
	child->is_privileged = run_user_is_privileged();
	if (child->target.kind != 0)
		return run_join_enter(&child->target, child->is_privileged,
				      err);
	if (loads_idmap(child))
		return run_idmap_unshare(child->proc_fd, CLONE_NEWNS,
					 &child->idmap, err);
	if (!child->is_privileged)
		return run_user_unshare(child->proc_fd, CLONE_NEWNS, 0, 0, err);
	if (unshare(CLONE_NEWNS) < 0)
		return error_set_errno(err, -errno,
				       "cannot make a mount namespace");
	return 0;
}

static int mount_image(struct run_child *child, struct error *err)
{
	autoclose int fuse_fd = -1;
	int r;

	child->root.is_mapped = !child->is_privileged;
	child->root.has_ipc = child->options->use_ipc_namespace;
	if (child->target.kind != 0) {
		/* the job comes next, unasked; with a root, all is there */
		return child->target.kind == RUN_JOIN_IMAGE
			       ? run_root_take_fuse(&child->root, err)
			       : 0;
	} else if (child->options->root_directory) {
		r = run_root_open_directory(
			&child->root, child->options->root_directory, err);
		if (r < 0)
			return r;
	} else {
		fuse_fd = run_root_mount_fuse(&child->root, err);
		if (fuse_fd < 0)
			return fuse_fd;
	}
	for (unsigned i = 0; i < child->options->layer_count; i++) {
		r = run_layer_mount(&child->root.layers,
				    child->options->layers[i], child->root.dir,
				    child->life_fd, child->socket, err);
		if (r < 0)
			return r;
	}
	r = run_message_send(child->socket, RUN_MESSAGE_MOUNTED, NULL, 0,
			     fuse_fd);
	if (r < 0)
		return error_set_errno(err, r, "cannot answer the caller");
	return 0;
}

/* Ends the process when the caller changed its mind. */
static int receive(const struct run_child *child,
		   enum run_message_type expected, struct buffer *body,
		   int *ret_fd)
{
	enum run_message_type type;
	int r;

	r = run_message_receive(child->socket, -1, body, &type, ret_fd);
	if (r == -ECONNRESET)
		_exit(RUN_EXIT_FAILURE);
	if (r < 0)
		return r;
	return type == expected ? 0 : -EPROTO;
}

/* Before process 1 looks at its namespaces, or speaks on the same socket. */
static void await_filling(struct run_child *child)
{
	char byte;

	/* nothing comes from a runner that has failed */
	if (child->filled_fd >= 0 &&
	    TEMP_FAILURE_RETRY(read(child->filled_fd, &byte, 1)) != 1)
		_exit(RUN_EXIT_FAILURE);
	child->filled_fd = -1;
}

__attribute__((noreturn)) static void fail(struct run_child *child,
					   const struct error *err,
					   int exit_code)
{
	await_filling(child);
	run_message_fail(child->socket, err, exit_code);
	_exit(exit_code);
}

static int receive_target(struct run_child *child, struct buffer *body,
			  struct error *err)
{
	struct run_message_target message;
	int r;

	r = receive(child, RUN_MESSAGE_TARGET, body, &child->target.fd);
	if (r == 0 && body->size != sizeof(message))
		r = -EPROTO;
	if (r < 0)
		return error_set_errno(err, r, "cannot hear the caller");
	memcpy(&message, body->data, sizeof(message));
	child->target.kind = (enum run_join)message.kind;
	child->target.has_pid_namespace = message.has_pid_namespace;
	child->target.has_ipc_namespace = message.has_ipc_namespace;
	child->target.offers_root = message.offers_root;
	return 0;
}

static int receive_job(struct run_child *child, struct buffer *body,
		       struct error *err)
{
	int r = receive(child, RUN_MESSAGE_JOB, body, NULL);

	if (r == 0)
		r = run_spec_decode(body->data, body->size, &child->spec);
	if (r < 0)
		return error_set_errno(err, r, "cannot receive the job");
	return 0;
}

/* What all processes of the job have in common; see run_guard_set(). */
static int open_mark(const struct run_child *child)
{
	const char *path = "self/ns/user";

	if (child->is_privileged || child->target.kind == RUN_JOIN_ROOT)
		path = "self/ns/uts";
	else if (child->target.kind != 0)
		path = "self/ns/mnt";
	return openat(child->proc_fd, path, O_RDONLY | O_CLOEXEC);
}

/* As root, real or its own, the capabilities stay, as with apptainer: see
 * docs/runner.md. */
static bool keeps_power(const struct run_child *child)
{
	return child->is_privileged || child->options->is_fake_root;
}

static int give_up_power(struct run_child *child, struct error *err)
{
	int r = 0;

	if (keeps_power(child))
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	else if (!child->has_no_power)
		r = run_user_drop_power(err);
	child->has_no_power = !keeps_power(child);
	return r;
}

static int tell_environment(const struct run_child *child)
{
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	int r = 0;

	for (const char *const *e = child->spec.job.envp; r == 0 && *e; e++)
		r = buffer_append(&text, *e, strlen(*e) + 1);
	return r < 0 ? r
		     : run_message_send(child->socket, RUN_MESSAGE_ENVIRONMENT,
					text.data, text.size, -1);
}

__attribute__((noreturn)) static void become_job(struct run_child *child)
{
	int namespace_fd;
	struct error err;
	int exit_code = RUN_EXIT_FAILURE;
	int r;

	await_filling(child);
	r = give_up_power(child, &err);
	if (r == 0)
		r = run_exec_enter_cwd(
			&child->spec.job,
			child->host_cwd[0] ? child->host_cwd : NULL, &err);
	if (r == 0)
		r = run_environment_make(&child->spec.job, &child->made, &err);
	if (r < 0)
		fail(child, &err, exit_code);
	umask(child->spec.job.has_default_umask ? 022 : child->umask);
	run_signal_restore(child->signals);
	/* Changed ids clear it. */
	follow_caller(child->socket);
	namespace_fd = open_mark(child);
	if (!child->spec.job.argv[0] && tell_environment(child) < 0)
		_exit(RUN_EXIT_FAILURE);
	r = run_message_send(child->socket, RUN_MESSAGE_EXECUTING, NULL, 0,
			     namespace_fd);
	if (r < 0)
		_exit(RUN_EXIT_FAILURE);
	if (!child->spec.job.argv[0])
		run_idle_be();
	run_exec(&child->spec.job, &exit_code, &err);
	fail(child, &err, exit_code);
}

/* A new one if the host's is not masked, as in many containers; the host's own
 * is there already. */
static void mount_proc(void)
{
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    NULL);
}

__attribute__((noreturn)) static void be_first(struct run_child *child)
{
	struct run_signal_state before;
	struct error err;
	int signal_fd;
	pid_t job;

	follow_caller(child->socket);
	/* The joined namespace has a process 1. */
	if (child->target.kind == RUN_JOIN_ROOT)
		become_job(child);
	mount_proc();
	if (run_inner_fill_directories(child, &err) < 0)
		fail(child, &err, RUN_EXIT_FAILURE);
	if (child->options->has_no_init)
		become_job(child);
	/* for both, where nothing is kept; else the job's root is its own */
	if (!keeps_power(child) && give_up_power(child, &err) < 0)
		fail(child, &err, RUN_EXIT_FAILURE);
	run_signal_block(&before);
	signal_fd = run_signal_open();
	job = signal_fd < 0 ? -1 : fork();
	if (job < 0) {
		error_set_errno(&err, signal_fd < 0 ? signal_fd : -errno,
				"cannot start the job");
		fail(child, &err, RUN_EXIT_FAILURE);
	}
	if (job == 0)
		become_job(child);
	run_init_serve(job, signal_fd);
}

/* Returns when the runner has done its part to fill the namespaces. */
static int start_first(struct run_child *child, struct error *err)
{
	autoclose int filled_fd = -1;
	int32_t pid;
	int fds[2];
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, -errno,
				       "cannot start a pid namespace");
	filled_fd = fds[1];
	pid = run_init_fork();
	if (pid == 0) {
		close(STEAL_FD(filled_fd));
		child->filled_fd = fds[0];
		be_first(child);
	}
	close(fds[0]);
	if (pid < 0)
		return error_set_errno(err, -errno,
				       "cannot start a pid namespace");
	r = run_message_send(child->socket, RUN_MESSAGE_FORKED, &pid,
			     sizeof(pid), -1);
	if (r < 0)
		return error_set_errno(err, r, "cannot answer the caller");
	r = run_inner_fill(child, err);
	if (r == 0 && TEMP_FAILURE_RETRY(write(filled_fd, "", 1)) != 1)
		r = error_set_errno(err, -errno, "process 1 is gone");
	return r;
}

/* Whether the runner stays outside of a pid namespace. */
static bool starts_first(const struct run_child *child)
{
	if (child->target.kind == RUN_JOIN_ROOT)
		return child->target.has_pid_namespace;
	return child->options->use_pid_namespace;
}

/* Before the job's own namespaces copy it.  Failures are passed over: this job
 * has what it needs. */
static void offer_root(const struct run_child *child)
{
	autoclose int fd =
		openat(child->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)run_message_send(child->socket, RUN_MESSAGE_ROOT, NULL, 0,
				       fd);
}

/* A joined root is one already. */
static int make_root(struct run_child *child, struct error *err)
{
	const char *host_cwd = child->host_cwd[0] ? child->host_cwd : NULL;
	int r = 0;

	if (child->target.kind == RUN_JOIN_READY)
		return 0;
	child->root.path.waits_for_private = child->target.offers_root;
	if (child->options->is_kept)
		r = run_root_leave_image(&child->root, err);
	if (r == 0)
		r = run_root_assemble(&child->root, &child->spec.job,
				      &child->user, host_cwd, err);
	if (r == 0)
		r = run_root_enter(&child->root, child->spec.job.is_writable,
				   err);
	if (r == 0 && child->root.path.waits_for_private)
		offer_root(child);
	return r;
}

static int set_up(struct run_child *child, struct buffer *body,
		  struct error *err)
{
	int r = 0;

	child->user.uid = geteuid();
	child->user.gid = getegid();
	if (child->options->is_undecided) {
		/* While the caller asks for the image and its instance. */
		run_user_load(child->user.uid, child->user.gid, &child->user);
		r = receive_target(child, body, err);
	}
	if (r == 0)
		r = enter_namespaces(child, err);
	if (r == 0 && child->target.kind == 0)
		r = run_mount_leave_host(err);
	if (r == 0)
		r = mount_image(child, err);
	if (r < 0)
		return r;
	/* The caller is busy with the image meanwhile.  Never within an image,
	 * whose own name services would answer. */
	if (!child->options->is_undecided)
		run_user_load(child->user.uid, child->user.gid, &child->user);
	r = receive_job(child, body, err);
	if (r < 0 || child->target.kind == RUN_JOIN_ROOT)
		return r;
	if (child->options->is_fake_root) {
		child->user.uid = 0;
		child->user.gid = 0;
	}
	r = make_root(child, err);
	return r < 0 ? r : run_inner_enter(child, err);
}

void run_child_main(const struct run_options *options, int socket, int life_fd,
		    const struct run_signal_state *signals)
{
	struct buffer body = BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	struct run_child child = {
		.options = options,
		.signals = signals,
		.socket = socket,
		.life_fd = life_fd,
		.proc_fd = -1,
		.filled_fd = -1,
		.root = RUN_ROOT_INIT,
		.target = { .fd = -1 },
	};
	struct error err;

	follow_caller(socket);
	if (options->is_kept)
		run_idle_leave_standard_io();
	child.umask = umask(022);
	if (!getcwd(child.host_cwd, sizeof(child.host_cwd)) ||
	    child.host_cwd[0] != '/')
		child.host_cwd[0] = '\0';
	if (set_up(&child, &body, &err) < 0)
		fail(&child, &err, RUN_EXIT_FAILURE);
	if (starts_first(&child)) {
		if (start_first(&child, &err) < 0)
			fail(&child, &err, RUN_EXIT_FAILURE);
		_exit(0);
	}
	if (run_inner_fill_directories(&child, &err) < 0 ||
	    run_inner_fill(&child, &err) < 0)
		fail(&child, &err, RUN_EXIT_FAILURE);
	become_job(&child);
}
