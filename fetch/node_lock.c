/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/node_lock.h"

#include "common/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* 0 or the negative errno of fcntl(2) */
static int set_lock(int fd, short type, uint64_t off)
{
	struct flock range = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)off,
		.l_len = 1,
		.l_pid = 0, /* required of F_OFD_* */
	};

	assert(off < INT64_MAX);
	while (fcntl(fd, F_OFD_SETLK, &range) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int node_lock_open(int dir_fd, const char *path, struct node_lock *ret)
{
	int fd = openat(dir_fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			0600);

	if (fd < 0)
		return -errno;
	ret->fd = fd;
	return 0;
}

void node_lock_close(struct node_lock *lock)
{
	if (lock->fd >= 0)
		close(STEAL_FD(lock->fd));
}

static int try_lock(const struct node_lock *lock, short type, uint64_t off)
{
	int r = set_lock(lock->fd, type, off);

	/* POSIX lets a system choose between the two. */
	if (r == -EAGAIN || r == -EACCES)
		return NODE_LOCK_TAKEN;
	return r;
}

int node_lock_try(const struct node_lock *lock, uint64_t off)
{
	return try_lock(lock, F_WRLCK, off);
}

int node_lock_try_shared(const struct node_lock *lock, uint64_t off)
{
	return try_lock(lock, F_RDLCK, off);
}

void node_lock_release(const struct node_lock *lock, uint64_t off)
{
	(void)set_lock(lock->fd, F_UNLCK, off);
}
