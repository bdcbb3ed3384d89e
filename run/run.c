/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side.  The runner's is run_child.c.
 *
 * One socket pair carries everything.  Its runner's end closes with the job's
 * execve(), the caller's end with the caller: so each notices the other's end
 * without a timeout.
 */
#include "run/run.h"

#include "common/buffer.h"
#include "common/error.h"
#include "run/run_child.h"
#include "run/run_guard.h"
#include "run/run_message.h"
#include "run/run_signal.h"
#include "run/run_spec.h"
#include "run/run_user.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	/* Namespaces and a mount take a millisecond. */
	SPAWN_TIMEOUT_MS = 10000,
};

struct run {
	pid_t pid;  /* of the runner, then the job; 0: reaped */
	int socket; /* -1 once the job runs */
	int fuse_fd;
	int rest_fd; /* readable once no process of the job is left; or -1 */
	struct buffer environment; /* of a job without a command */
	struct run_guard guard;	   /* none with a pid namespace */
	bool maps_ids;
	bool has_first; /* the pid is of our process 1 */
	bool is_lost;	/* a watch said so */
	int watch_fd;	/* borrowed; -1: none */
	run_watch_fn *happened;
	void *watch_arg;
	int status; /* waitpid's; valid when pid is 0 */
	/* How signals were before run_start(). */
	bool has_blocked;
	struct run_signal_state signals;
	int signal_fd;
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

static int await_mount(struct run *run, struct error *err)
{
	struct buffer body CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	enum run_message_type type;
	int exit_code;
	int r;

	r = run_message_receive(run->socket, SPAWN_TIMEOUT_MS, &body, &type,
				&run->fuse_fd);
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

static int fork_runner(struct run *run, const struct run_options *options,
		       struct error *err)
{
	struct run_signal_state signals;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return error_set_errno(err, -errno, "cannot make a socket");
	pthread_sigmask(SIG_SETMASK, NULL, &signals.mask);
	sigaction(SIGCHLD, NULL, &signals.child);
	run->pid = fork();
	if (run->pid == 0) {
		close(sockets[0]);
		run_child_main(options, sockets[1], &signals);
	}
	run->socket = sockets[0];
	close(sockets[1]);
	if (run->pid < 0)
		return error_set_errno(err, -errno, "cannot fork");
	return 0;
}

int run_spawn(const struct run_options *options, struct run **ret,
	      struct error *err)
{
	CLEANUP(run_destroyp) struct run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return error_set(err, -ENOMEM, "out of memory");
	run->socket = -1;
	run->fuse_fd = -1;
	run->rest_fd = -1;
	run->environment = (struct buffer)BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	run->watch_fd = -1;
	run->guard.fd = -1;
	run->signal_fd = -1;
	run->maps_ids = !run_user_is_privileged();
	r = fork_runner(run, options, err);
	/* While the runner mounts. */
	if (r == 0 && !options->use_pid_namespace)
		r = run_guard_start(run->pid, &run->guard, err);
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

	if (r == -EPIPE)
		return say_gone(run, err);
	if (r < 0)
		return error_set_errno(err, r, "cannot speak to the runner");
	return await_mount(run, err);
}

int run_mount(struct run *run, struct error *err)
{
	return decide(run, &(struct run_message_target){ 0 }, -1, err);
}

int run_join(struct run *run, const struct run_target *target,
	     struct error *err)
{
	const struct run_message_target message = {
		.kind = target->kind,
		.has_pid_namespace = target->has_pid_namespace,
		.has_ipc_namespace = target->has_ipc_namespace,
	};

	return decide(run, &message, target->fd, err);
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

bool run_maps_ids(const struct run *run)
{
	return run->maps_ids;
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

/* The runner has made the namespace's process 1 and ends. */
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
	/* When it is gone already, the socket's end tells next. */
	(void)run_message_send(run->socket, RUN_MESSAGE_ADOPTED, NULL, 0, -1);
	return 0;
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
			run_guard_set(&run->guard, fd);
		else if (type == RUN_MESSAGE_ENVIRONMENT)
			r = buffer_append(&run->environment, body.data,
					  body.size);
		else if (type == RUN_MESSAGE_WATCH && run->rest_fd < 0)
			run->rest_fd = STEAL_FD(fd);
		else if (type == RUN_MESSAGE_FORKED)
			r = follow_first(run, &body, err);
		if (r < 0)
			return r;
	}
}

static int send_job(struct run *run, const struct run_job *job,
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
		return say_gone(run, err);
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
	r = send_job(run, job, err);
	if (r == 0)
		r = await_start(run, ret_exit, err);
	close(STEAL_FD(run->socket));
	return r;
}

static bool is_terminal_stop(int signal)
{
	return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* Takes notice of the job's end.  When a terminal stopped it (Ctrl-Z), we stop
 * as well: the shell waits for us.  Process 1 does not tell its children's
 * stops, so there the signal itself must do. */
static void follow_job(struct run *run, uint32_t signal)
{
	int status;

	if (signal == SIGTSTP && run->has_first)
		raise(SIGSTOP);
	if (signal != SIGCHLD ||
	    waitpid(run->pid, &status, WNOHANG | WUNTRACED) != run->pid)
		return;
	if (!WIFSTOPPED(status)) {
		run->status = status;
		run->pid = 0;
	} else if (is_terminal_stop(WSTOPSIG(status))) {
		raise(SIGSTOP);
	}
}

void run_watch(struct run *run, int fd, run_watch_fn *happened, void *arg)
{
	run->watch_fd = fd;
	run->happened = happened;
	run->watch_arg = arg;
}

/* What the watched descriptor has to say. */
static void follow_watch(struct run *run)
{
	int signal = run->happened(run->watch_arg);

	if (signal < 0) {
		run->watch_fd = -1;
		run->is_lost = true;
		signal = SIGKILL;
	}
	if (signal > 0 && run->pid > 0)
		kill(run->pid, signal);
}

/* Until @fd can be read, or all is lost; false then. */
static bool await(struct run *run, int fd)
{
	while (!run->is_lost || run->pid > 0) {
		struct pollfd pollfds[] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = run->watch_fd, .events = POLLIN },
		};

		if (poll(pollfds, 2, -1) < 0)
			continue;
		if (pollfds[1].revents)
			follow_watch(run);
		if (pollfds[0].revents)
			return true;
	}
	return false;
}

int run_wait(struct run *run, int *ret_status, struct error *err)
{
	struct signalfd_siginfo info;

	assert(run->has_blocked && run->socket < 0 && run->pid > 0);
	/* run_start() may have read the SIGCHLD already. */
	follow_job(run, SIGCHLD);
	while (run->pid > 0) {
		int r = 0;

		if (run->watch_fd >= 0)
			(void)await(run, run->signal_fd);
		r = run_signal_read(run->signal_fd, &info);
		if (r < 0)
			return error_set_errno(err, r,
					       "cannot wait for the job");
		run_signal_pass(&info, run->pid);
		follow_job(run, info.ssi_signo);
	}
	*ret_status = run->status;
	run_signal_restore(&run->signals);
	run->has_blocked = false;
	return 0;
}

void run_wait_rest(struct run *run)
{
	if (run->rest_fd >= 0)
		(void)await(run, run->rest_fd);
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
	if (run->fuse_fd >= 0)
		close(run->fuse_fd);
	if (run->rest_fd >= 0)
		close(run->rest_fd);
	buffer_fini(&run->environment);
	if (run->signal_fd >= 0)
		close(run->signal_fd);
	if (run->is_lost)
		run_guard_loose(&run->guard);
	run_guard_stop(&run->guard);
	if (run->has_blocked)
		run_signal_restore(&run->signals);
	free(run);
}
