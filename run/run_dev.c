/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_dev.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run_mount.h"
#include "run/run_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Numbers: Documentation/admin-guide/devices.txt of Linux. */
struct node {
	const char *name;
	unsigned major;
	unsigned minor;
};

static const struct node nodes[] = {
	{ "null", 1, 3 },    { "zero", 1, 5 }, { "random", 1, 8 },
	{ "urandom", 1, 9 }, { "tty", 5, 0 },
};

struct link {
	const char *name;
	const char *target;
};

static const struct link links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "/dev/pts/ptmx" },
};

static bool has_number(int fd, const struct node *node)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       major(st.st_rdev) == node->major &&
	       minor(st.st_rdev) == node->minor;
}

/* In a directory that nobody else has seen yet. */
static int show_file(int dev_fd, const char *name, int source_fd,
		     struct error *err)
{
	if (mknodat(dev_fd, name, S_IFREG | 0600, 0) < 0 ||
	    move_mount(source_fd, "", dev_fd, name, MOVE_MOUNT_F_EMPTY_PATH) <
		    0)
		return error_set_errno(err, -errno, "cannot make /dev/%s",
				       name);
	return 0;
}

enum { NODE_COUNT = sizeof(nodes) / sizeof(*nodes) };

/* While no mount of ours hides them; -1: there is none. */
static void clone_nodes(int ret_fds[NODE_COUNT])
{
	for (size_t i = 0; i < NODE_COUNT; i++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/dev/%s", nodes[i].name);
		fd = run_mount_clone(path, RUN_MOUNT_DEVICES);
		if (fd >= 0 && !has_number(fd, &nodes[i])) {
			close(fd);
			fd = -1;
		}
		ret_fds[i] = fd;
	}
}

/* Closes them. */
static int show_nodes(int dev_fd, const int fds[NODE_COUNT], struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < NODE_COUNT; i++) {
		autoclose int fd = fds[i];

		if (r == 0 && fd >= 0 && dev_fd >= 0)
			r = show_file(dev_fd, nodes[i].name, fd, err);
	}
	return r;
}

/* A directory in memory with the nodes; returns a descriptor of it. */
static int mount_nodes(struct run_path_root *root, struct error *err)
{
	autoclose int dev_fd = -1;
	int fds[NODE_COUNT];
	int r;

	clone_nodes(fds);
	dev_fd = run_mount_tmpfs(root, "/dev", 0755, 0, RUN_MOUNT_DEVICES, err);
	r = show_nodes(dev_fd, fds, err);
	return r < 0 ? r : STEAL_FD(dev_fd);
}

/* The terminal on the standard output, as programs for a console want it. */
static int show_console(int dev_fd, struct error *err)
{
	autoclose int fd = -1;
	char path[64];

	if (ttyname_r(STDOUT_FILENO, path, sizeof(path)) != 0)
		return 0;
	fd = run_mount_clone(path, RUN_MOUNT_DEVICES);
	return fd < 0 ? 0 : show_file(dev_fd, "console", fd, err);
}

static int make_links(int dev_fd, bool has_pts, struct error *err)
{
	size_t count = sizeof(links) / sizeof(*links) - (has_pts ? 0 : 1);

	for (size_t i = 0; i < count; i++)
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0)
			return error_set_errno(err, -errno,
					       "cannot make /dev/%s",
					       links[i].name);
	return 0;
}

static int mount_below(int dev_fd, const char *name, const char *type,
		       const struct run_mount_option *options, unsigned flags,
		       struct error *err)
{
	autoclose int fd = run_mount_make(type, options, flags);
	autoclose int target_fd = -1;
	int r = fd;

	if (fd >= 0) {
		target_fd =
			openat(dev_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = target_fd < 0 ? -errno : run_mount_attach(fd, target_fd);
	}
	return r < 0 ? error_set_errno(err, r, "cannot mount /dev/%s", name)
		     : 0;
}

static int mount_all_below(int dev_fd, bool has_pts, bool has_mqueue,
			   struct error *err)
{
	static const struct run_mount_option shm[] = { { "mode", "1777" },
						       { NULL, NULL } };
	static const struct run_mount_option pts[] = { { "ptmxmode", "0666" },
						       { "mode", "0620" },
						       { NULL, NULL } };
	int r;

	if (mkdirat(dev_fd, "shm", 01777) < 0 ||
	    (has_mqueue && mkdirat(dev_fd, "mqueue", 01777) < 0) ||
	    (has_pts && mkdirat(dev_fd, "pts", 0755) < 0))
		return error_set_errno(err, -errno, "cannot fill /dev");
	r = mount_below(dev_fd, "shm", "tmpfs", shm, RUN_MOUNT_NO_EXEC, err);
	if (r == 0 && has_pts)
		r = mount_below(dev_fd, "pts", "devpts", pts,
				RUN_MOUNT_NO_EXEC | RUN_MOUNT_DEVICES, err);
	return r;
}

int run_dev_mount(struct run_path_root *root, bool has_pts, bool has_mqueue,
		  struct error *err)
{
	autoclose int dev_fd = mount_nodes(root, err);
	int r;

	if (dev_fd < 0)
		return dev_fd;
	r = show_console(dev_fd, err);
	if (r == 0)
		r = make_links(dev_fd, has_pts, err);
	if (r == 0)
		r = mount_all_below(dev_fd, has_pts, has_mqueue, err);
	return r;
}

int run_dev_mount_nodes(struct run_path_root *root, struct error *err)
{
	autoclose int dev_fd = mount_nodes(root, err);

	return dev_fd < 0 ? dev_fd : run_mount_set_read_only(dev_fd, err);
}

void run_dev_mount_mqueue(void)
{
	(void)mount("mqueue", "/dev/mqueue", "mqueue",
		    MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}
