/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_signal.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

static const int passed[] = {
	SIGTERM, SIGINT,   SIGHUP,  SIGQUIT, SIGUSR1,
	SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP,
};

static void fill(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		sigaddset(ret, passed[i]);
}

static void fill_child(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGCHLD);
}

static void block(const sigset_t *set, struct run_signal_state *ret_before)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	pthread_sigmask(SIG_BLOCK, set, &ret_before->mask);
	sigaction(SIGCHLD, &action, &ret_before->child);
}

void run_signal_block(struct run_signal_state *ret_before)
{
	sigset_t set;

	fill(&set);
	block(&set, ret_before);
}

void run_signal_block_child(struct run_signal_state *ret_before)
{
	sigset_t set;

	fill_child(&set);
	block(&set, ret_before);
}

void run_signal_restore(const struct run_signal_state *before)
{
	sigaction(SIGCHLD, &before->child, NULL);
	pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
}

static int open_set(const sigset_t *set)
{
	int fd = signalfd(-1, set, SFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int run_signal_open(void)
{
	sigset_t set;

	fill(&set);
	return open_set(&set);
}

int run_signal_open_child(void)
{
	sigset_t set;

	fill_child(&set);
	return open_set(&set);
}

int run_signal_read(int signal_fd, struct signalfd_siginfo *ret)
{
	ssize_t n;

	do {
		n = read(signal_fd, ret, sizeof(*ret));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void run_signal_pass(const struct signalfd_siginfo *info, pid_t job)
{
	if (info->ssi_signo == SIGCHLD || info->ssi_pid == (uint32_t)job)
		return;
	/* SI_KERNEL: of the terminal, which means the whole process group. */
	if (info->ssi_code == SI_KERNEL && getpgid(job) == getpgrp())
		return;
	kill(job, (int)info->ssi_signo);
}
