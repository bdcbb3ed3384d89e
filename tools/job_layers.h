/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_layers: the files that --overlay names, served to a job's runner.
 *
 * Each is opened as an image is (session.h), with an index, a loader and a
 * thread of its own; reading a SquashFS file of the host takes no copy of it.
 *
 * Threads: one at a time; starts a reader thread "fuse" for each.
 */
#include "run/run_layer.h"
#include "tools/job_service.h"

#include <stddef.h>

struct common_options;
struct error;
struct overlay_list;
struct run;
struct session;

/* Starts as = { 0 }. */
struct job_layers {
	struct {
		struct session *session;
		struct job_service service;
	} mounted[RUN_LAYERS_MAX];
	unsigned count;
	const char **places; /* run_job.overlays; owned, borrows from the list
			      */
	size_t place_count;
};

/**
 * job_layers_start() - serve what the runner has mounted
 * @run:    spawned with overlay_option_list_mounts()
 * @common: the job's; what it says of an index is the image's
 *
 * Return: 0, or as session_open() and job_service_start() with @err naming the
 * overlay.
 */
int job_layers_start(struct job_layers *layers, const struct overlay_list *list,
		     const struct common_options *common, struct run *run,
		     struct error *err);

/** job_layers_join() - until nobody holds the mounts any more */
void job_layers_join(struct job_layers *layers);

void job_layers_fini(struct job_layers *layers);
