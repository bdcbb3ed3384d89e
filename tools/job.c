/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "image/image.h"
#include "index/index_file.h"
#include "run/run.h"
#include "tools/bind_option.h"
#include "tools/gpu_option.h"
#include "tools/gpu_setup.h"
#include "tools/job_environment.h"
#include "tools/job_profile.h"
#include "tools/job_service.h"
#include "tools/session.h"
#include "tools/statistics.h"
#include "tools/trace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Everything one job holds; released in one place. */
struct work {
	struct run *run;
	struct session *session;
	struct job_service service;
	struct job_profile *profile; /* NULL: off */
	const char **argv;
	char **environment;
	struct run_bind *binds;
	size_t bind_count;
	struct gpu_setup gpu;
	struct statistics statistics;
};

static void work_fini(struct work *work)
{
	run_destroy(work->run);
	job_service_fini(&work->service);
	job_profile_destroy(work->profile);
	session_close(work->session);
	free(work->argv);
	job_environment_destroy(work->environment);
	gpu_setup_fini(&work->gpu);
	bind_option_free(work->binds, work->bind_count);
}

static const char *home_of_caller(const struct job_options *options)
{
	const char *home = getenv("HOME");

	return !options->no_home && home && home[0] == '/' ? home : NULL;
}

static int add_gpus(const struct job *job, struct work *work,
		    struct run_job *run_job, struct error *err)
{
	const struct gpu_option_image image = {
		.index = session_index(work->session),
	};
	struct gpu_plan *plan = NULL;
	int r = gpu_option_plan(&job->options->gpu, &image,
				run_job->has_minimal_dev, &plan, err);

	if (r == 0)
		r = gpu_setup_add(plan, run_job, &work->gpu, err);
	if (r == 0)
		r = gpu_setup_set_environment(&work->gpu, &work->environment,
					      err);
	run_job->envp = (const char *const *)work->environment;
	return r;
}

static int prepare(const struct job *job, struct work *work,
		   struct run_job *ret, struct error *err)
{
	const struct job_options *options = job->options;
	const struct image *image = session_image(work->session);
	const struct image_config *config = image_config(image);
	const struct job_image view = {
		.index = session_index(work->session),
		.config = config,
	};
	const struct job_environment_options environment = {
		.caller = (const char *const *)environ,
		.image = (const char *const *)config->env,
		.extra = &options->env,
		.home = home_of_caller(options),
		.image_reference = image_reference(image),
		.is_clean = options->clean_env,
	};
	int r;

	r = job->choose(options, &view, job->arguments, &work->argv, err);
	if (r < 0)
		return r;
	r = job_environment_create(&environment, &work->environment, err);
	if (r < 0)
		return r;
	*ret = (struct run_job){
		.argv = work->argv,
		.envp = (const char *const *)work->environment,
		.home = home_of_caller(options),
		.cwd = options->cwd,
		.cwd_is_required = options->cwd != NULL,
		.binds = work->binds,
		.bind_count = work->bind_count,
		.is_writable = options->writable_tmpfs,
		.writable_size = options->writable_size,
	};
	if (!ret->cwd && job->prefers_image_cwd &&
	    config->working_dir[0] == '/')
		ret->cwd = config->working_dir;
	return add_gpus(job, work, ret, err);
}

static int spawn(const struct job *job, struct work *work, struct error *err)
{
	const struct run_options options = {
		.use_pid_namespace = job->options->use_pid,
		.use_ipc_namespace = job->options->use_ipc,
	};
	int r;

	r = bind_option_parse(&job->options->binds, &work->binds,
			      &work->bind_count, err);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : r;
	r = run_spawn(&options, &work->run, err);
	if (r == 0)
		work->statistics.spawned_us = clock_us();
	return r;
}

static int start(const struct job *job, struct work *work, int *ret_exit,
		 struct error *err)
{
	struct run_job run_job;
	int r;

	r = session_open(job->image, &job->options->common, SESSION_LOADER,
			 &work->session, err);
	if (r < 0)
		return r;
	trace_event(session_trace(work->session), "mounted",
		    work->statistics.spawned_us);
	r = prepare(job, work, &run_job, err);
	if (r < 0)
		return r;
	work->profile = job_profile_start(work->session, job->options->profile,
					  work->argv);
	r = job_service_start(&work->service, work->session, work->run, err);
	if (r < 0)
		return r;
	work->statistics.ready_us = clock_us();
	trace_event(session_trace(work->session), "ready", 0);
	r = run_start(work->run, &run_job, ret_exit, err);
	work->statistics.started_us = clock_us();
	if (r == 0)
		trace_event(session_trace(work->session), "exec", 0);
	return r;
}

static void report(const struct job *job, struct work *work)
{
	const struct job_options *options = job->options;
	struct error err = { 0 };

	job_profile_get_figures(work->profile, &work->statistics.profile);
	statistics_trace(&work->statistics, work->session,
			 work->service.server);
	if (options->common.verbose || options->common.debug)
		statistics_print(&work->statistics, work->session,
				 work->service.server);
	if (options->statistics &&
	    statistics_append(&work->statistics, options->statistics,
			      work->session, work->service.server, &err) < 0)
		log_event(LOG_WARN, "tools", "op=statistics text=\"%s\"",
			  err.text);
}

/* Die as the job did, without a core file of our own. */
static int pass_on(int status)
{
	const struct rlimit no_core = { 0 };

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

static int wait_for_end(const struct job *job, struct work *work,
			struct error *err)
{
	int status = 0;
	int r = run_wait(work->run, &status, err);

	if (r < 0)
		return r;
	work->statistics.end_us = clock_us();
	work->statistics.exit_status = WIFEXITED(status)
					       ? WEXITSTATUS(status)
					       : 128 + WTERMSIG(status);
	job_service_join(&work->service);
	job_profile_finish(work->profile, false);
	report(job, work);
	work_fini(work);
	*work = (struct work){ 0 };
	return pass_on(status);
}

int job_run(const struct job *job, struct error *err)
{
	struct work work = {
		.statistics.start_us = job->options->common.start_us,
	};
	int exit_status = RUN_EXIT_FAILURE;
	int r;

	r = spawn(job, &work, err);
	if (r == 0) {
		r = start(job, &work, &exit_status, err);
		if (r < 0)
			r = exit_status;
		else
			r = wait_for_end(job, &work, err);
	}
	work_fini(&work);
	return r;
}
