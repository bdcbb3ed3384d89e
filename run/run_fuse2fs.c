/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_fuse2fs.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "run/run.h"
#include "run/run_message.h"
#include "run/run_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MOUNT_MS = 10000, /* a check of a large file's tables takes a second */
	POLL_MS = 2,
	END_MS = 5000,
	QUESTION_END_MS = 1000,
	NOT_FOUND = 127,
};

/* What the helper knows. */
struct helper {
	const char *image;
	const char *dir;
	int socket;   /* to the runner */
	int life_fd;  /* to the caller */
	int words_fd; /* what fuse2fs says */
	pid_t pid;    /* fuse2fs */
	int pidfd;
};

__attribute__((noreturn)) static void execute(const struct helper *helper,
					      int words_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (null_fd >= 0) {
		dup2(null_fd, STDIN_FILENO);
		dup2(null_fd, STDOUT_FILENO);
	}
	dup2(words_fd, STDERR_FILENO);
	execlp("fuse2fs", "fuse2fs", "-f", "-o", "ro,fakeroot,allow_other",
	       helper->image, helper->dir, (char *)NULL);
	_exit(errno == ENOENT ? NOT_FOUND : NOT_FOUND - 1);
}

static int start(struct helper *helper, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set_errno(err, -errno, "cannot make a pipe");
	helper->words_fd = ends[0];
	helper->pid = fork();
	if (helper->pid == 0)
		execute(helper, ends[1]);
	close(ends[1]);
	helper->pidfd = helper->pid < 0 ? -1 : pidfd_open(helper->pid, 0);
	return helper->pidfd < 0
		       ? error_set_errno(err, -errno, "cannot start fuse2fs")
		       : 0;
}

static int say_end(struct helper *helper, struct error *err)
{
	char words[400];
	ssize_t size;
	int status = 0;

	waitpid(helper->pid, &status, 0);
	helper->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return error_set(err, -ENOENT,
				 "--overlay %s: fuse2fs is needed for it and "
				 "not in PATH: have it installed (the package "
				 "fuse2fs)",
				 helper->image);
	size = read(helper->words_fd, words, sizeof(words) - 1);
	words[size > 0 ? size : 0] = '\0';
	words[strcspn(words, "\n")] = '\0';
	return error_set(err, -EIO, "--overlay %s: fuse2fs cannot mount it: %s",
			 helper->image, words[0] ? words : "it ended");
}

/* The device number that the directory shows; a file system that answers
 * nothing is not asked. */
static uint64_t get_device(const char *dir)
{
	struct statx st;

	if (statx(AT_FDCWD, dir, AT_STATX_DONT_SYNC, 0, &st) < 0)
		return 0;
	return (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
}

/* In a process of its own, since whoever asks a file system that does not
 * answer cannot be woken but by SIGKILL. */
static int start_question(const char *dir, pid_t *ret_pid)
{
	struct statfs st;
	int fd;

	*ret_pid = fork();
	if (*ret_pid == 0)
		_exit(statfs(dir, &st) < 0 || st.f_type != FUSE_SUPER_MAGIC);
	fd = *ret_pid < 0 ? -1 : pidfd_open(*ret_pid, 0);
	return fd < 0 ? -errno : fd;
}

/* What await() waits for beside its end, and how long at most. */
struct wait {
	int fd; /* -1: nothing */
	int64_t deadline_ms;
};

/* Return: 0 when @wait->fd can be read or @ms have passed; negative errno. */
static int await(struct helper *helper, const struct wait *wait, int ms,
		 struct error *err)
{
	struct pollfd pollfds[] = {
		{ .fd = helper->pidfd, .events = POLLIN },
		{ .fd = helper->life_fd, .events = POLLIN },
		{ .fd = wait->fd, .events = POLLIN },
	};

	if (poll(pollfds, 3, ms) < 0 && errno != EINTR)
		return error_set_errno(err, -errno, "cannot wait");
	if (pollfds[0].revents)
		return say_end(helper, err);
	if (pollfds[1].revents)
		return error_set(err, -ECANCELED, "the caller ended");
	if (pollfds[2].revents || clock_ms() < wait->deadline_ms)
		return 0;
	return error_set(
		err, -ETIMEDOUT,
		"--overlay %s: fuse2fs has not mounted it within %d "
		"seconds; is the disk or server that it lies on there?",
		helper->image, MOUNT_MS / 1000);
}

/* The status of one that has ended or been killed; a file system that has read
 * the question and does not answer keeps even that one. */
static int reap(int fd, pid_t pid)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	int status = 1;

	if (fd < 0 || poll(&pollfd, 1, QUESTION_END_MS) > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* Until the file system answers. */
static int ask(struct helper *helper, int64_t deadline_ms, struct error *err)
{
	struct wait wait = { .deadline_ms = deadline_ms };
	pid_t pid = -1;
	int status = 0;
	int r = wait.fd = start_question(helper->dir, &pid);

	if (r >= 0)
		r = await(helper, &wait, (int)MAX(deadline_ms - clock_ms(), 0),
			  err);
	else
		error_set_errno(err, r, "cannot fork");
	if (r < 0 && pid > 0)
		kill(pid, SIGKILL);
	if (pid > 0)
		status = reap(wait.fd, pid);
	if (wait.fd >= 0)
		close(wait.fd);
	if (r == 0 && status != 0)
		r = error_set(err, -EIO,
			      "--overlay %s: fuse2fs has mounted something "
			      "else",
			      helper->image);
	return r;
}

/* Returns the mount. */
static int await_mount(struct helper *helper, uint64_t device_before,
		       struct error *err)
{
	const struct wait wait = {
		.fd = -1,
		.deadline_ms = clock_ms() + MOUNT_MS,
	};
	int r = 0;
	int fd;

	while (r == 0 && get_device(helper->dir) == device_before)
		r = await(helper, &wait, POLL_MS, err);
	if (r == 0)
		r = ask(helper, wait.deadline_ms, err);
	if (r < 0)
		return r;
	fd = run_mount_clone(helper->dir, RUN_MOUNT_READ_ONLY);
	return fd < 0 ? error_set_errno(err, fd, "--overlay %s", helper->image)
		      : fd;
}

/* One that hangs on a dead disk cannot even be killed: it is left then. */
static void end(const struct helper *helper)
{
	struct pollfd pollfd = { .fd = helper->pidfd, .events = POLLIN };

	kill(helper->pid, SIGTERM);
	if (poll(&pollfd, 1, END_MS) > 0)
		return;
	kill(helper->pid, SIGKILL);
	(void)poll(&pollfd, 1, END_MS);
}

/* Until the caller, or fuse2fs, ends. */
static void serve(const struct helper *helper)
{
	struct pollfd pollfds[] = {
		{ .fd = helper->pidfd, .events = POLLIN },
		{ .fd = helper->life_fd, .events = POLLIN },
	};

	while (poll(pollfds, 2, -1) < 0 && errno == EINTR)
		;
}

/* The two descriptors become 3 and 4; all else is closed: the image's FUSE
 * descriptor must not live on here. */
static int keep_two(struct helper *helper)
{
	int socket = fcntl(helper->socket, F_DUPFD_CLOEXEC, 10);
	int life = fcntl(helper->life_fd, F_DUPFD_CLOEXEC, 10);

	if (socket < 0 || life < 0 || dup3(socket, 3, O_CLOEXEC) < 0 ||
	    dup3(life, 4, O_CLOEXEC) < 0)
		return -errno;
	helper->socket = 3;
	helper->life_fd = 4;
	return close_range(5, UINT_MAX, 0) < 0 ? -errno : 0;
}

__attribute__((noreturn)) static void help(struct helper *helper)
{
	uint64_t device = 0;
	struct error err;
	int fd = -1;
	int r = keep_two(helper);

	setsid();
	prctl(PR_SET_NAME, "lazyrun-overlay");
	if (r == 0 && (unshare(CLONE_NEWNS) < 0 || chdir("/") < 0))
		r = -errno;
	if (r < 0)
		error_set_errno(&err, r, "--overlay %s", helper->image);
	while (r == 0 && umount2(helper->dir, MNT_DETACH) == 0)
		;
	/* it wants an empty directory */
	if (r == 0 && mount("tmpfs", helper->dir, "tmpfs", MS_NOSUID | MS_NODEV,
			    "size=64k") < 0)
		r = error_set_errno(&err, -errno, "--overlay %s",
				    helper->image);
	if (r == 0) {
		device = get_device(helper->dir);
		r = start(helper, &err);
	}
	if (r == 0)
		r = fd = await_mount(helper, device, &err);
	if (r >= 0)
		r = run_message_send(helper->socket, RUN_MESSAGE_LAYER, NULL, 0,
				     fd);
	else
		run_message_fail(helper->socket, &err, RUN_EXIT_FAILURE);
	close(helper->socket);
	if (fd >= 0)
		close(fd);
	if (r >= 0)
		serve(helper);
	if (helper->pid > 0)
		end(helper);
	_exit(0);
}

static int receive(int socket, const char *image, struct error *err)
{
	struct buffer body CLEANUP(buffer_fini) =
		BUFFER_INIT(RUN_MESSAGE_SIZE_MAX);
	struct run_message_failure failure;
	enum run_message_type type;
	int fd = -1;
	int r = run_message_receive(socket, MOUNT_MS + END_MS, &body, &type,
				    &fd);

	if (r < 0)
		return error_set_errno(err, r, "--overlay %s", image);
	if (type == RUN_MESSAGE_LAYER && fd >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	if (type != RUN_MESSAGE_FAILED || body.size != sizeof(failure))
		return error_set(err, -EPROTO, "the helper sent nonsense");
	memcpy(&failure, body.data, sizeof(failure));
	return error_set(err, failure.code, "%.*s", (int)sizeof(failure.text),
			 failure.text);
}

int run_fuse2fs_mount(const char *image, const char *dir, int life_fd,
		      struct error *err)
{
	struct helper helper = {
		.image = image,
		.dir = dir,
		.life_fd = life_fd,
		.words_fd = -1,
		.pidfd = -1,
	};
	autoclose int socket = -1;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set_errno(err, -errno, "cannot make a socket");
	socket = ends[0];
	helper.socket = ends[1];
	pid = fork();
	/* the one between ends, so that init becomes the helper's parent */
	if (pid == 0 && fork() == 0)
		help(&helper);
	if (pid == 0)
		_exit(0);
	close(ends[1]);
	if (pid < 0)
		return error_set_errno(err, -errno, "cannot fork");
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return receive(socket, image, err);
}
