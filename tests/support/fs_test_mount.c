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

const char *fs_test_mount_enter(void)
{
	int fd;

	/* Criterion's worker has threads, so it cannot make a user namespace
	 * of its own */
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "neither root nor started by unshare -Ur";
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return "/dev/fuse cannot be opened";
	close(fd);
	return NULL;
}

bool fs_test_mount_maps_all_ids(void)
{
	unsigned inside = 1;
	unsigned outside = 1;
	FILE *file = fopen("/proc/self/uid_map", "re");
	int n = 0;

	if (file) {
		n = fscanf(file, "%u %u", &inside, &outside);
		fclose(file);
	}
	return n == 2 && inside == 0 && outside == 0;
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
