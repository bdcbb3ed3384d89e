/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_description.h"

#include "common/error.h"
#include "image/image_config.h"
#include "image/image_ref.h"
#include "tools/gpu_option.h"
#include "tools/job.h"
#include "tools/job_hot.h"
#include "tools/job_image.h"
#include "tools/job_layers.h"
#include "tools/job_mounts.h"
#include "tools/job_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int make_environment(const struct job_description_parts *parts,
			    struct job_description *ret, struct error *err)
{
	const struct job_options *options = parts->job->options;
	const struct job_mounts *mounts = parts->mounts;
	const struct common_options *common = &options->common;
	const char *command = parts->job->command;
	const struct image_config *config = parts->image->config;
	const bool is_file = parts->ref->kind == IMAGE_REF_FILE ||
			     parts->ref->kind == IMAGE_REF_DIRECTORY;
	const struct job_environment_options environment = {
		.caller = (const char *const *)environ,
		.image = config ? (const char *const *)config->env : NULL,
		.extra = &options->env,
		.exact = &options->exact_env,
		.files = &options->env_files,
		.home = mounts->home,
		.image_reference = parts->ref->text,
		.image_path = is_file ? parts->ref->path : NULL,
		.command = command,
		.app = options->app,
		.binds = mounts->count ? mounts->binds + mounts->asked_from
				       : NULL,
		.bind_count = mounts->count - mounts->asked_from,
		.is_clean = options->clean_env,
		.is_apptainer = common->is_apptainer,
		.evaluates = !options->no_eval &&
			     (options->eval || common->is_apptainer),
		.says_no_eval = options->no_eval,
		.has_prompt =
			common->is_apptainer || strcmp(command, "shell") == 0,
	};
	int r = job_environment_fill(&environment, &ret->environment, err);

	ret->environment.run.evaluates_argv =
		environment.evaluates && strcmp(command, "run") == 0 &&
		job_command_runs_words(options, parts->image);
	return r;
}

static int name_host(const struct job_options *options,
		     struct job_description *ret, struct error *err)
{
	if (!options->hostname)
		return 0;
	if (asprintf(&ret->hostname_text, "%s\n", options->hostname) < 0) {
		ret->hostname_text = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	ret->hostname_file = (struct run_file){
		.path = "/etc/hostname",
		.text = ret->hostname_text,
		.is_mask = true,
	};
	return 0;
}

static void describe(const struct job_description_parts *parts,
		     const struct job_description *description,
		     struct run_job *ret)
{
	static const char *const nothing[] = { NULL };
	const struct job *job = parts->job;
	const struct job_options *options = job->options;
	const struct job_mounts *mounts = parts->mounts;
	const struct image_config *config = parts->image->config;

	*ret = (struct run_job){
		.argv = parts->argv,
		.envp = nothing,
		.environment = &description->environment.run,
		.home = mounts->home,
		.cwd = options->cwd ? options->cwd : mounts->cwd,
		.cwd_is_required = options->cwd != NULL,
		.binds = mounts->binds,
		.bind_count = mounts->count,
		.omitted = mounts->omitted,
		.has_minimal_dev = options->contain,
		.hostname = options->hostname,
		.files = &description->hostname_file,
		.file_count = options->hostname ? 1 : 0,
		.has_default_umask = options->no_umask,
		.writes_image = options->writable,
		.is_writable = options->writable || options->writable_tmpfs ||
			       mounts->overlays.upper,
		.overlays = parts->layers->places,
		.overlay_count = parts->layers->place_count,
		.overlay_upper = mounts->overlays.upper,
		.writable_size = options->writable_size,
		.hot_tree = job_hot_path(parts->hot),
		.hot_tree_is_whole = job_hot_is_whole(parts->hot),
	};
	if (!options->cwd && job->prefers_image_cwd && config &&
	    config->working_dir && config->working_dir[0] == '/')
		ret->cwd = config->working_dir;
	if (job->choose == job_command_exec &&
	    job_command_stands_in(parts->image, job->arguments)) {
		ret->mark_variable = JOB_COMMAND_MARK_VARIABLE;
		ret->mark_name = JOB_COMMAND_MARK_NAME;
	}
}

static int add_gpus(const struct job_description_parts *parts,
		    struct job_description *description,
		    struct run_job *run_job, struct error *err)
{
	const struct gpu_option_image image = {
		.index = parts->image->index,
		.directory = parts->image->index ? NULL : parts->ref->path,
	};
	struct gpu_plan *plan = NULL;
	int r = gpu_option_plan(&parts->job->options->gpu, &image,
				run_job->has_minimal_dev, &plan, err);

	if (r == 0)
		r = gpu_setup_add(plan, run_job, &description->gpu, err);
	if (r == 0)
		r = gpu_setup_set_environment(
			&description->gpu, &description->environment.run, err);
	return r;
}

int job_description_fill(const struct job_description_parts *parts,
			 struct job_description *ret, struct run_job *ret_job,
			 struct error *err)
{
	int r = make_environment(parts, ret, err);

	if (r == 0)
		r = name_host(parts->job->options, ret, err);
	if (r < 0)
		return r;
	describe(parts, ret, ret_job);
	return add_gpus(parts, ret, ret_job, err);
}

void job_description_fini(struct job_description *description)
{
	job_environment_fini(&description->environment);
	gpu_setup_fini(&description->gpu);
	free(description->hostname_text);
}
