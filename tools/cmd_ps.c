/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps: the mounts that are kept on this node, and who uses them.
 */
#include "common/clock.h"
#include "common/error.h"
#include "tools/command.h"
#include "tools/instance_list.h"
#include "tools/size_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *get_text(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? text : "?";
}

static int64_t get_number(const json_t *json, const char *name)
{
	return json_integer_value(json_object_get(json, name));
}

static void print_row(const json_t *instance)
{
	int64_t age_s = clock_wall_s() - get_number(instance, "started");
	size_t jobs = json_array_size(json_object_get(instance, "jobs"));
	char fetched[SIZE_TEXT_MAX];

	size_text_format((uint64_t)get_number(instance, "bytes_fetched"),
			 fetched);
	printf("%-20s %7" PRId64 " %4zu %6" PRId64 "s %9s  %s\n",
	       get_text(instance, "name"), get_number(instance, "pid"), jobs,
	       age_s, fetched, get_text(instance, "image"));
}

static int ps_main(void *values, char **operands, int count, struct error *err)
{
	const struct common_options *options = values;
	json_t *list = NULL;
	const json_t *instance;
	size_t i;
	int r = instance_list_ask(options, &list, err);

	(void)operands;
	(void)count;
	if (r < 0)
		return r;
	if (options->json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("%-20s %7s %4s %7s %9s  %s\n", "NAME", "PID", "JOBS",
		       "AGE", "FETCHED", "IMAGE");
		json_array_foreach (list, i, instance)
			print_row(instance);
	}
	json_decref(list);
	return 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.operands = "",
	.summary = "list the mounts that are kept on this node",
	.details =
		"Yours, started by `instance start` or --keep.  --json tells "
		"more, with the process\nids of the jobs that joined each.",
	.values_size = sizeof(struct common_options),
	.operands_min = 0,
	.operands_max = 0,
	.failure_status = EXIT_FAILED,
	.main = ps_main,
};
