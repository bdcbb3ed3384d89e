/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map of several ids is written from outside of the new namespace, by a
 * process with CAP_SETUID where it lies: newuidmap has that on the host, and a
 * child of ours in a namespace that we are root of.
 */
#include "run/run_idmap.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FILE_SIZE_MAX = 4 << 20, /* of /etc/subuid */
	NUMBER_SIZE = 16,
};

static const char *const folders[] = { "/usr/bin", "/bin", "/usr/sbin" };

static bool is_of(const char *line, size_t name_len,
		  const struct run_user *user)
{
	char uid[NUMBER_SIZE];

	snprintf(uid, sizeof(uid), "%u", user->uid);
	return (strlen(user->name) == name_len &&
		memcmp(line, user->name, name_len) == 0) ||
	       (strlen(uid) == name_len && memcmp(line, uid, name_len) == 0);
}

bool run_idmap_parse(const char *text, const struct run_user *user,
		     unsigned *ret_start, unsigned *ret_count)
{
	for (const char *line = text; line && *line;) {
		size_t name_len = strcspn(line, ":\n");
		unsigned long long start;
		unsigned long long count;

		if (is_of(line, name_len, user) &&
		    sscanf(line + name_len, ":%10llu:%10llu", &start, &count) ==
			    2 &&
		    start > 0 && count > 0 && count < UINT_MAX &&
		    start <= UINT_MAX - count) {
			*ret_start = (unsigned)start;
			*ret_count = (unsigned)count;
			return true;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

static bool load(const char *path, const struct run_user *user,
		 unsigned *ret_start, unsigned *ret_count)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(FILE_SIZE_MAX);

	return io_read_file(AT_FDCWD, path, &text, NULL) == 0 &&
	       buffer_terminate(&text) == 0 &&
	       run_idmap_parse((const char *)text.data, user, ret_start,
			       ret_count);
}

static bool find_program(const char *name, char *ret, size_t size)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(ret, size, "%s/%s", folders[i], name);
		if (access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

bool run_idmap_load(const struct run_user *user, struct run_idmap *ret)
{
	struct run_idmap map = { 0 };
	char path[64];

	/* A process that gains nothing by executing a setuid program. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
		return false;
	if (!load("/etc/subuid", user, &map.uid_start, &map.uid_count) ||
	    !load("/etc/subgid", user, &map.gid_start, &map.gid_count) ||
	    !find_program("newuidmap", path, sizeof(path)) ||
	    !find_program("newgidmap", path, sizeof(path)))
		return false;
	*ret = map;
	return true;
}

/* PROGRAM PID 0 ID 1 1 START COUNT (inside, outside, how many, twice), without
 * an environment; its exit status. */
static int execute(const char *program, pid_t target, unsigned id,
		   unsigned start, unsigned count)
{
	char path[64];
	char numbers[4][NUMBER_SIZE];
	char zero[] = "0";
	char one[] = "1";
	char *nothing[] = { NULL };
	char *argv[] = { path, numbers[0], zero,       numbers[1], one,
			 one,  numbers[2], numbers[3], NULL };
	int status = 0;
	pid_t pid;

	if (!find_program(program, path, sizeof(path)))
		return 127;
	snprintf(numbers[0], NUMBER_SIZE, "%d", (int)target);
	snprintf(numbers[1], NUMBER_SIZE, "%u", id);
	snprintf(numbers[2], NUMBER_SIZE, "%u", start);
	snprintf(numbers[3], NUMBER_SIZE, "%u", count);
	pid = fork();
	if (pid == 0) {
		execve(path, argv, nothing);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 || !WIFEXITED(status) ? 126 : WEXITSTATUS(status);
}

static int write_map(int proc_fd, pid_t target, const char *name,
		     unsigned count)
{
	char path[64];
	char text[64];
	autoclose int fd = -1;
	int len;

	snprintf(path, sizeof(path), "%d/%s", (int)target, name);
	len = snprintf(text, sizeof(text), "0 0 1\n1 1 %u\n", count);
	fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : io_write_full(fd, text, (size_t)len);
}

/* The child that stays outside: waits for the namespace, and maps.  Its status
 * is 0, or says what went wrong. */
__attribute__((noreturn)) static void map_from_outside(
	int proc_fd, int pipe_fd, const struct run_idmap *m, bool is_again)
{
	const pid_t target = getppid();
	int r = 0;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(pipe_fd, &byte, 1) != 1)
		_exit(1);
	if (is_again) {
		r = write_map(proc_fd, target, "uid_map", m->uid_count);
		if (r == 0)
			r = write_map(proc_fd, target, "gid_map", m->gid_count);
	} else {
		r = execute("newuidmap", target, geteuid(), m->uid_start,
			    m->uid_count);
		if (r == 0)
			r = execute("newgidmap", target, getegid(),
				    m->gid_start, m->gid_count);
	}
	_exit(r == 0 ? 0 : 2);
}

static int unshare_and_map(int proc_fd, int others, const struct run_idmap *map,
			   bool is_again, struct error *err)
{
	int ends[2];
	int status = 0;
	int r = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, -errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		map_from_outside(proc_fd, ends[0], map, is_again);
	}
	close(ends[0]);
	/* A process that changed its ids lost the right to its own maps. */
	prctl(PR_SET_DUMPABLE, 1);
	if (pid < 0 || unshare(CLONE_NEWUSER | others) < 0)
		r = errno == EUSERS ? -ENOSPC : -errno;
	if (r == 0)
		r = io_write_full(ends[1], "", 1);
	close(ends[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return error_set(err, r, "no user namespace can be made: %s",
				 run_user_obstacle());
	if (status != 0)
		return error_set(err, -EPERM,
				 "newuidmap or newgidmap does not map the ids "
				 "that /etc/subuid and /etc/subgid give: have "
				 "them corrected, or use --ignore-subuid");
	return 0;
}

int run_idmap_unshare(int proc_fd, int others, const struct run_idmap *map,
		      struct error *err)
{
	return unshare_and_map(proc_fd, others, map, false, err);
}

int run_idmap_unshare_again(int proc_fd, int others,
			    const struct run_idmap *map, struct error *err)
{
	return unshare_and_map(proc_fd, others, map, true, err);
}
