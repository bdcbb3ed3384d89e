/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing tells the end of a joined job's background processes: their FUSE
 * mount is the instance's.  An inotify watch on their root would, but to close
 * one costs milliseconds.  So the caller becomes the parent of those whose own
 * has ended, and waits for them as for any child.
 */
#include "run/run.h"

#include "common/error.h"
#include "run/run_signal.h"
#include "run/run_state.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_terminal_stop(int signal)
{
	return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* When a terminal stopped the job (Ctrl-Z), we stop as well: the shell waits
 * for us. */
static void take_status(struct run *run, int status)
{
	if (!WIFSTOPPED(status)) {
		run->status = status;
		run->pid = 0;
	} else if (is_terminal_stop(WSTOPSIG(status))) {
		raise(SIGSTOP);
	}
}

/* Takes notice of the job's end, and of those of orphans that are ours.
 * Process 1 does not tell its children's stops, so there the signal itself must
 * do. */
static void follow_job(struct run *run, uint32_t signal)
{
	int status;

	if (signal == SIGTSTP && run->has_first)
		raise(SIGSTOP);
	while (signal == SIGCHLD && run->pid > 0) {
		pid_t pid = waitpid(run->is_reaper ? -1 : run->pid, &status,
				    WNOHANG | WUNTRACED);

		if (pid <= 0)
			return;
		if (pid == run->pid)
			take_status(run, status);
	}
}

/* What the watched descriptor has to say. */
static void follow_watch(struct run *run)
{
	int signal = run->watch.happened(run->watch.arg);

	if (signal < 0) {
		run->watch.fd = -1;
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
			{ .fd = run->watch.fd, .events = POLLIN },
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

		if (run->watch.fd >= 0)
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

/* Whether there are orphans still. */
static bool reap_orphans(void)
{
	pid_t pid;

	do {
		pid = waitpid(-1, NULL, WNOHANG);
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	return pid == 0;
}

void run_wait_rest(struct run *run)
{
	struct run_signal_state before;
	struct signalfd_siginfo info;
	int signal_fd;

	if (!run->is_reaper || !reap_orphans())
		return;
	run_signal_block_child(&before);
	signal_fd = run_signal_open_child();
	while (signal_fd >= 0 && reap_orphans() && await(run, signal_fd))
		(void)run_signal_read(signal_fd, &info);
	if (signal_fd >= 0)
		close(signal_fd);
	run_signal_restore(&before);
}
