/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/trace.h"

#include "common/error.h"
#include "fetch/http_exchange.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINES_MAX = 8, START_US = 5000000 };

static char dir[TEMP_DIR_SIZE];
static char path[TEMP_DIR_SIZE + 8];
static json_t *lines[LINES_MAX];

static void set_up(void)
{
	temp_dir_create(dir);
	snprintf(path, sizeof(path), "%s/trace", dir);
}

static void tear_down(void)
{
	for (size_t i = 0; i < LINES_MAX; i++)
		json_decref(lines[i]);
	temp_dir_remove(dir);
}

TestSuite(trace, .init = set_up, .fini = tear_down);

static size_t read_lines(void)
{
	FILE *file = fopen(path, "re");
	char text[1024];
	size_t count = 0;

	cr_assert(file);
	while (count < LINES_MAX && fgets(text, sizeof(text), file)) {
		lines[count] = json_loads(text, 0, NULL);
		cr_assert(lines[count], "no JSON: %s", text);
		count++;
	}
	fclose(file);
	return count;
}

static const char *text_of(size_t line, const char *name)
{
	return json_string_value(json_object_get(lines[line], name));
}

static double number_of(size_t line, const char *name)
{
	return json_number_value(json_object_get(lines[line], name));
}

Test(trace, is_nothing_without_a_path)
{
	struct trace *trace = (struct trace *)dir;

	cr_assert_eq(trace_open(NULL, START_US, &trace, NULL), 0);
	cr_assert_null(trace);
	trace_event(trace, "a", 0);
	trace_event_with(trace, "b", 0, json_pack("{s:i}", "x", 1));
	trace_close(trace);
}

Test(trace, has_a_line_of_json_for_each_event)
{
	struct trace *trace = NULL;

	cr_assert_eq(trace_open(path, START_US, &trace, NULL), 0);
	trace_event(trace, "mounted", START_US + 1500);
	trace_event_with(trace, "index", START_US + 2000,
			 json_pack("{s:s}", "origin", "cache"));
	trace_event_with(trace, "empty", START_US + 3000, json_object());
	trace_close(trace);
	cr_assert_eq(read_lines(), 4);
	cr_expect_str_eq(text_of(0, "event"), "mounted");
	cr_expect_float_eq(number_of(0, "ms"), 1.5, 1e-6);
	cr_expect_eq((pid_t)number_of(0, "pid"), getpid());
	cr_expect_str_eq(text_of(1, "origin"), "cache");
	cr_expect_str_eq(text_of(2, "event"), "empty");
	cr_expect_str_eq(text_of(3, "event"), "end");
}

Test(trace, of_a_second_run_follows_the_first)
{
	struct trace *trace = NULL;

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(trace_open(path, START_US, &trace, NULL), 0);
		trace_close(trace);
	}
	cr_assert_eq(read_lines(), 2);
}

Test(trace, of_a_request_has_no_secret_of_its_url)
{
	const struct http_exchange exchange = {
		.url = "https://storage.example/blob?signature=secret#x",
		.status = 206,
		.has_range = true,
		.range_off = 4096,
		.range_size = 512,
		.body_size = 512,
		.submitted_us = START_US + 1000,
		.started_us = START_US + 2000,
		.first_byte_us = START_US + 3000,
		.ended_us = START_US + 4000,
	};
	struct trace *trace = NULL;

	cr_assert_eq(trace_open(path, START_US, &trace, NULL), 0);
	trace_exchange(trace, &exchange);
	trace_exchange(trace, &exchange);
	trace_close(trace);
	/* first_byte once only */
	cr_assert_eq(read_lines(), 4);
	cr_expect_str_eq(text_of(0, "event"), "first_byte");
	cr_expect_float_eq(number_of(0, "ms"), 3, 1e-6);
	cr_expect_str_eq(text_of(1, "event"), "request");
	cr_expect_str_eq(text_of(1, "url"), "https://storage.example/blob");
	cr_expect_float_eq(number_of(1, "ms"), 4, 1e-6);
	cr_expect_eq(number_of(1, "offset"), 4096);
	cr_expect_eq(number_of(1, "bytes"), 512);
	cr_expect_float_eq(number_of(1, "queued_ms"), 1, 1e-6);
	cr_expect_null(json_object_get(lines[1], "connected_ms"));
	cr_expect_str_eq(text_of(2, "event"), "request");
}

Test(trace, that_cannot_be_written_is_an_error)
{
	struct error err = { 0 };
	struct trace *trace = NULL;
	char missing[TEMP_DIR_SIZE + 8];

	snprintf(missing, sizeof(missing), "%s/no/file", dir);
	cr_assert_eq(trace_open(missing, 0, &trace, &err), -ENOENT);
	cr_expect(strstr(err.text, missing), "%s", err.text);
}
