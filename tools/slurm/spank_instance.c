/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between fork() and execve() only calls that are safe there: slurmstepd has
 * threads.
 */
#include "tools/slurm/spank_instance.h"

#include "tools/slurm/spank_environment.h"
#include "tools/slurm/spank_namespace.h"
#include "tools/slurm/spank_options.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	NAME_SIZE = 64,
	/* pid and environment; Linux' own bound is 6 MiB */
	TEXT_MAX = 16 << 20,
	END_TIMEOUT_MS = 5000,
};

/* Whose it is. */
struct step {
	uint32_t job_id;
	uint32_t step_id;
	uid_t uid;
	gid_t gid;
};

static void fail(struct spank_instance *instance, const char *what, int code)
{
	char text[128];

	if (instance->failure[0] == '\0')
		snprintf(instance->failure, sizeof(instance->failure), "%s: %s",
			 what, strerror_r(code, text, sizeof(text)));
}

static void format_name(spank_t spank, const struct step *step,
			char ret[NAME_SIZE])
{
	uint32_t node = 0;

	spank_get_item(spank, S_JOB_NODEID, &node);
	snprintf(ret, NAME_SIZE, "slurm-%u.%u.%u", step->job_id, step->step_id,
		 node);
}

/* The descriptors of the new process: its 0, 1 and 2. */
struct standard {
	int fds[3];
};

__attribute__((noreturn)) static void be_instance(
	const struct step *step, const struct standard *standard,
	const char *const *words, char **environment, pid_t parent)
{
	sigset_t none;
	int fds[3];

	if (!spank_namespace_join(step->job_id, step->step_id, step->uid))
		_exit(126);
	/* Only the effective ids are the user's here; groups are already. */
	if (setresgid(step->gid, step->gid, step->gid) < 0 ||
	    setresuid(step->uid, step->uid, step->uid) < 0)
		_exit(126);
	/* Changed ids clear it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	/* The tasks' signals are not its own: it ends with its input. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++) /* out of each other's way */
		fds[i] = fcntl(standard->fds[i], F_DUPFD, 10);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	execve(spank_options_program(), (char *const *)words, environment);
	dprintf(STDERR_FILENO, "%s cannot be executed: errno %d",
		spank_options_program(), errno);
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether the text ends as `--say-root` says. */
static bool is_whole(const char *text, size_t size)
{
	return size >= 2 && text[size - 1] == '\0' && text[size - 2] == '\0';
}

/* pid, NUL, variables, each with NUL, NUL; malloc'ed.  NULL: @fd ended first,
 * or the time is over. */
static char *read_answer(int fd, size_t *ret_size)
{
	int64_t deadline_ms =
		now_ms() + (int64_t)spank_options_timeout_s() * 1000;
	size_t capacity = 1 << 16;
	char *text = malloc(capacity);
	size_t size = 0;

	while (text && !is_whole(text, size)) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		int64_t left_ms = deadline_ms - now_ms();
		ssize_t n = -1;

		if (size == capacity && capacity < TEXT_MAX) {
			char *grown = realloc(text, capacity * 2);

			if (!grown)
				break;
			text = grown;
			capacity *= 2;
		}
		if (left_ms > 0 && poll(&pollfd, 1, (int)left_ms) > 0)
			n = read(fd, text + size, capacity - size);
		if (n < 0 && left_ms > 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	if (!text || !is_whole(text, size)) {
		free(text);
		return NULL;
	}
	*ret_size = size;
	return text;
}

static void open_namespaces(struct spank_instance *instance, int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	instance->user_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	instance->mount_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (instance->user_fd < 0 || instance->mount_fd < 0)
		fail(instance, "the image's namespaces cannot be opened",
		     errno);
}

/* What it said before it ended. */
static void take_failure(struct spank_instance *instance, int error_fd)
{
	char *text = instance->failure;
	ssize_t n = pread(error_fd, text, sizeof(instance->failure) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (n <= 0)
		snprintf(text, sizeof(instance->failure),
			 "the image was not ready within %d s",
			 spank_options_timeout_s());
}

static void start(struct spank_instance *instance, spank_t spank,
		  const struct step *step, char **environment)
{
	const char *words[SPANK_OPTIONS_WORDS_MAX];
	char name[NAME_SIZE];
	pid_t self = getpid();
	int input[2] = { -1, -1 };
	int output[2] = { -1, -1 };
	int error_fd = memfd_create("lazyrun", MFD_CLOEXEC);
	size_t size = 0;
	char *text;

	format_name(spank, step, name);
	spank_options_list_words(name, words);
	if (error_fd < 0 || pipe2(input, O_CLOEXEC) < 0 ||
	    pipe2(output, O_CLOEXEC) < 0) {
		fail(instance, "no pipe for lazyrun", errno);
		return;
	}
	instance->pid = fork();
	if (instance->pid == 0)
		be_instance(
			step,
			&(struct standard){ { input[0], output[1], error_fd } },
			words, environment, self);
	close(input[0]);
	close(output[1]);
	instance->lifeline_fd = input[1];
	text = instance->pid < 0 ? NULL : read_answer(output[0], &size);
	if (!text) {
		take_failure(instance, error_fd);
	} else {
		char *variables = text + strlen(text) + 1;

		open_namespaces(instance, (int)strtol(text, NULL, 10));
		spank_environment_apply(spank, environment, variables,
					text + size);
	}
	free(text);
	close(output[0]);
	close(error_fd);
}

void spank_instance_start(struct spank_instance *instance, spank_t spank)
{
	char **environment = spank_environment_copy(spank);
	struct step step;

	if (!environment ||
	    spank_get_item(spank, S_JOB_UID, &step.uid) != ESPANK_SUCCESS ||
	    spank_get_item(spank, S_JOB_GID, &step.gid) != ESPANK_SUCCESS ||
	    spank_get_item(spank, S_JOB_ID, &step.job_id) != ESPANK_SUCCESS ||
	    spank_get_item(spank, S_JOB_STEPID, &step.step_id) !=
		    ESPANK_SUCCESS)
		fail(instance, "slurm does not tell about the job", ENOMEM);
	else
		start(instance, spank, &step, environment);
	spank_environment_free(environment);
}

void spank_instance_end(struct spank_instance *instance)
{
	int64_t deadline_ms = now_ms() + END_TIMEOUT_MS;
	const struct timespec pause = { .tv_nsec = 5000000 };

	if (instance->pid <= 0)
		return;
	close(instance->lifeline_fd);
	while (waitpid(instance->pid, NULL, WNOHANG) == 0) {
		if (now_ms() > deadline_ms)
			kill(instance->pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	instance->pid = -1;
}
