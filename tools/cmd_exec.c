/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec, run, shell and test: the four ways to choose what a job executes.
 */
#include "common/error.h"
#include "run/run.h"
#include "tools/command.h"
#include "tools/job.h"
#include "tools/job_command.h"
#include "tools/job_options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* With a cache that nobody else has, and that goes with the job. */
static int run_without_cache(const struct job *job, struct job_options *options,
			     struct error *err)
{
	const char *folder = getenv("TMPDIR");
	char path[PATH_MAX];

	if (!folder || folder[0] != '/')
		folder = "/tmp";
	snprintf(path, sizeof(path), "%.4000s/lazyrun-cache-XXXXXX", folder);
	if (!mkdtemp(path))
		return error_set_errno(err, -errno,
				       "cannot make a cache of the job's own "
				       "in %s",
				       folder);
	options->common.cache_dir = path;
	options->remove_cache = true;
	return job_run(job, err);
}

static int run_job(void *values, const char *command, char **operands,
		   job_command_fn *choose, bool prefers_image_cwd,
		   struct error *err)
{
	struct job_options *options = values;
	const struct job job = {
		.options = options,
		.command = command,
		.image = operands[0],
		.arguments = operands + 1,
		.choose = choose,
		.prefers_image_cwd = prefers_image_cwd,
	};
	int r = job_options_settle(options, err);

	if (r == 0)
		r = cgroup_scope_enter(&options->limits, err);
	if (r == -ENOTSUP)
		r = RUN_EXIT_FAILURE;
	else if (r < 0)
		r = options->common.is_apptainer ? r : EXIT_USAGE;
	else if (options->disable_cache)
		r = run_without_cache(&job, options, err);
	else
		r = job_run(&job, err);
	job_options_fini(options);
	return r;
}

static int exec_main(void *values, char **operands, int count,
		     struct error *err)
{
	(void)count;
	return run_job(values, "exec", operands, job_command_exec, false, err);
}

static int run_main(void *values, char **operands, int count, struct error *err)
{
	const struct job_options *options = values;

	(void)count;
	return run_job(values, "run", operands, job_command_run,
		       !options->common.is_apptainer, err);
}

static int shell_main(void *values, char **operands, int count,
		      struct error *err)
{
	(void)count;
	return run_job(values, "shell", operands, job_command_shell, false,
		       err);
}

static int test_main(void *values, char **operands, int count,
		     struct error *err)
{
	(void)count;
	return run_job(values, "test", operands, job_command_test, false, err);
}

#define JOB_DETAILS                                                            \
	"IMAGE is docker://[HOST[:PORT]/]NAME[:TAG][@DIGEST], oci:DIR[:TAG], " \
	"a SIF or SquashFS file,\na directory, or an http(s) or osdf URL of "  \
	"such a file.  Only what the job touches is\nfetched.  Exit status: "  \
	"the command's own; 125 when lazyrun itself fails, 126 when the\n"     \
	"command cannot be executed, 127 when it is not found, 2 for wrong "   \
	"usage; --exit-style\napptainer: 255 and 1 instead."

static const struct option *const more_options[] = {
	apptainer_option_table,
	NULL,
};

/* `lazyrun run` only: an apptainer has none of docker's letters. */
static const struct option *const more_run_options[] = {
	docker_option_table,
	apptainer_option_table,
	NULL,
};

const struct command cmd_exec = {
	.name = "exec",
	.operands = "IMAGE COMMAND [ARGUMENT...]",
	.summary = "run a command inside an image",
	.details = JOB_DETAILS,
	.options = job_option_table,
	.more_options = more_options,
	.values_size = sizeof(struct job_options),
	.stops_early = true,
	.operands_min = 2,
	.operands_max = -1,
	.failure_status = RUN_EXIT_FAILURE,
	.main = exec_main,
};

const struct command cmd_run = {
	.name = "run",
	.operands = "IMAGE [ARGUMENT...]",
	.summary = "run an image's own script, or entrypoint and command",
	.details = JOB_DETAILS,
	.options = job_option_table,
	.more_options = more_run_options,
	.values_size = sizeof(struct job_options),
	.stops_early = true,
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = RUN_EXIT_FAILURE,
	.main = run_main,
};

const struct command cmd_shell = {
	.name = "shell",
	.operands = "IMAGE [ARGUMENT...]",
	.summary = "run a shell inside an image",
	.details = JOB_DETAILS,
	.options = job_option_table,
	.more_options = more_options,
	.values_size = sizeof(struct job_options),
	.stops_early = true,
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = RUN_EXIT_FAILURE,
	.main = shell_main,
};

const struct command cmd_test = {
	.name = "test",
	.operands = "IMAGE [ARGUMENT...]",
	.summary = "run an image's own test, if it has one",
	.details = JOB_DETAILS,
	.options = job_option_table,
	.more_options = more_options,
	.values_size = sizeof(struct job_options),
	.stops_early = true,
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = RUN_EXIT_FAILURE,
	.main = test_main,
};
