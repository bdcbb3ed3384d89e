/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_mount.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FUSE_DEVICE "/dev/fuse"
#define FUSE_CONF   "/etc/fuse.conf"
#define HELPER	    "fusermount3"
#define OPTIONS	    "default_permissions"

enum { HELPER_TEXT_SIZE = 256 }; /* of what it says, the first line counts */

static int check_dir(const char *dir, struct error *err)
{
	struct stat attr;
	int r = stat(dir, &attr) < 0 ? -errno : 0;

	if (r == -ENOTCONN)
		return error_set(err, -EBUSY,
				 "%s: a dead FUSE mount lies there; remove it "
				 "with \"" HELPER " -u %s\" (root: umount -l) "
				 "and try again",
				 dir, dir);
	if (r == -ENOENT)
		return error_set(err, r,
				 "cannot mount on %s: there is no such "
				 "directory; make it first",
				 dir);
	if (r < 0)
		return error_set_errno(err, r, "cannot mount on %s", dir);
	if (!S_ISDIR(attr.st_mode))
		return error_set(err, -ENOTDIR,
				 "cannot mount on %s: it is not a directory",
				 dir);
	return 0;
}

static int refuse_device(int code, struct error *err)
{
	return error_set_errno(err, code == -EACCES ? -EPERM : -ENODEV,
			       "cannot use " FUSE_DEVICE
			       ": load the module (modprobe fuse), or pass the "
			       "device into the container this runs in");
}

static int mount_directly(const char *dir, int *ret_fd, struct error *err)
{
	char options[128];
	autoclose int fd = open(FUSE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return refuse_device(-errno, err);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=%o,user_id=%u,group_id=%u," OPTIONS
		 ",allow_other",
		 fd, S_IFDIR, geteuid(), getegid());
	if (mount("lazyrun", dir, "fuse.lazyrun",
		  MS_RDONLY | MS_NOSUID | MS_NODEV, options) == 0) {
		*ret_fd = STEAL_FD(fd);
		return 0;
	}
	if (errno == EPERM)
		return error_set(err, -EPERM,
				 "may not mount on %s: this root lacks "
				 "CAP_SYS_ADMIN, as in a container; use "
				 "\"lazyrun exec\", or give the container that "
				 "capability",
				 dir);
	return error_set_errno(err, errno == EBUSY ? -EBUSY : -EIO,
			       "cannot mount on %s", dir);
}

/* Does a line of fuse.conf(5) say so? */
static bool may_allow_other(void)
{
	char line[256];
	bool found = false;
	FILE *file = fopen(FUSE_CONF, "re");

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, " \t\r\n")] = '\0';
		found = strcmp(line, "user_allow_other") == 0;
	}
	fclose(file);
	return found;
}

/* Starts the helper with @socket and @text_fd (its stderr); 0 or -errno. */
static int spawn_helper(const char *const argv[], int socket, int text_fd,
			pid_t *ret)
{
	char socket_text[32];
	char locale[] = "LC_ALL=C";
	char *const environment[] = { socket_text, locale, NULL };
	posix_spawn_file_actions_t actions;
	int r;

	snprintf(socket_text, sizeof(socket_text), "_FUSE_COMMFD=%d", socket);
	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	/* onto itself: clears close-on-exec */
	r = posix_spawn_file_actions_adddup2(&actions, socket, socket);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, text_fd,
						     STDERR_FILENO);
	if (r == 0)
		r = posix_spawnp(ret, HELPER, &actions, NULL, (char **)argv,
				 environment);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Waits for the helper's end, at most until then; its wait status, or 0 when
 * somebody else took that. */
static int reap_helper(pid_t pid, int64_t deadline_ms)
{
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_ms() >= deadline_ms)
			kill(pid, SIGKILL);
		poll(NULL, 0, 1);
	}
	return status;
}

/* The descriptor the helper sends; -ENODATA when it ended without. */
static int receive_fd(int socket, int64_t deadline_ms)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct pollfd pollfd = { .fd = socket, .events = POLLIN };
	struct msghdr message = {
		.msg_iov = &(struct iovec){ &(char){ 0 }, 1 },
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *header;
	int64_t left_ms;
	ssize_t n;
	int fd;
	int r;

	do {
		left_ms = deadline_ms - clock_ms();
		r = poll(&pollfd, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -ENODATA;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* The first line of what the helper wrote, without its end. */
static void read_text(int fd, char ret[HELPER_TEXT_SIZE])
{
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	n = read(fd, ret, HELPER_TEXT_SIZE - 1);
	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/*
 * Runs the helper to its end.
 * @ret_fd: NULL when it is not to mount; else -1 unless it did
 *
 * Return: 0 when it ran and said it succeeded, else a negative errno.
 */
static int run_helper(const char *const argv[], int *ret_fd, struct error *err)
{
	autoclose int ours = -1;
	autoclose int theirs = -1;
	autoclose int text_out = -1;
	autoclose int text_in = -1;
	char text[HELPER_TEXT_SIZE];
	int64_t deadline_ms = clock_ms() + FS_MOUNT_HELPER_WAIT_MS;
	int pair[2];
	int status;
	pid_t pid;
	int fd = 0;
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(err, -EIO, "no socket for " HELPER);
	ours = pair[0];
	theirs = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_set_errno(err, -EIO, "no pipe for " HELPER);
	text_out = pair[0];
	text_in = pair[1];
	r = spawn_helper(argv, theirs, text_in, &pid);
	if (r < 0)
		return error_set(err, -EPERM,
				 "cannot run " HELPER
				 " (%s): install the package fuse3, or use "
				 "\"lazyrun exec\", which needs none",
				 log_errno_name(r));
	close(STEAL_FD(theirs));
	if (ret_fd)
		fd = receive_fd(ours, deadline_ms);
	status = reap_helper(pid, deadline_ms);
	read_text(text_out, text);
	if (fd == -ETIMEDOUT)
		return error_set(err, -ETIMEDOUT,
				 HELPER " did not answer within %d s",
				 FS_MOUNT_HELPER_WAIT_MS / 1000);
	if (fd < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		if (ret_fd && fd >= 0)
			close(fd);
		return error_set(err, -EPERM, "%s",
				 text[0] ? text : HELPER " failed");
	}
	if (ret_fd)
		*ret_fd = fd;
	return 0;
}

static int mount_by_helper(const char *dir, int *ret_fd, struct error *err)
{
	char options[128];
	const char *const argv[] = {
		HELPER, "-o", options, "--", dir, NULL,
	};
	struct stat attr;
	int r;

	if (stat(FUSE_DEVICE, &attr) < 0)
		return refuse_device(-errno, err);
	snprintf(options, sizeof(options),
		 "ro,nosuid,nodev,fsname=lazyrun,subtype=lazyrun," OPTIONS "%s",
		 may_allow_other() ? ",allow_other" : "");
	r = run_helper(argv, ret_fd, err);
	if (r < 0)
		return error_prefix(err, r, "cannot mount on %s", dir);
	return 0;
}

int fs_mount_open(const char *dir, int *ret_fd, struct error *err)
{
	int r = check_dir(dir, err);

	if (r < 0)
		return r;
	return geteuid() == 0 ? mount_directly(dir, ret_fd, err)
			      : mount_by_helper(dir, ret_fd, err);
}

void fs_mount_close(const char *dir, int fuse_fd)
{
	struct pollfd pollfd = { .fd = fuse_fd };
	const char *const argv[] = {
		HELPER, "-u", "-q", "-z", "--", dir, NULL,
	};

	assert(fuse_fd >= 0);
	/* POLLERR: the kernel's side is gone, the mount with it */
	if (poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLERR))
		return;
	if (geteuid() == 0)
		umount2(dir, MNT_DETACH);
	else
		run_helper(argv, NULL, NULL);
}
