/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/slurm/spank_task.h"

#include "tools/slurm/spank_instance.h"
#include "tools/slurm/spank_options.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITY_MAX = 63 };

/* Entering a user namespace gives every capability in it. */
static int drop_power(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	for (unsigned long i = 0; i <= CAPABILITY_MAX; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

void spank_task_find_command(spank_t spank)
{
	char **words = NULL;
	const char *name;
	char *copy;
	int count = 0;

	if (spank_get_item(spank, S_JOB_ARGV, &count, &words) !=
		    ESPANK_SUCCESS ||
	    count < 1 || words[0][0] != '/' || access(words[0], F_OK) == 0)
		return;
	name = strrchr(words[0], '/') + 1;
	copy = strdup(name);
	if (copy)
		words[0] = copy; /* slurmstepd searches PATH next */
}

int spank_task_enter(const struct spank_instance *instance)
{
	const char *wanted = spank_options_workdir();
	char cwd[PATH_MAX];

	if (!getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	if (setns(instance->user_fd, CLONE_NEWUSER) < 0 ||
	    setns(instance->mount_fd, CLONE_NEWNS) < 0)
		return -errno;
	if (wanted && chdir(wanted) < 0)
		return -errno;
	if (!wanted && chdir(cwd) < 0 && chdir("/") < 0)
		return -errno;
	return drop_power();
}
