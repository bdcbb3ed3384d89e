/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that serves a mount and uses it too cannot be killed while one of
 * its threads waits for an answer that no thread will give.  So a watchdog, a
 * process of its own, breaks the connection when the end does not come.
 */
#include "tests/support/fs_test_mount.h"

#include "common/error.h"
#include "fs/fs_server.h"
#include "tests/support/fs_test_image.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WATCHDOG_MS = 30000 };

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (n < 0)
		fprintf(stderr, "%s cannot be written\n", path);
	if (fd >= 0)
		close(fd);
}

static bool enter_user_namespace(void)
{
	char map[64];
	unsigned uid = getuid();
	unsigned gid = getgid();

	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_text("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_text("/proc/self/gid_map", map);
	return true;
}

const char *fs_test_mount_enter(void)
{
	int fd;

	if (getuid() != 0 && !enter_user_namespace())
		return "user namespaces are switched off";
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "no mount namespace: neither root nor user namespaces";
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return "/dev/fuse cannot be opened";
	close(fd);
	return NULL;
}

/* Ends with the write end of the pipe, or after breaking the mount. */
static void start_watchdog(struct fs_test_mount *mount)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	mount->watchdog = fork();
	if (mount->watchdog == 0) {
		struct pollfd pollfd = { .fd = ends[0], .events = POLLIN };

		close(ends[1]);
		if (poll(&pollfd, 1, WATCHDOG_MS) == 0)
			umount2(mount->dir, MNT_FORCE);
		_exit(0);
	}
	close(ends[0]);
	mount->watchdog_fd = ends[1];
}

static void *run(void *arg)
{
	struct fs_test_mount *mount = arg;
	struct error err = { 0 };

	mount->result = fs_server_run(mount->server, &err);
	return NULL;
}

void fs_test_mount_start(struct fs_test_mount *mount,
			 struct fs_test_image *image,
			 const struct fs_server_options *options)
{
	struct error err = { 0 };
	int r;

	*mount = (struct fs_test_mount){ .dir = "/tmp/lazyrun-test-XXXXXX" };
	if (!mkdtemp(mount->dir))
		abort();
	start_watchdog(mount);
	r = fs_server_create(image->index, image->loader, options,
			     &mount->server, &err);
	if (r == 0)
		r = fs_server_mount(mount->server, mount->dir, &err);
	if (r < 0)
		fprintf(stderr, "fs_test_mount: %s\n", err.text);
	assert(r == 0);
	r = pthread_create(&mount->thread, NULL, run, mount);
	assert(r == 0);
}

int fs_test_mount_wait(struct fs_test_mount *mount)
{
	if (mount->thread)
		pthread_join(mount->thread, NULL);
	mount->thread = 0;
	return mount->result;
}

void fs_test_mount_end(struct fs_test_mount *mount)
{
	fs_server_stop(mount->server);
	fs_test_mount_wait(mount);
	fs_server_destroy(mount->server);
	close(mount->watchdog_fd);
	waitpid(mount->watchdog, NULL, 0);
	rmdir(mount->dir);
}
