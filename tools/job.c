/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "fs/fs_server.h"
#include "image/image.h"
#include "image/image_ref.h"
#include "run/run.h"
#include "tools/job_description.h"
#include "tools/job_exit.h"
#include "tools/job_hints.h"
#include "tools/job_hot.h"
#include "tools/job_image.h"
#include "tools/job_join.h"
#include "tools/job_layers.h"
#include "tools/job_mounts.h"
#include "tools/job_options.h"
#include "tools/job_package.h"
#include "tools/job_profile.h"
#include "tools/job_service.h"
#include "tools/session.h"
#include "tools/statistics.h"
#include "tools/trace.h"
#include "tools/tree_removal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Everything one job holds; released in one place. */
struct work {
	const char *own_cache; /* to be removed; NULL: none */
	struct job_join join;
	struct image_ref ref;
	struct run *run;
	struct session *session; /* NULL when a directory is the image */
	struct job_service service;
	struct job_layers layers;
	struct job_profile *profile; /* NULL: off */
	struct job_hints *hints;     /* NULL: a profile knows, or nobody */
	struct job_hot hot;
	struct job_package package;
	struct job_mounts mounts;
	struct job_image image;
	const char **argv;
	struct job_description description;
	struct job_kept kept;
	struct statistics statistics;
};

#define WORK_INIT                                                              \
	{                                                                      \
		.image = { .dir_fd = -1 },                                     \
		.join = { .link = INSTANCE_LINK_INIT }, .kept = {              \
			.image_fd = -1,                                        \
			.root_fd = -1                                          \
		}                                                              \
	}

static void work_fini(struct work *work)
{
	/* A kept image would go on being mounted. */
	if (work->kept.image_fd >= 0)
		close(work->kept.image_fd);
	if (work->kept.root_fd >= 0)
		close(work->kept.root_fd);
	run_destroy(work->run);
	job_service_fini(&work->service);
	job_layers_fini(&work->layers);
	job_hints_destroy(work->hints);
	job_profile_destroy(work->profile);
	job_hot_fini(&work->hot);
	job_package_fini(&work->package);
	session_close(work->session);
	if (work->image.dir_fd >= 0)
		close(work->image.dir_fd);
	free(work->argv);
	job_description_fini(&work->description);
	job_mounts_fini(&work->mounts);
	image_ref_fini(&work->ref);
	job_join_fini(&work->join);
	if (work->own_cache)
		tree_removal_run(work->own_cache);
}

static int spawn(const struct job *job, struct work *work, struct error *err)
{
	struct run_options options = {
		.use_pid_namespace = job->options->use_pid,
		.use_ipc_namespace = job->options->use_ipc,
		.use_uts_namespace = job->options->use_uts,
		.use_net_namespace = job->options->use_net,
		.has_no_init = job->options->no_init,
		.is_fake_root = job->options->fakeroot,
		.has_one_id = job->options->ignore_subuid,
		.is_kept = job->keeper != NULL,
	};
	const char *layers[RUN_LAYERS_MAX];
	int r = 0;

	if (job_hot_set_mode(&work->hot, job->options->hot_tree, err) < 0)
		return EXIT_USAGE;
	if (job->keeper)
		work->join = (struct job_join){
			.image = job->image,
			.common = job->options->common,
			.link = INSTANCE_LINK_INIT,
		};
	else
		r = job_join_init(&work->join, job->options, job->image, err);
	if (r == 0)
		r = image_ref_parse(work->join.image, &work->ref, err);
	if (r < 0)
		return r;
	if (job->options->writable && work->ref.kind != IMAGE_REF_DIRECTORY)
		return error_set(
			err, -ENOTSUP,
			"--writable %s: only a directory can be written "
			"to; --overlay DIR keeps what the job writes, "
			"--writable-tmpfs does until its end",
			job->image);
	if (work->join.is_root)
		options = (struct run_options){ 0 };
	r = job_mounts_fill(job->options, &work->mounts, err);
	if (r < 0)
		return r == -EINVAL && !job->options->common.is_apptainer
			       ? EXIT_USAGE
			       : r;
	if (!work->join.is_root)
		r = overlay_option_list_mounts(&work->mounts.overlays, layers,
					       RUN_LAYERS_MAX, err);
	if (r < 0)
		return r;
	options.layers = layers;
	options.layer_count = (unsigned)r;
	/* what lies in files is mounted for this job alone */
	if (options.layer_count > 0)
		work->join.is_possible = false;
	if (work->ref.kind == IMAGE_REF_DIRECTORY)
		options.root_directory = work->ref.path;
	else
		options.is_undecided = work->join.is_possible;
	r = run_spawn(&options, &work->run, err);
	if (r == 0)
		work->statistics.spawned_us = clock_us();
	if (r == 0)
		job_join_describe(&work->join, &work->mounts);
	return r;
}

static int open_image(struct work *work, struct error *err)
{
	int r;

	if (work->ref.kind == IMAGE_REF_DIRECTORY) {
		work->image.dir_fd =
			open(work->ref.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (work->image.dir_fd < 0)
			return error_set_errno(err, -errno, "cannot open %s",
					       work->ref.path);
		return 0;
	}
	r = session_open(work->join.image, &work->join.common,
			 work->join.is_possible ? SESSION_INDEX
						: SESSION_ASSUMED,
			 &work->session, err);
	if (r == 0)
		r = job_join_decide(&work->join, work->session, work->run, err);
	if (r < 0)
		return r;
	trace_event(session_trace(work->session), "mounted",
		    work->statistics.spawned_us);
	work->image.index = session_index(work->session);
	work->image.config = image_config(session_image(work->session));
	return 0;
}

static void trace_job(const struct work *work, const char *what)
{
	if (work->session)
		trace_event(session_trace(work->session), what, 0);
}

/* fs_server.h's read_observed. */
static void observe_read(void *arg, uint32_t inode, uint64_t off, uint64_t size)
{
	struct work *work = arg;

	job_hot_observe(&work->hot, inode, off, size);
	job_package_observe(&work->package, inode);
	job_hints_observe(work->hints, inode);
}

static int start_service(const struct job *job, struct work *work,
			 struct error *err)
{
	struct fs_server_options options = {
		.read_observed = observe_read,
		.arg = work,
	};

	if (!job->keeper && !work->own_cache)
		job_hot_open(&work->hot, work->session, work->ref.path,
			     run_maps_ids(work->run));
	work->statistics.hot_tree = job_hot_kind(&work->hot);
	if (!job->keeper)
		work->profile = job_profile_start(
			work->session, job->options->profile, work->argv,
			!job_hints_can_start(work->session,
					     job->options->hints));
	if (!job_profile_is_played(work->profile) &&
	    !job_hot_is_whole(&work->hot)) {
		work->hints =
			job_hints_start(work->session, job->options->hints,
					job->keeper ? NULL : work->argv);
		if (!work->hints)
			job_package_start(&work->package, work->session,
					  job->options->hints);
	}
	options.has_inode_names = job_hot_is_whole(&work->hot);
	return job_service_start(&work->service, work->session,
				 run_take_fuse_fd(work->run),
				 run_maps_ids(work->run), &options, err);
}

static int describe(const struct job *job, struct work *work,
		    struct run_job *ret, struct error *err)
{
	const struct job_description_parts parts = {
		.job = job,
		.ref = &work->ref,
		.image = &work->image,
		.mounts = &work->mounts,
		.layers = &work->layers,
		.hot = &work->hot,
		.argv = work->argv,
	};

	return job_description_fill(&parts, &work->description, ret, err);
}

/* Returns 1 when there is nothing to execute. */
static int start(const struct job *job, struct work *work, int *ret_exit,
		 struct error *err)
{
	struct run_job run_job;
	int r = open_image(work, err);

	if (r == 0)
		r = job->choose(job->options, &work->image, job->arguments,
				&work->argv, err);
	if (r < 0)
		return r;
	if (!work->argv[0] && !job->keeper)
		return 1;
	job_join_tell(&work->join, work->argv);
	if (work->session && !work->join.is_joined)
		r = start_service(job, work, err);
	if (r == 0 && !work->join.is_root)
		r = job_layers_start(&work->layers, &work->mounts.overlays,
				     &job->options->common, work->run, err);
	if (r == 0)
		r = describe(job, work, &run_job, err);
	if (r < 0)
		return r;
	work->statistics.ready_us = clock_us();
	trace_job(work, "ready");
	r = run_start(work->run, &run_job, ret_exit, err);
	work->statistics.started_us = clock_us();
	if (r == 0) {
		trace_job(work, "exec");
		job_hot_build_beside(&work->hot, &job->options->common,
				     job->image);
	}
	return r;
}

static void report(const struct job *job, struct work *work)
{
	const struct job_options *options = job->options;
	struct error err = { 0 };

	if (work->join.is_joined)
		work->statistics.instance = work->join.link.name;
	job_profile_get_figures(work->profile, &work->statistics.profile);
	job_hints_get_figures(work->hints, &work->statistics.hints);
	if (!work->session)
		return;
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

static int wait_for_end(const struct job *job, struct work *work,
			struct error *err)
{
	struct job_hot hot;
	bool needs_build;
	int status = 0;
	int r = run_wait(work->run, &status, err);

	if (r < 0)
		return r;
	run_wait_rest(work->run);
	if (job_join_is_lost(&work->join, err))
		return -ECONNRESET;
	job_join_end(&work->join);
	work->statistics.end_us = clock_us();
	work->statistics.exit_status = WIFEXITED(status)
					       ? WEXITSTATUS(status)
					       : 128 + WTERMSIG(status);
	job_service_join(&work->service);
	job_layers_join(&work->layers);
	job_profile_finish(work->profile, job_hot_path(&work->hot) != NULL);
	report(job, work);
	needs_build = job_hot_end(&work->hot, work->session);
	hot = (struct job_hot){ .maps_ids = work->hot.maps_ids };
	work_fini(work);
	*work = (struct work)WORK_INIT;
	if (needs_build)
		job_hot_build(&hot, &job->options->common, job->image);
	return job_exit_pass_on(status);
}

/* Keeps what was mounted for others instead of executing a command. */
static int keep(const struct job *job, struct work *work, struct error *err)
{
	struct job_kept *kept = &work->kept;
	int exit_status;
	int r;

	if (work->ref.kind == IMAGE_REF_DIRECTORY)
		return error_set(err, -ENOTSUP,
				 "%s is a directory, which needs no instance: "
				 "execute in it directly",
				 job->image);
	kept->image_fd = run_open_image(work->run);
	if (kept->image_fd < 0)
		return error_set_errno(err, kept->image_fd,
				       "cannot keep the mount");
	r = job->keeper->has_root ? start(job, work, &exit_status, err)
				  : open_image(work, err);
	if (r == 0 && !job->keeper->has_root)
		r = start_service(job, work, err);
	if (r < 0)
		return r;
	if (job->keeper->has_root) {
		kept->root_fd = run_open_root(work->run);
		kept->root_pid = run_get_pid(work->run);
	}
	kept->session = work->session;
	kept->server = work->service.server;
	kept->hints = work->hints;
	kept->guard = run_get_guard(work->run);
	kept->environment =
		run_get_environment(work->run, &kept->environment_size);
	kept->has_pid_namespace = job->options->use_pid;
	kept->has_ipc_namespace = job->options->use_ipc;
	/* Who is told that a job has begun or ended does not push aside who
	 * said so; the threads that serve files are others. */
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
	return job->keeper->serve(job->keeper->arg, kept, err);
}

int job_run(const struct job *job, struct error *err)
{
	struct work work = WORK_INIT;
	int exit_status = RUN_EXIT_FAILURE;
	int r;

	if (job->options->remove_cache)
		work.own_cache = job->options->common.cache_dir;
	work.statistics.start_us = job->options->common.start_us;
	r = spawn(job, &work, err);
	if (r == 0 && job->keeper) {
		r = keep(job, &work, err);
	} else if (r == 0) {
		r = start(job, &work, &exit_status, err);
		if (r < 0)
			r = exit_status;
		else if (r > 0)
			r = 0;
		else
			r = wait_for_end(job, &work, err);
	}
	work_fini(&work);
	return r;
}
