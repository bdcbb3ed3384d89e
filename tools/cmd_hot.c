/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hot-tree: what hot_builder_start() executes.  No command for people: jobs
 * start it by themselves.
 */
#include "tools/command.h"
#include "tools/hot_builder.h"

#include <stddef.h>

struct hot_options {
	struct common_options common;
	bool maps_ids;
	uint64_t delay_ms;
};

static const struct option hot_option_table[] = {
	{ "maps-ids", 0, OPTION_FLAG, NULL, "all files belong to the user",
	  NULL, offsetof(struct hot_options, maps_ids) },
	{ "delay", 0, OPTION_DURATION, "TIME", "begin so much later [0]", NULL,
	  offsetof(struct hot_options, delay_ms) },
	{ 0 },
};

static int hot_main(void *values, char **operands, int count, struct error *err)
{
	const struct hot_options *options = values;
	const struct hot_builder_order order = {
		.image = operands[0],
		.maps_ids = options->maps_ids,
		.delay_ms = options->delay_ms,
	};

	(void)count;
	return hot_builder_run(&options->common, &order, err);
}

const struct command cmd_hot = {
	.name = "hot-tree",
	.operands = "IMAGE",
	.summary = "make an image's hot tree of what jobs have read",
	.options = hot_option_table,
	.values_size = sizeof(struct hot_options),
	.operands_min = 1,
	.operands_max = 1,
	.is_hidden = true,
	.failure_status = EXIT_FAILED,
	.main = hot_main,
};
