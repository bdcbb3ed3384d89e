/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_guard.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "run/run_message.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	/* The kernel allows no deeper user namespaces. */
	DEPTH_MAX = 33,
	/* Each pass kills all that are found: a job that still forks faster
	 * than this kills is left to the system. */
	PASSES_MAX = 1000,
	PASS_PAUSE_NS = 1000000,
	/* An instance's jobs; of more than these the last are not guarded. */
	MARKS_MAX = 4097,
};

/* The namespace whose processes are a job's. */
struct mark {
	int fd;		  /* keeps it; -1: none */
	const char *name; /* below /proc/PID/ns */
	struct stat st;
};

/* Whether the namespace is the marked one or lies within it. */
static bool is_within(int fd, const struct mark *mark)
{
	bool found = false;

	for (int i = 0; fd >= 0 && i < DEPTH_MAX; i++) {
		struct stat st;
		int parent;

		found = fstat(fd, &st) == 0 && st.st_ino == mark->st.st_ino &&
			st.st_dev == mark->st.st_dev;
		/* Fails where there is none, or it is not ours to know. */
		parent = found ? -1 : ioctl(fd, NS_GET_PARENT);
		close(fd);
		fd = parent;
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* Also when nobody has reaped it yet. */
static bool has_ended(int pid_fd)
{
	struct pollfd pollfd = { .fd = pid_fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) != 0;
}

static bool kill_if_marked(int proc_fd, pid_t pid, const struct mark *mark)
{
	autoclose int pid_fd = pidfd_open(pid, 0);
	char path[64];

	/* From now on the number may mean another process, but neither the
	 * check nor the kill will hit that one alone. */
	if (pid_fd < 0)
		return false;
	snprintf(path, sizeof(path), "%d/ns/%s", pid, mark->name);
	if (!is_within(openat(proc_fd, path, O_RDONLY | O_CLOEXEC), mark) ||
	    has_ended(pid_fd))
		return false;
	return pidfd_send_signal(pid_fd, SIGKILL, NULL, 0) == 0;
}

static unsigned kill_marked(const struct mark *mark)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	if (!proc)
		return 0;
	while ((entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid > 0 && pid <= INT_MAX && *end == '\0' &&
		    kill_if_marked(dirfd(proc), (pid_t)pid, mark))
			count++;
	}
	closedir(proc);
	return count;
}

/* Takes @fd over. */
static void take_mark(struct mark *mark, int fd)
{
	int type = ioctl(fd, NS_GET_NSTYPE);

	if (type == CLONE_NEWNS) {
		int user_fd = ioctl(fd, NS_GET_USERNS);

		close(fd);
		fd = user_fd;
	}
	if (mark->fd >= 0)
		close(mark->fd);
	*mark = (struct mark){ .fd = -1 };
	if (fd < 0 || fstat(fd, &mark->st) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	mark->fd = fd;
	mark->name = type == CLONE_NEWUTS ? "uts" : "user";
}

/* All that a guard guards. */
struct marks {
	struct {
		uint32_t id;
		struct mark mark; /* fd -1: a free place */
	} places[MARKS_MAX];
	size_t count;
};

static struct mark *find_mark(struct marks *marks, uint32_t id)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->places[i].mark.fd >= 0 && marks->places[i].id == id)
			return &marks->places[i].mark;
	return NULL;
}

/* NULL: there are too many. */
static struct mark *add_mark(struct marks *marks, uint32_t id)
{
	struct mark *found = find_mark(marks, id);
	size_t i = 0;

	if (found)
		return found;
	while (i < marks->count && marks->places[i].mark.fd >= 0)
		i++;
	if (i == MARKS_MAX)
		return NULL;
	if (i == marks->count)
		marks->count++;
	marks->places[i].id = id;
	marks->places[i].mark = (struct mark){ .fd = -1 };
	return &marks->places[i].mark;
}

static void kill_all_marked(const struct mark *mark)
{
	struct timespec pause = { .tv_nsec = PASS_PAUSE_NS };

	for (int i = 0; i < PASSES_MAX; i++) {
		if (kill_marked(mark) == 0)
			break;
		nanosleep(&pause, NULL);
	}
}

/* A message has the mark's number; with a descriptor it is a mark, without one
 * that mark is dropped.  One without a number says farewell. */
static void await_end(int socket, struct marks *marks)
{
	struct mark *mark;
	uint32_t id;
	struct buffer body = BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	enum run_message_type type;
	int fd;

	while (run_message_receive(socket, -1, &body, &type, &fd) == 0) {
		if (body.size != sizeof(id))
			_exit(0);
		memcpy(&id, body.data, sizeof(id));
		mark = fd >= 0 ? add_mark(marks, id) : find_mark(marks, id);
		if (mark && fd >= 0) {
			take_mark(mark, fd);
		} else if (mark) {
			close(STEAL_FD(mark->fd));
		} else if (fd >= 0) {
			close(fd);
		}
	}
}

__attribute__((noreturn)) static void be_guard(int socket)
{
	static struct marks marks;

	setsid();
	prctl(PR_SET_NAME, "lazyrun-guard");
	/* never before those whose marks it is told */
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
	/* Nothing of the caller's is to be kept open. */
	(void)!chdir("/");
	dup2(socket, STDIN_FILENO);
	close_range(STDIN_FILENO + 1, UINT_MAX, 0);
	await_end(STDIN_FILENO, &marks);
	for (size_t i = 0; i < marks.count; i++)
		if (marks.places[i].mark.fd >= 0)
			kill_all_marked(&marks.places[i].mark);
	_exit(0);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

int run_guard_start(pid_t job, struct run_guard *ret, struct error *err)
{
	sigset_t all;
	sigset_t before;
	int fds[2];
	pid_t pid;
	int r;

	*ret = (struct run_guard){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return error_set_errno(err, -errno, "cannot make a socket");
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid = fork();
	r = -errno;
	if (pid == 0)
		be_guard(fds[1]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	if (pid > job) {
		*ret = (struct run_guard){ .fd = fds[0], .pid = pid };
		return 0;
	}
	close(fds[0]); /* it has nothing to kill and ends */
	if (pid < 0)
		return error_set_errno(err, r, "cannot fork");
	reap(pid);
	return 0;
}

/* A guard that was killed is no reason to fail. */
static void tell(const struct run_guard *guard, const uint32_t *id, int mark_fd)
{
	if (guard->fd >= 0)
		(void)run_message_send(guard->fd, RUN_MESSAGE_EXECUTING, id,
				       id ? sizeof(*id) : 0, mark_fd);
}

void run_guard_set(const struct run_guard *guard, int mark_fd)
{
	run_guard_add(guard, 0, mark_fd);
}

void run_guard_add(const struct run_guard *guard, uint32_t id, int mark_fd)
{
	assert(mark_fd >= 0);
	tell(guard, &id, mark_fd);
}

void run_guard_drop(const struct run_guard *guard, uint32_t id)
{
	tell(guard, &id, -1);
}

void run_guard_kill(int mark_fd)
{
	struct mark mark = { .fd = -1 };
	char path[64];

	take_mark(&mark, fcntl(mark_fd, F_DUPFD_CLOEXEC, 0));
	if (mark.fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", mark.name);
	if (!is_within(open(path, O_RDONLY | O_CLOEXEC), &mark))
		kill_all_marked(&mark);
	close(mark.fd);
}

void run_guard_loose(struct run_guard *guard)
{
	if (guard->fd < 0)
		return;
	close(STEAL_FD(guard->fd));
	reap(guard->pid);
}

void run_guard_stop(struct run_guard *guard)
{
	if (guard->fd < 0)
		return;
	tell(guard, NULL, -1);
	close(STEAL_FD(guard->fd));
	reap(guard->pid);
}
