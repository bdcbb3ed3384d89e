/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's name is handed over in a memfd: a pipe to a helper that does
 * not read would raise SIGPIPE.  The helper leads a process group of its own,
 * so that what it starts can be killed with it.
 */
#include "fetch/credential_helper.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/credentials.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_SIZE_MAX = 64 << 10 };

extern char **environ;

static bool is_name_harmless(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 64)
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return true;
}

static int open_question(const char *server)
{
	autoclose int fd = memfd_create("question", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = io_write_full(fd, server, strlen(server));
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return STEAL_FD(fd);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
				    POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setpgroup(attributes, 0);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	return -r;
}

static int spawn(const char *program, int question_fd, int answer_fd,
		 pid_t *ret_pid)
{
	char get[] = "get";
	char name[128];
	char *argv[] = { name, get, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r;

	snprintf(name, sizeof(name), "%s", program);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	r = posix_spawn_file_actions_adddup2(&actions, question_fd, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, answer_fd, 1);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null",
						     O_WRONLY, 0);
	if (r == 0)
		r = -set_attributes(&attributes);
	if (r == 0)
		r = posix_spawnp(ret_pid, program, &actions, &attributes, argv,
				 environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int wait_readable(int fd, int64_t deadline_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t left_ms;
	int n;

	do {
		left_ms = deadline_ms - clock_ms();
		if (left_ms <= 0)
			return -ETIMEDOUT;
		n = poll(&poll_fd, 1, (int)left_ms);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int read_answer(int fd, int64_t deadline_ms, struct buffer *answer)
{
	char part[4096];
	ssize_t n;
	int r;

	for (;;) {
		r = wait_readable(fd, deadline_ms);
		if (r < 0)
			return r;
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return buffer_terminate(answer);
		r = n > 0 ? buffer_append(answer, part, (size_t)n) : 0;
		explicit_bzero(part, sizeof(part));
		if (r < 0)
			return r;
	}
}

/* Return: 0 with the exit status, or -ETIMEDOUT and the helper is dead. */
static int reap(pid_t pid, int64_t deadline_ms, int *ret_status)
{
	autoclose int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int r = 0;

	if (pid_fd >= 0)
		r = wait_readable(pid_fd, deadline_ms);
	if (r < 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return r;
}

static int run(const char *program, const char *server, struct buffer *answer,
	       int *ret_status)
{
	int64_t deadline_ms = clock_ms() + CREDENTIAL_HELPER_TIMEOUT_MS;
	autoclose int question_fd = open_question(server);
	autoclose int answer_fd = -1;
	int ends[2];
	pid_t pid;
	int r;
	int reap_r;

	if (question_fd < 0)
		return question_fd;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	answer_fd = ends[0];
	r = spawn(program, question_fd, ends[1], &pid);
	close(ends[1]);
	if (r < 0)
		return r;
	r = read_answer(answer_fd, deadline_ms, answer);
	if (r < 0)
		kill(-pid, SIGKILL);
	reap_r = reap(pid, deadline_ms, ret_status);
	return r < 0 ? r : reap_r;
}

static int copy_secret(const char *user, const char *secret,
		       struct credentials *ret)
{
	struct credentials credentials = { 0 };
	bool is_token = strcmp(user, "<token>") == 0;

	if (is_token) {
		credentials.identity_token = strdup(secret);
	} else {
		credentials.user = strdup(user);
		credentials.password = strdup(secret);
	}
	if (is_token ? !credentials.identity_token
		     : !credentials.user || !credentials.password) {
		credentials_fini(&credentials);
		return -ENOMEM;
	}
	*ret = credentials;
	return 0;
}

static int parse_answer(const char *program, const struct buffer *answer,
			struct credentials *ret, struct error *err)
{
	const char *user = NULL;
	const char *secret = NULL;
	json_t *root;
	int r = 0;

	root = json_loadb((const char *)answer->data, answer->size, 0, NULL);
	if (!root || json_unpack(root, "{s:s, s:s}", "Username", &user,
				 "Secret", &secret) < 0)
		r = error_set(err, -EPROTO,
			      "%s did not answer with a user name and a "
			      "secret; try it: echo SERVER | %s get",
			      program, program);
	assert(r < 0 || (user && secret));
	if (r == 0 && (strlen(user) > CREDENTIALS_TEXT_MAX ||
		       strlen(secret) > CREDENTIALS_TEXT_MAX))
		r = error_set(err, -EPROTO, "%s: the answer is too long",
			      program);
	if (r == 0) {
		r = copy_secret(user, secret, ret);
		if (r < 0)
			error_set(err, r, "out of memory");
	}
	json_decref(root);
	return r;
}

static int explain_failure(const char *program, int r, struct error *err)
{
	switch (r) {
	case -ENOENT:
		return error_set(err, -EIO,
				 "%s, named in a credentials file, is not "
				 "installed or not in PATH",
				 program);
	case -ETIMEDOUT:
		return error_set(err, r, "%s did not finish within %d s",
				 program, CREDENTIAL_HELPER_TIMEOUT_MS / 1000);
	case -EFBIG:
		return error_set(err, -EPROTO, "%s: the answer is too long",
				 program);
	case -ENOMEM:
		return error_set(err, r, "out of memory");
	default:
		return error_set_errno(err, -EIO, "cannot run %s", program);
	}
}

int credential_helper_get(const char *name, const char *server,
			  struct credentials *ret, struct error *err)
{
	CLEANUP(buffer_fini)
	struct buffer answer = BUFFER_INIT(ANSWER_SIZE_MAX);
	char program[128];
	int status = 0;
	int r;

	if (!is_name_harmless(name))
		return error_set(err, -EPROTO,
				 "\"%.64s\" is not the name of a credential "
				 "helper",
				 name);
	snprintf(program, sizeof(program), "docker-credential-%s", name);
	r = run(program, server, &answer, &status);
	if (r < 0)
		return explain_failure(program, r, err);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		r = parse_answer(program, &answer, ret, err);
	} else if (strstr((const char *)answer.data, "not found")) {
		/* "credentials not found in native keychain" */
		r = CREDENTIAL_HELPER_NONE;
	} else {
		r = error_set(err, -EIO, "%s failed: %.200s", program,
			      (const char *)answer.data);
	}
	explicit_bzero(answer.data, answer.size);
	return r;
}
