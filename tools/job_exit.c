/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_exit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

int job_exit_pass_on(int status)
{
	const struct rlimit no_core = { 0 };

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}
