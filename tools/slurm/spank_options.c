/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/slurm/spank_options.h"

#include <limits.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_S = 1800, /* an image without an index is read first */
};

/* What an option of ours becomes for lazyrun; set by slurm's parser. */
struct passed {
	const char *word;
	char *value; /* NULL for flags, and until given */
	bool is_given;
};

enum {
	IMAGE,
	BIND,
	WORKDIR,
	ENVIRONMENT,
	NV,
	ROCM,
	CONTAIN,
	NO_HOME,
	WRITABLE,
	OPTION_COUNT,
};

static struct passed passed[OPTION_COUNT] = {
	[BIND] = { .word = "--bind" },
	[WORKDIR] = { .word = "--pwd" },
	[ENVIRONMENT] = { .word = "--env" },
	[NV] = { .word = "--nv" },
	[ROCM] = { .word = "--rocm" },
	[CONTAIN] = { .word = "--contain" },
	[NO_HOME] = { .word = "--no-home" },
	[WRITABLE] = { .word = "--writable-tmpfs" },
};

static const char *program = LAZYRUN_PROGRAM;
static int timeout_s = TIMEOUT_S;

static int take_option(int number, const char *value, int remote)
{
	struct passed *option = &passed[number];

	(void)remote;
	option->is_given = true;
	if (!value)
		return ESPANK_SUCCESS;
	free(option->value);
	option->value = *value ? strdup(value) : NULL;
	return option->value ? ESPANK_SUCCESS : ESPANK_BAD_ARG;
}

#define HAS_VALUE 1

static struct spank_option options[] = {
	{ "lazy-image", "IMAGE",
	  "run the tasks in an image, which is loaded as it is read", HAS_VALUE,
	  IMAGE, take_option },
	{ "lazy-bind", "SRC[:DST[:ro]],...", "show host paths inside",
	  HAS_VALUE, BIND, take_option },
	{ "lazy-workdir", "DIR", "working directory inside", HAS_VALUE, WORKDIR,
	  take_option },
	{ "lazy-env", "NAME=VALUE", "set a variable inside", HAS_VALUE,
	  ENVIRONMENT, take_option },
	{ "lazy-nv", NULL, "show the node's NVIDIA driver and GPUs inside", 0,
	  NV, take_option },
	{ "lazy-rocm", NULL, "show the node's AMD GPU libraries inside", 0,
	  ROCM, take_option },
	{ "lazy-contain", NULL, "no host /tmp, home or devices inside", 0,
	  CONTAIN, take_option },
	{ "lazy-no-home", NULL, "do not show the home directory inside", 0,
	  NO_HOME, take_option },
	{ "lazy-writable", NULL, "let tasks write anywhere; lost at the end", 0,
	  WRITABLE, take_option },
	SPANK_OPTIONS_TABLE_END
};

void spank_options_take_arguments(int count, char **words)
{
	for (int i = 0; i < count; i++) {
		if (strncmp(words[i], "lazyrun=", 8) == 0)
			program = words[i] + 8;
		else if (strncmp(words[i], "timeout=", 8) == 0)
			timeout_s = (int)strtol(words[i] + 8, NULL, 10);
		else
			slurm_error("lazyrun: plugstack.conf: \"%s\" is not "
				    "known; lazyrun=PATH and timeout=SECONDS "
				    "are",
				    words[i]);
	}
	if (timeout_s <= 0 || timeout_s > INT_MAX / 1000)
		timeout_s = TIMEOUT_S;
}

spank_err_t spank_options_register(spank_t spank)
{
	spank_err_t r = ESPANK_SUCCESS;

	for (int i = 0; options[i].name && r == ESPANK_SUCCESS; i++)
		r = spank_option_register(spank, &options[i]);
	return r;
}

const char *spank_options_image(void)
{
	return passed[IMAGE].value;
}

const char *spank_options_workdir(void)
{
	return passed[WORKDIR].value;
}

const char *spank_options_program(void)
{
	return program;
}

int spank_options_timeout_s(void)
{
	return timeout_s;
}

void spank_options_list_words(const char *name,
			      const char *ret[SPANK_OPTIONS_WORDS_MAX])
{
	int count = 0;

	ret[count++] = "lazyrun";
	ret[count++] = "--quiet";
	ret[count++] = "instance";
	ret[count++] = "start";
	ret[count++] = "--say-root";
	for (int i = BIND; i < OPTION_COUNT; i++) {
		if (!passed[i].is_given)
			continue;
		ret[count++] = passed[i].word;
		if (passed[i].value)
			ret[count++] = passed[i].value;
	}
	ret[count++] = passed[IMAGE].value;
	ret[count++] = name;
	ret[count] = NULL;
}
