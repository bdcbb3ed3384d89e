/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_trace.h"

#include "common/error.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static char dir[TEMP_DIR_SIZE];
static char path[TEMP_DIR_SIZE + 8];
static struct bench_trace trace;

static void set_up(void)
{
	temp_dir_create(dir);
	snprintf(path, sizeof(path), "%s/trace", dir);
}

static void tear_down(void)
{
	bench_trace_fini(&trace);
	temp_dir_remove(dir);
}

TestSuite(bench_trace, .init = set_up, .fini = tear_down);

static FILE *begin(void)
{
	FILE *file = fopen(path, "we");

	cr_assert(file);
	return file;
}

Test(bench_trace, has_events_requests_and_sums)
{
	struct error err = { 0 };
	FILE *file = begin();

	fputs("{\"ms\":1,\"event\":\"request\",\"bytes\":10,\"queued_ms\":0.25,"
	      "\"started_ms\":0.5,\"new_connection\":true}\n"
	      "{\"ms\":2,\"event\":\"index\",\"image_bytes\":5000}\n"
	      "{\"ms\":3,\"event\":\"request\",\"bytes\":90,\"offset\":0,"
	      "\"first_byte_ms\":2.5}\n"
	      "{\"ms\":4,\"event\":\"exit\",\"bytes_fetched\":7}\n",
	      file);
	fclose(file);
	cr_assert_eq(bench_trace_load(path, 0, &trace, &err), 0, "%s",
		     err.text);
	cr_expect_eq(trace.event_count, 2);
	cr_expect_float_eq(bench_trace_find(&trace, "index"), 2, 1e-9);
	cr_expect_float_eq(bench_trace_find(&trace, "none"), -1, 1e-9);
	cr_expect_eq(trace.image_bytes, 5000);
	cr_expect_eq(trace.requests_all, 2);
	cr_expect_eq(trace.bytes, 100);
	cr_assert_eq(trace.request_count, 2);
	cr_expect(trace.requests[0].has_opened_connection);
	cr_expect(!trace.requests[0].is_range);
	cr_expect_float_eq(trace.requests[0].first_byte_ms, -1, 1e-9);
	cr_expect(trace.requests[1].is_range);
	cr_expect_float_eq(trace.requests[1].first_byte_ms, 2.5, 1e-9);
}

Test(bench_trace, puts_one_run_behind_another)
{
	FILE *file = begin();

	fputs("{\"ms\":1,\"event\":\"request\",\"bytes\":10,\"queued_ms\":0.5}"
	      "\n"
	      "{\"ms\":2,\"event\":\"end\"}\n",
	      file);
	fclose(file);
	cr_assert_eq(bench_trace_load(path, 0, &trace, NULL), 0);
	file = begin();
	fputs("{\"ms\":1,\"event\":\"request\",\"bytes\":5,\"queued_ms\":0.25}"
	      "\n"
	      "{\"ms\":3,\"event\":\"exec\"}\n",
	      file);
	fclose(file);
	cr_assert_eq(bench_trace_load(path, 100, &trace, NULL), 0);
	cr_expect_eq(trace.bytes, 15);
	cr_assert_eq(trace.request_count, 2);
	cr_expect_float_eq(trace.requests[0].queued_ms, 0.5, 1e-9);
	cr_expect_float_eq(trace.requests[1].queued_ms, 100.25, 1e-9);
	cr_expect_float_eq(trace.requests[1].ended_ms, 101, 1e-9);
	cr_expect_float_eq(trace.requests[1].first_byte_ms, -1, 1e-9);
	cr_expect_float_eq(bench_trace_find(&trace, "end"), 2, 1e-9);
	cr_expect_float_eq(bench_trace_find(&trace, "exec"), 103, 1e-9);
}

Test(bench_trace, without_requests_has_what_was_loaded)
{
	FILE *file = begin();

	fputs("{\"ms\":4,\"event\":\"exit\",\"bytes_fetched\":7}", file);
	fclose(file);
	cr_assert_eq(bench_trace_load(path, 0, &trace, NULL), 0);
	cr_expect_eq(trace.bytes, 7);
}

Test(bench_trace, counts_more_requests_and_events_than_it_keeps)
{
	FILE *file = begin();

	for (int i = 0; i < BENCH_TRACE_REQUESTS_MAX + 10; i++)
		fputs("{\"ms\":1,\"event\":\"request\"}\n", file);
	for (int i = 0; i < BENCH_TRACE_EVENTS_MAX + 10; i++)
		fputs("{\"ms\":1,\"event\":\"a name that is far too long\"}\n",
		      file);
	fclose(file);
	cr_assert_eq(bench_trace_load(path, 0, &trace, NULL), 0);
	cr_expect_eq(trace.requests_all, BENCH_TRACE_REQUESTS_MAX + 10);
	cr_expect_eq(trace.request_count, BENCH_TRACE_REQUESTS_MAX);
	cr_expect_eq(trace.event_count, BENCH_TRACE_EVENTS_MAX);
}

Test(bench_trace, refuses_what_is_none)
{
	static const char *const bad[] = {
		"hello\n",
		"[]\n",
		"{\"ms\":1}\n",
		"{\"event\":\"exec\"}\n",
		"{\"ms\":\"1\",\"event\":\"exec\"}\n",
		"{\"ms\":1,\"event\":\"exec\"}\n\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = { 0 };
		FILE *file = begin();

		fputs(bad[i], file);
		fclose(file);
		cr_expect_eq(bench_trace_load(path, 0, &trace, &err), -EPROTO,
			     "case: %s", bad[i]);
		cr_expect(strstr(err.text, path), "%s", err.text);
		bench_trace_fini(&trace);
	}
	cr_expect_eq(bench_trace_load("/no/such/trace", 0, &trace, NULL),
		     -ENOENT);
}
