/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_init.h"

#include "run/run.h"
#include "run/run_signal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_others(int fd)
{
	assert(fd > STDERR_FILENO);
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, UINT_MAX, 0);
}

static void reap(pid_t job)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == job)
			_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status)
						  : WEXITSTATUS(status));
		if (pid == 0 || (pid < 0 && errno != EINTR))
			return;
	}
}

pid_t run_init_fork(void)
{
	unsigned long flags = CLONE_PARENT | SIGCHLD;

#if defined(__s390__)
	return (pid_t)syscall(SYS_clone, NULL, flags, NULL, NULL, 0);
#else
	return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0);
#endif
}

void run_init_serve(pid_t job, int signal_fd)
{
	struct signalfd_siginfo info;

	/* The caller's pipes belong to the job alone. */
	close_others(signal_fd);
	prctl(PR_SET_NAME, "lazyrun-init");
	for (;;) {
		reap(job);
		if (run_signal_read(signal_fd, &info) < 0)
			_exit(RUN_EXIT_FAILURE);
		run_signal_pass(&info, job);
	}
}
