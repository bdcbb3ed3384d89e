/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_idle.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <unistd.h>

void run_idle_leave_standard_io(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		dup2(fd, i);
	close(fd);
}

void run_idle_be(void)
{
	prctl(PR_SET_NAME, "lazyrun-idle");
	close_range(STDERR_FILENO + 1, UINT_MAX, 0);
	for (;;)
		pause();
}
