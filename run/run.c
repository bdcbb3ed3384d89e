/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side.  The runner's is run_child.c.
 *
 * One socket pair carries everything.  Its runner's end closes with the job's
 * execve(), the caller's end with the caller: so each notices the other's end
 * without a timeout.  Waiting for the job's end is run_wait.c.
 */
#include "run/run.h"

#include "common/buffer.h"
#include "common/error.h"
#include "run/run_child.h"
#include "run/run_guard.h"
#include "run/run_message.h"
#include "run/run_signal.h"
#include "run/run_spec.h"
#include "run/run_state.h"
#include "run/run_user.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	/* Namespaces and a mount take a millisecond. */
	SPAWN_TIMEOUT_MS = 10000,
	/* What run_fuse2fs.c waits for, and more. */
	FUSE2FS_START_MS = 20000,
	FUSE2FS_END_MS = 7000,
};

static int take_failure(const struct buffer *body, int *ret_exit,
			struct error *err)
{
	struct run_message_failure failure;

	if (body->size != sizeof(failure))
		return error_set(err, -EPROTO, "the runner sent nonsense");
	memcpy(&failure, body->data, sizeof(failure));
	failure.text[sizeof(failure.text) - 1] = '\0';
	if (failure.code >= 0)
		return error_set(err, -EPROTO, "the runner sent nonsense");
	*ret_exit = failure.exit_code;
	return error_set(err, failure.code, "%s", failure.text);
}

/* Waits for the child; 0 with its status taken, or negative errno. */
static int reap(struct run *run)
{
	pid_t pid;

	assert(run->pid > 0);
	do {
		pid = waitpid(run->pid, &run->status, 0);
	} while (pid < 0 && errno == EINTR);
	run->pid = 0;
	return pid < 0 ? -errno : 0;
}

/* What is there to say when the runner is gone without a word. */
static int say_gone(struct run *run, struct error *err)
{
	if (run->pid > 0 && reap(run) == 0 && WIFSIGNALED(run->status))
		return error_set(err, -EINTR,
				 "signal %d ended the runner before the "
				 "command was started",
				 WTERMSIG(run->status));
	return error_set(err, -EIO,
			 "the runner ended before the command was started");
}

/* The runner did not wait for what was to be sent: what it said last tells. */
static int say_last_words(struct run *run, int *ret_exit, struct error *err)
{
	struct buffer body CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	autoclose int fd = -1;
	enum run_message_type type;

	while (run_message_receive(run->socket, 0, &body, &type, &fd) == 0) {
		if (type == RUN_MESSAGE_FAILED)
			return take_failure(&body, ret_exit, err);
		if (fd >= 0)
			close(STEAL_FD(fd));
	}
	return say_gone(run, err);
}

/* False when there is no place for it. */
static bool keep_layer(struct run *run)
{
	if (run->layer_count == RUN_LAYERS_MAX)
		return false;
	run->layer_fds[run->layer_count++] = STEAL_FD(run->fuse_fd);
	return true;
}

static int await_mount(struct run *run, struct error *err)
{
	struct buffer body CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	int timeout_ms = run->life_fd < 0 ? SPAWN_TIMEOUT_MS : FUSE2FS_START_MS;
	enum run_message_type type;
	int exit_code;
	int r;

	do {
		r = run_message_receive(run->socket, timeout_ms, &body, &type,
					&run->fuse_fd);
	} while (r == 0 && type == RUN_MESSAGE_LAYER && keep_layer(run));
	if (r == -ECONNRESET)
		return say_gone(run, err);
	if (r < 0)
		return error_set_errno(err, r, "the runner does not answer");
	if (type == RUN_MESSAGE_FAILED)
		return take_failure(&body, &exit_code, err);
	if (type != RUN_MESSAGE_MOUNTED)
		return error_set(err, -EPROTO, "the runner sent nonsense");
	return 0;
}

static bool needs_fuse2fs(const struct run_options *options)
{
	for (unsigned i = 0; i < options->layer_count; i++)
		if (options->layers[i])
			return true;
	return false;
}

static int fork_runner(struct run *run, const struct run_options *options,
		       struct error *err)
{
	struct run_signal_state signals;
	int lives[2] = { -1, -1 };
	int sockets[2];

	if (needs_fuse2fs(options) &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, lives) < 0)
		return error_set_errno(err, -errno, "cannot make a socket");
	run->life_fd = lives[0];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
		if (lives[1] >= 0)
			close(lives[1]);
		return error_set_errno(err, -errno, "cannot make a socket");
	}
	pthread_sigmask(SIG_SETMASK, NULL, &signals.mask);
	sigaction(SIGCHLD, NULL, &signals.child);
	run->pid = fork();
	if (run->pid == 0) {
		close(sockets[0]);
		if (lives[0] >= 0)
			close(lives[0]);
		run_child_main(options, sockets[1], lives[1], &signals);
	}
	run->socket = sockets[0];
	close(sockets[1]);
	if (lives[1] >= 0)
		close(lives[1]);
	if (run->pid < 0)
		return error_set_errno(err, -errno, "cannot fork");
	return 0;
}

/* Process 1 of a pid namespace takes everything with it; but not the jobs of
 * others. */
static int start_guard(struct run *run, struct error *err)
{
	return run->has_pid_namespace && !run->is_kept
		       ? 0
		       : run_guard_start(run->pid, &run->guard, err);
}

int run_spawn(const struct run_options *options, struct run **ret,
	      struct error *err)
{
	CLEANUP(run_destroyp) struct run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return error_set(err, -ENOMEM, "out of memory");
	run->socket = -1;
	run->life_fd = -1;
	run->fuse_fd = -1;
	run->environment = (struct buffer)BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	run->watch.fd = -1;
	run->mark_fd = -1;
	run->guard.fd = -1;
	run->signal_fd = -1;
	run->maps_ids = !run_user_is_privileged();
	r = fork_runner(run, options, err);
	run->has_pid_namespace = options->use_pid_namespace;
	run->is_kept = options->is_kept;
	/* While the runner mounts. */
	if (r == 0 && !options->is_undecided)
		r = start_guard(run, err);
	if (r == 0 && !options->is_undecided)
		r = await_mount(run, err);
	if (r < 0)
		return r;
	*ret = STEAL_PTR(run);
	return 0;
}

static int decide(struct run *run, const struct run_message_target *target,
		  int fd, struct error *err)
{
	int r = run_message_send(run->socket, RUN_MESSAGE_TARGET, target,
				 sizeof(*target), fd);
	int exit_code;

	if (r == -EPIPE)
		return say_last_words(run, &exit_code, err);
	if (r < 0)
		return error_set_errno(err, r, "cannot speak to the runner");
	return 0;
}

int run_mount(struct run *run, struct error *err)
{
	int r = decide(run, &(struct run_message_target){ 0 }, -1, err);

	if (r == 0)
		r = start_guard(run, err);
	return r < 0 ? r : await_mount(run, err);
}

int run_join(struct run *run, const struct run_target *target,
	     struct error *err)
{
	const struct run_message_target message = {
		.kind = target->kind,
		.has_pid_namespace = target->has_pid_namespace,
		.has_ipc_namespace = target->has_ipc_namespace,
		.offers_root = target->offers_root,
	};

	int r = decide(run, &message, target->fd, err);

	if (r < 0)
		return r;
	if (!run->watch.mark)
		return start_guard(run, err);
	run->is_reaper = target->kind != RUN_JOIN_ROOT &&
			 prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
	return 0;
}

const char *run_get_environment(const struct run *run, size_t *ret_size)
{
	*ret_size = run->environment.size;
	return (const char *)run->environment.data;
}

pid_t run_get_pid(const struct run *run)
{
	return run->pid;
}

const struct run_guard *run_get_guard(const struct run *run)
{
	return &run->guard;
}

int run_open_image(const struct run *run)
{
	char path[64];
	int fd;

	if (run->pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", run->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int run_open_root(const struct run *run)
{
	int fd = run->pid > 0 ? pidfd_open(run->pid, 0) : -1;

	if (run->pid <= 0)
		return -ESRCH;
	return fd < 0 ? -errno : fd;
}

int run_take_fuse_fd(struct run *run)
{
	return STEAL_FD(run->fuse_fd);
}

int run_take_layer_fd(struct run *run, unsigned i)
{
	assert(i < run->layer_count);
	return STEAL_FD(run->layer_fds[i]);
}

bool run_maps_ids(const struct run *run)
{
	return run->maps_ids;
}

void run_watch(struct run *run, const struct run_watch *watch)
{
	run->watch = *watch;
}

/* A signal that comes now is the runner's too: it has the default actions, and
 * its end is noticed on the socket. */
static int await_message(struct run *run, struct buffer *body,
			 enum run_message_type *ret_type, int *ret_fd)
{
	struct pollfd pollfds[] = {
		{ .fd = run->socket, .events = POLLIN },
		{ .fd = run->signal_fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(pollfds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (pollfds[0].revents)
			return run_message_receive(run->socket, 0, body,
						   ret_type, ret_fd);
		if (pollfds[1].revents & POLLIN &&
		    run_signal_read(run->signal_fd, &info) == 0)
			run_signal_pass(&info, run->pid);
	}
}

/* The runner has made the namespace's process 1, fills the namespaces and ends.
 */
static int follow_first(struct run *run, const struct buffer *body,
			struct error *err)
{
	int32_t pid;

	if (body->size != sizeof(pid))
		return error_set(err, -EPROTO, "the runner sent nonsense");
	memcpy(&pid, body->data, sizeof(pid));
	(void)reap(run);
	run->pid = pid;
	run->has_first = true;
	return 0;
}

static void take_mark(struct run *run, int fd)
{
	if (run->watch.mark && run->mark_fd < 0) {
		run->watch.mark(run->watch.arg, fd);
		run->mark_fd = fd;
		return;
	}
	run_guard_set(&run->guard, fd);
	close(fd);
}

static int await_start(struct run *run, int *ret_exit, struct error *err)
{
	struct buffer body CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	bool is_executing = false;

	for (;;) {
		autoclose int fd = -1;
		enum run_message_type type;
		int r = await_message(run, &body, &type, &fd);

		if (r == -ECONNRESET && is_executing)
			return 0;
		if (r == -ECONNRESET)
			return say_gone(run, err);
		if (r < 0)
			return error_set_errno(err, r,
					       "the runner does not answer");
		if (type == RUN_MESSAGE_FAILED)
			return take_failure(&body, ret_exit, err);
		is_executing = type == RUN_MESSAGE_EXECUTING;
		if (is_executing && fd >= 0)
			take_mark(run, STEAL_FD(fd));
		else if (type == RUN_MESSAGE_ENVIRONMENT)
			r = buffer_append(&run->environment, body.data,
					  body.size);
		else if (type == RUN_MESSAGE_FORKED)
			r = follow_first(run, &body, err);
		else if (type == RUN_MESSAGE_ROOT && run->watch.offer)
			run->watch.offer(run->watch.arg, fd);
		if (r < 0)
			return r;
	}
}

static int send_job(struct run *run, const struct run_job *job, int *ret_exit,
		    struct error *err)
{
	struct buffer body CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	int r = run_spec_encode(job, &body, err);

	if (r < 0)
		return r;
	r = run_message_send(run->socket, RUN_MESSAGE_JOB, body.data, body.size,
			     -1);
	if (r == -EPIPE)
		return say_last_words(run, ret_exit, err);
	if (r < 0)
		return error_set_errno(err, r, "cannot pass the job on");
	return 0;
}

int run_start(struct run *run, const struct run_job *job, int *ret_exit,
	      struct error *err)
{
	int r;

	assert(run->socket >= 0 && run->pid > 0 && !run->has_blocked);
	*ret_exit = RUN_EXIT_FAILURE;
	run_signal_block(&run->signals);
	run->has_blocked = true;
	run->signal_fd = run_signal_open();
	if (run->signal_fd < 0)
		return error_set_errno(err, run->signal_fd,
				       "cannot watch for signals");
	r = send_job(run, job, ret_exit, err);
	if (r == 0)
		r = await_start(run, ret_exit, err);
	close(STEAL_FD(run->socket));
	return r;
}

/* fuse2fs is told, and waited for. */
static void end_fuse2fs(struct run *run)
{
	struct pollfd pollfd = { .fd = run->life_fd, .events = POLLIN };

	if (run->life_fd < 0)
		return;
	shutdown(run->life_fd, SHUT_WR);
	(void)poll(&pollfd, 1, FUSE2FS_END_MS);
	close(run->life_fd);
}

void run_destroy(struct run *run)
{
	if (!run)
		return;
	if (run->pid > 0) {
		kill(run->pid, SIGKILL);
		(void)reap(run);
	}
	if (run->socket >= 0)
		close(run->socket);
	end_fuse2fs(run);
	if (run->fuse_fd >= 0)
		close(run->fuse_fd);
	for (unsigned i = 0; i < run->layer_count; i++)
		if (run->layer_fds[i] >= 0)
			close(run->layer_fds[i]);
	buffer_fini(&run->environment);
	if (run->signal_fd >= 0)
		close(run->signal_fd);
	if (run->is_lost)
		run_guard_loose(&run->guard);
	run_guard_stop(&run->guard);
	if (run->is_lost && run->mark_fd >= 0)
		run_guard_kill(run->mark_fd);
	if (run->mark_fd >= 0)
		close(run->mark_fd);
	if (run->is_reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	if (run->has_blocked)
		run_signal_restore(&run->signals);
	free(run);
}
