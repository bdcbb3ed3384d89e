/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench: how long a command's start takes on this node and this network: from
 * nothing, cold, with a profile, warm, and after fetching everything.
 *
 * Every run is a lazyrun process of its own (tools/bench_child.h) with a trace,
 * in a folder of its own that is removed at the end: caches of the user's are
 * not touched.  The first run's cache supplies index and profile of the others.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "tools/bench_child.h"
#include "tools/bench_page.h"
#include "tools/bench_plan.h"
#include "tools/bench_trace.h"
#include "tools/command.h"
#include "tools/size_text.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_options {
	struct common_options common;
	uint64_t runs;
	uint64_t timeout_ms;
	const char *work_dir;
	const char *html;
};

#define OPT(member) offsetof(struct bench_options, member)

enum { RUNS = 3, TIMEOUT_MS = 30 * 60 * 1000 };

static const struct option bench_option_table[] = {
	{ "runs", 'n', OPTION_NUMBER, "N", "runs of each kind [3]", NULL,
	  OPT(runs) },
	{ "timeout", 0, OPTION_DURATION, "TIME", "bound of one run [30m]", NULL,
	  OPT(timeout_ms) },
	{ "work-dir", 0, OPTION_TEXT, "DIR",
	  "where caches are made, and removed [/var/tmp]", "TMPDIR",
	  OPT(work_dir) },
	{ "html", 0, OPTION_TEXT, "FILE",
	  "write a page with the table and waterfalls", NULL, OPT(html) },
	{ 0 },
};

static int compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

static double median_of(const struct bench_runs *runs, double *ret_min,
			double *ret_max)
{
	double seconds[BENCH_RUNS_MAX];
	size_t count = runs->count;

	for (size_t i = 0; i < count; i++)
		seconds[i] = runs->items[i].seconds;
	qsort(seconds, count, sizeof(*seconds), compare);
	*ret_min = seconds[0];
	*ret_max = seconds[count - 1];
	return (seconds[count / 2] + seconds[(count - 1) / 2]) / 2;
}

/* Bytes, requests and waterfall are those of the run nearest the median. */
static const struct bench_result *nearest(const struct bench_runs *runs,
					  double seconds)
{
	const struct bench_result *best = &runs->items[0];

	for (size_t i = 1; i < runs->count; i++)
		if (fabs(runs->items[i].seconds - seconds) <
		    fabs(best->seconds - seconds))
			best = &runs->items[i];
	return best;
}

static void sum_up(const struct bench_runs *runs, enum bench_kind kind,
		   struct bench_page_row *ret)
{
	const struct bench_result *typical;

	*ret = (struct bench_page_row){
		.name = bench_plan_name(kind),
		.meaning = bench_plan_meaning(kind),
		.runs = (unsigned)runs->count,
	};
	ret->seconds = median_of(runs, &ret->seconds_min, &ret->seconds_max);
	typical = nearest(runs, ret->seconds);
	ret->began_seconds = typical->began_seconds;
	ret->bytes = typical->trace.bytes;
	ret->requests = typical->trace.requests_all;
	ret->trace = &typical->trace;
}

static void print_table(const struct bench_page *page)
{
	char size[SIZE_TEXT_MAX];

	printf("%-18s %4s %9s  %-15s %8s %10s %9s\n", "start", "runs",
	       "seconds", "range", "began", "fetched", "requests");
	for (size_t i = 0; i < page->row_count; i++) {
		const struct bench_page_row *row = &page->rows[i];

		printf("%-18s %4u %9.2f  %6.2f-%-8.2f %8.2f %10s %9llu\n",
		       row->name, row->runs, row->seconds, row->seconds_min,
		       row->seconds_max, row->began_seconds,
		       size_text_format(row->bytes, size),
		       (unsigned long long)row->requests);
	}
	printf("\n");
	for (size_t i = 0; i < page->row_count; i++)
		printf("%-18s %s\n", page->rows[i].name, page->rows[i].meaning);
	printf("%-18s until the command was executed; medians; an image of "
	       "%s\n",
	       "began", size_text_format(page->image_bytes, size));
}

static int print_json(const struct bench_page *page, const char *image,
		      char *const *words, struct error *err)
{
	json_t *rows = json_array();
	json_t *command = json_array();
	json_t *json;
	int r = 0;

	for (; *words; words++)
		json_array_append_new(command, json_string(*words));
	for (size_t i = 0; i < page->row_count; i++) {
		const struct bench_page_row *row = &page->rows[i];

		json_array_append_new(
			rows,
			json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:I, s:I}",
				  "start", row->name, "runs", (int)row->runs,
				  "seconds", row->seconds, "seconds_min",
				  row->seconds_min, "seconds_max",
				  row->seconds_max, "began_seconds",
				  row->began_seconds, "bytes",
				  (json_int_t)row->bytes, "requests",
				  (json_int_t)row->requests));
	}
	json = json_pack("{s:s, s:o, s:I, s:o}", "image", image, "command",
			 command, "image_bytes", (json_int_t)page->image_bytes,
			 "starts", rows);
	if (!json || json_dumpf(json, stdout, JSON_COMPACT) < 0)
		r = error_set(err, -ENOMEM, "out of memory");
	else
		printf("\n");
	json_decref(json);
	return r;
}

/* The words of a command as one text to be read, those with blanks in quotes;
 * NULL when out of memory. */
static char *join_words(char *const *words)
{
	size_t size = 1;
	char *text;
	char *end;

	for (char *const *word = words; *word; word++)
		size += strlen(*word) + 3;
	text = malloc(size);
	if (!text)
		return NULL;
	end = text;
	*end = '\0';
	for (; *words; words++) {
		const char *quote = strpbrk(*words, " \t\n") ? "'" : "";

		end += snprintf(end, size - (size_t)(end - text), "%s%s%s%s",
				end == text ? "" : " ", quote, *words, quote);
	}
	return text;
}

static int report(const struct bench_options *options,
		  const struct bench_plan *plan, struct error *err)
{
	struct bench_page_row rows[BENCH_KIND_COUNT];
	autofree char *command = join_words(plan->command);
	struct bench_page page = {
		.image = plan->image,
		.command = command,
		.rows = rows,
	};
	int r = 0;

	if (!command)
		return error_set(err, -ENOMEM, "out of memory");
	for (enum bench_kind kind = 0; kind < BENCH_KIND_COUNT; kind++) {
		const struct bench_runs *runs = &plan->kinds[kind];

		if (runs->count == 0 || !bench_plan_is_shown(plan, kind))
			continue;
		if (runs->items[0].trace.image_bytes > 0)
			page.image_bytes = runs->items[0].trace.image_bytes;
		sum_up(runs, kind, &rows[page.row_count++]);
	}
	if (options->html)
		r = bench_page_write(&page, options->html, err);
	if (r < 0)
		return r;
	if (options->common.json)
		return print_json(&page, plan->image, plan->command, err);
	print_table(&page);
	return 0;
}

static int bench_main(void *values, char **operands, int count,
		      struct error *err)
{
	const struct bench_options *options = values;
	struct bench_plan plan = {
		.common = &options->common,
		.image = operands[0],
		.command = operands + 1,
		.work_dir = options->work_dir ? options->work_dir : "/var/tmp",
		.runs = options->runs ? (unsigned)options->runs : RUNS,
		.timeout_ms = options->timeout_ms ? (int64_t)options->timeout_ms
						  : TIMEOUT_MS,
	};
	int r;

	(void)count;
	if (options->runs > BENCH_RUNS_MAX)
		return command_usage_error(err, "--runs is 1 to %d",
					   BENCH_RUNS_MAX);
	bench_child_catch_signals();
	r = bench_plan_run(&plan, err);
	if (r == 0)
		r = report(options, &plan, err);
	bench_plan_fini(&plan);
	return r;
}

const struct command cmd_bench = {
	.name = "bench",
	.operands = "IMAGE -- COMMAND [ARGUMENT...]",
	.summary = "time a command's start: cold, warm, after a full fetch",
	.details = "Runs the command in caches of its own and removes them; "
		   "the image is fetched several\ntimes.  What exec needs "
		   "beside (--bind, --nv ...) is given by its variables\n"
		   "(LAZYRUN_BIND, ...).",
	.options = bench_option_table,
	.values_size = sizeof(struct bench_options),
	.operands_min = 2,
	.operands_max = -1,
	.failure_status = EXIT_FAILED,
	.main = bench_main,
};
