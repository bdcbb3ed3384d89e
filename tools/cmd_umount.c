/* SPDX-License-Identifier: Apache-2.0 */
/*
 * umount: end a mount of ours.  As root by umount2(2), else by fusermount3,
 * which is found in fixed places and run without a shell.
 */
#include "common/error.h"
#include "tools/command.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

struct umount_options {
	struct common_options common;
	bool lazy;
};

static const struct option umount_option_table[] = {
	{ "lazy", 'l', OPTION_FLAG, NULL,
	  "detach now, let go when nobody uses it any more", NULL,
	  offsetof(struct umount_options, lazy) },
	{ 0 },
};

static int run_fusermount(const char *directory, bool is_lazy,
			  struct error *err)
{
	static const char *const places[] = { "/usr/bin/fusermount3",
					      "/bin/fusermount3",
					      "/usr/local/bin/fusermount3" };
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return error_set_errno(err, -errno, "cannot fork");
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
			execl(places[i], "fusermount3", is_lazy ? "-uz" : "-u",
			      "--", directory, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(err, -ENOENT,
				 "fusermount3 is not installed; install the "
				 "package fuse3");
	return error_set(err, -EBUSY,
			 "%s could not be unmounted: it is in use or not a "
			 "mount of yours (--lazy detaches it anyway)",
			 directory);
}

static int umount_main(void *values, char **operands, int count,
		       struct error *err)
{
	const struct umount_options *options = values;
	const char *directory = operands[0];

	(void)count;
	if (geteuid() != 0)
		return run_fusermount(directory, options->lazy, err);
	if (umount2(directory,
		    UMOUNT_NOFOLLOW | (options->lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno == EINVAL)
		return error_set(err, -EINVAL, "%s is not a mount point",
				 directory);
	if (errno == EBUSY)
		return error_set(err, -EBUSY,
				 "%s is in use (--lazy detaches it anyway)",
				 directory);
	return error_set_errno(err, -errno, "cannot unmount %s", directory);
}

const struct command cmd_umount = {
	.name = "umount",
	.operands = "DIR",
	.summary = "end a mount",
	.options = umount_option_table,
	.values_size = sizeof(struct umount_options),
	.operands_min = 1,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = umount_main,
};
