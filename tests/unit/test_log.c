/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include "common/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int read_fd = -1;
static int saved_stderr = -1;

/* Standard error becomes a pipe that read_lines() empties. */
static void set_up(void)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	read_fd = fds[0];
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	cr_assert_geq(dup2(fds[1], STDERR_FILENO), 0);
	close(fds[1]);
}

static void tear_down(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(read_fd);
}

TestSuite(log, .init = set_up, .fini = tear_down);

static const char *read_lines(void)
{
	static char text[8192];
	ssize_t n = read(read_fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

Test(log, writes_a_line_per_event)
{
	log_event(LOG_WARN, "fs", "op=%s ino=%d", "read", 42);
	log_event(LOG_ERROR, "tools", "text=\"%s\"", "no");
	cr_expect_str_eq(read_lines(), "level=warn mod=fs op=read ino=42\n"
				       "level=error mod=tools text=\"no\"\n");
}

Test(log, is_silent_below_its_level)
{
	log_event(LOG_INFO, "fs", "op=read");
	cr_expect_str_eq(read_lines(), "", "warn is the default");
	cr_expect_not(log_is_enabled(LOG_INFO));
	log_set_level(LOG_DEBUG);
	cr_expect(log_is_enabled(LOG_DEBUG));
	log_event(LOG_DEBUG, "fs", "op=read");
	cr_expect_str_eq(read_lines(), "level=debug mod=fs op=read\n");
	log_set_level(LOG_ERROR);
	log_event(LOG_WARN, "fs", "op=read");
	cr_expect_str_eq(read_lines(), "");
}

Test(log, cuts_long_lines_before_their_end)
{
	char text[5000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_event(LOG_ERROR, "fs", "text=%s", text);
	line = read_lines();
	cr_expect_leq(strlen(line), 2048);
	cr_expect_eq(line[strlen(line) - 1], '\n');
	cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1);
}

Test(log, lets_one_place_speak_so_often)
{
	struct log_rate rate = { 0 };
	unsigned allowed = 0;

	for (int i = 0; i < 100; i++)
		allowed += log_rate_allows(&rate, 3);
	cr_expect_eq(allowed, 3);
	rate.window_start_ms = clock_ms() - 10001;
	cr_expect(log_rate_allows(&rate, 3), "a new window has begun");
}

Test(log, names_errno_values)
{
	cr_expect_str_eq(log_errno_name(-EIO), "EIO");
	cr_expect_str_eq(log_errno_name(EBADMSG), "EBADMSG");
	cr_expect_str_eq(log_errno_name(-100000), "E?");
}
