/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_page.h"

#include "common/error.h"
#include "tests/support/temp_dir.h"
#include "tools/bench_trace.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static char dir[TEMP_DIR_SIZE];
static char path[TEMP_DIR_SIZE + 8];
static char text[65536];

static void set_up(void)
{
	temp_dir_create(dir);
	snprintf(path, sizeof(path), "%s/page", dir);
}

static void tear_down(void)
{
	temp_dir_remove(dir);
}

TestSuite(bench_page, .init = set_up, .fini = tear_down);

static struct bench_request request = {
	.queued_ms = 1,
	.started_ms = 2,
	.first_byte_ms = 22,
	.ended_ms = 30,
	.is_range = true,
};

static struct bench_trace trace = {
	.events = { { "exec", 12 }, { "<exit>", 40 } },
	.event_count = 2,
	.requests = &request,
	.request_count = 1,
	.requests_all = 1,
};

static void write_page(void)
{
	const struct bench_page_row row = {
		.name = "cold",
		.meaning = "a < b",
		.runs = 3,
		.seconds = 1.5,
		.seconds_min = 1.25,
		.seconds_max = 2.5,
		.began_seconds = 0.5,
		.bytes = 12000000,
		.requests = 17,
		.trace = &trace,
	};
	const struct bench_page page = {
		.image = "docker://x/\"y\"&z",
		.command = "sh -c '<script>'",
		.image_bytes = 1000,
		.rows = &row,
		.row_count = 1,
	};
	struct error err = { 0 };
	FILE *file;

	cr_assert_eq(bench_page_write(&page, path, &err), 0, "%s", err.text);
	file = fopen(path, "re");
	cr_assert(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
}

Test(bench_page, has_the_figures_and_a_waterfall)
{
	write_page();
	cr_expect(strstr(text, "<td>1.50<td>1.25&ndash;2.50<td>0.50<td>12.0 MB"
			       "<td>17<td>3</tr>"));
	cr_expect(strstr(text, "<svg"));
	cr_expect(strstr(text, "exec 12</text>"));
	/* waiting from 2 to 22 of 40.4 ms over 900 units */
	cr_expect(strstr(text, "<rect x=\"44.55\""));
	cr_expect(strstr(text, "</html>"));
}

Test(bench_page, escapes_what_came_from_outside)
{
	write_page();
	cr_expect(strstr(text, "docker://x/&quot;y&quot;&amp;z"));
	cr_expect(strstr(text, "&lt;script&gt;"));
	cr_expect(strstr(text, "a &lt; b"));
	cr_expect(strstr(text, "&lt;exit&gt;"));
	cr_expect_null(strstr(text, "<script"));
}

Test(bench_page, needs_nothing_from_elsewhere)
{
	write_page();
	cr_expect_null(strstr(text, "src="));
	cr_expect_null(strstr(text, "href="));
	cr_expect_null(strstr(text, "http:"));
	cr_expect_null(strstr(text, "https:"));
}

Test(bench_page, that_cannot_be_written_is_an_error)
{
	const struct bench_page page = { .image = "", .command = "" };
	struct error err = { 0 };

	cr_expect_eq(bench_page_write(&page, "/no/such/page", &err), -ENOENT);
	cr_expect(strstr(err.text, "/no/such/page"), "%s", err.text);
	cr_expect_lt(bench_page_write(&page, "/dev/full", &err), 0);
}
