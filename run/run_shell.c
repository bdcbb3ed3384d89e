/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_shell.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/shell_script.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char shell[] = "/bin/sh";

/* Behind the last variable: a shell that ended early did not print it. */
static const char end_mark[] = "LAZYRUN_END=1";

bool run_shell_exists(void)
{
	return access(shell, X_OK) == 0;
}

__attribute__((noreturn)) static void become_shell(const char *const *argv,
						   const char *const *envp,
						   int output)
{
	int input = open("/dev/null", O_RDONLY);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	if (input > STDIN_FILENO)
		dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	execve(shell, (char *const *)argv, (char *const *)envp);
	_exit(127);
}

static int read_output(int fd, struct buffer *ret)
{
	const int64_t deadline_us =
		clock_us() + (int64_t)RUN_SHELL_TIMEOUT_MS * 1000;

	for (;;) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		int64_t left_us = deadline_us - clock_us();
		char piece[4096];
		ssize_t n;
		int r;

		if (left_us <= 0)
			return -ETIMEDOUT;
		r = poll(&pollfd, 1, (int)(left_us / 1000) + 1);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = buffer_append(ret, piece, (size_t)n);
		if (r < 0)
			return r;
	}
}

/* The caller may have had its children reaped by the kernel. */
static int wait_for(pid_t pid, const struct sigaction *child)
{
	int r;

	do {
		r = waitpid(pid, NULL, 0) < 0 ? -errno : 0;
	} while (r == -EINTR);
	sigaction(SIGCHLD, child, NULL);
	return r;
}

static int run(const char *const *argv, const struct variable_list *variables,
	       struct buffer *ret)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	autofree const char **envp = NULL;
	autoclose int output = -1;
	struct sigaction child;
	int fds[2];
	pid_t pid;
	int r = variable_list_to_environment(variables, &envp);

	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	output = fds[0];
	sigaction(SIGCHLD, &by_default, &child);
	pid = fork();
	r = -errno;
	if (pid == 0)
		become_shell(argv, envp, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		sigaction(SIGCHLD, &child, NULL);
		return r;
	}
	r = read_output(output, ret);
	if (r < 0)
		kill(pid, SIGKILL);
	(void)wait_for(pid, &child);
	return r;
}

int run_shell_substitute(void *arg, const char *command,
			 const struct variable_list *variables,
			 struct buffer *ret)
{
	const char *const argv[] = { shell, "-c", command, NULL };
	size_t before = ret->size;
	int r;

	(void)arg;
	if (!run_shell_exists())
		return -ENOTSUP;
	r = run(argv, variables, ret);
	if (r < 0)
		return r;
	/* As shells do: no NUL, no newlines at the end. */
	for (size_t i = before; i < ret->size; i++)
		if (ret->data[i] == '\0')
			ret->data[i] = ' ';
	while (ret->size > before && ret->data[ret->size - 1] == '\n')
		ret->size--;
	return 0;
}

/* A shell's own variables are none of the script's. */
static void drop_shells_own(struct variable_list *variables,
			    const struct variable_list *before)
{
	static const char *const names[] = { "SHLVL", "_", "OLDPWD",
					     "LAZYRUN_END" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!variable_list_find(before, names[i], strlen(names[i])))
			variable_list_unset(variables, names[i],
					    strlen(names[i]));
}

static int take_exports(const struct buffer *output,
			struct variable_list *variables, struct error *err)
{
	struct variable_list new = { 0 };
	const struct shell_expand expand = { .variables = &new };
	int r = shell_script_run((const char *)output->data, &expand, err);

	if (r == 0) {
		struct variable_list old = *variables;

		drop_shells_own(&new, variables);
		*variables = new;
		new = old;
	}
	variable_list_fini(&new);
	return r;
}

int run_shell_source(const char *path, struct variable_list *variables,
		     struct error *err)
{
	/* The image's script runs as if a shell had sourced it. */
	static const char program[] =
		". \"$0\" 1>&2; export -p; echo export LAZYRUN_END=1";
	const char *const argv[] = { shell, "-c", program, path, NULL };
	struct buffer output CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_SHELL_OUTPUT_MAX);
	int r = run(argv, variables, &output);

	if (r == 0)
		r = buffer_terminate(&output);
	if (r < 0)
		return error_set_errno(
			err, r, "the image's script %s cannot be run", path);
	if (!strstr((const char *)output.data, end_mark))
		return error_set(err, -ECHILD,
				 "the image's script %s ended its shell", path);
	r = take_exports(&output, variables, err);
	if (r < 0)
		return error_prefix(
			err, r, "what the image's script %s exported", path);
	return 0;
}
