/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_child.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS_MAX = 1000, GRACE_MS = 5000, REST_TICK_MS = 20 };

static volatile sig_atomic_t is_interrupted;

static void note_signal(int number)
{
	(void)number;
	is_interrupted = 1;
}

void bench_child_catch_signals(void)
{
	const struct sigaction action = { .sa_handler = note_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void become(const char *const *argv)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 &&
	    dup2(null_fd, STDOUT_FILENO) >= 0)
		execv("/proc/self/exe", (char *const *)argv);
	_exit(127);
}

/* Until the process behind @pid_fd has ended; -ETIMEDOUT, -EINTR. */
static int wait_for_end(int pid_fd, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd fds = { .fd = pid_fd, .events = POLLIN };
		int64_t left_ms = deadline_ms - clock_ms();
		int r;

		if (is_interrupted)
			return -EINTR;
		if (left_ms <= 0)
			return -ETIMEDOUT;
		r = poll(&fds, 1,
			 (int)(left_ms < POLL_MS_MAX ? left_ms : POLL_MS_MAX));
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

/* A lazyrun that is told to end takes its job along. */
static void end_child(pid_t pid, int pid_fd)
{
	struct pollfd fds = { .fd = pid_fd, .events = POLLIN };

	kill(pid, SIGTERM);
	if (pid_fd < 0 || poll(&fds, 1, GRACE_MS) <= 0)
		kill(pid, SIGKILL);
}

int bench_child_run(const char *const *argv, int64_t timeout_ms, double *ret_ms,
		    struct error *err)
{
	const int64_t start_us = clock_us();
	autoclose int pid_fd = -1;
	int status = 0;
	pid_t pid;
	int r;

	/* what a run leaves behind is ours: bench_child_wait_rest() */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid < 0)
		return error_set_errno(err, -errno, "cannot fork");
	if (pid == 0)
		become(argv);
	pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	r = pid_fd < 0 ? -errno
		       : wait_for_end(pid_fd, start_us / 1000 + timeout_ms);
	if (r < 0)
		end_child(pid, pid_fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret_ms = (double)(clock_us() - start_us) / 1000.0;
	if (r == -ETIMEDOUT)
		return error_set(err, r,
				 "a run lasted longer than %lld s; --timeout "
				 "allows more",
				 (long long)timeout_ms / 1000);
	if (r < 0)
		return error_set_errno(err, r, "waiting for a run");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* Reap what has ended; false when nothing is left. */
static bool reap(void)
{
	pid_t pid;

	do {
		pid = waitpid(-1, NULL, WNOHANG);
	} while (pid > 0);
	return pid == 0 || errno != ECHILD;
}

static void kill_rest(void)
{
	FILE *children = fopen("/proc/thread-self/children", "re");
	int pid;

	if (!children)
		return;
	while (fscanf(children, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	fclose(children);
}

void bench_child_wait_rest(int64_t timeout_ms)
{
	int64_t deadline_ms = clock_ms() + timeout_ms;

	while (reap()) {
		if (is_interrupted || clock_ms() >= deadline_ms) {
			kill_rest();
			if (clock_ms() >= deadline_ms + GRACE_MS)
				return;
		}
		poll(NULL, 0, REST_TICK_MS);
	}
}
