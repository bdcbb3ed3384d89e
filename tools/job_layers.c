/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_layers.h"

#include "common/error.h"
#include "fs/fs_server.h"
#include "run/run.h"
#include "tools/command.h"
#include "tools/overlay_option.h"
#include "tools/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int start_one(struct job_layers *layers, const char *image,
		     const struct common_options *common, struct run *run,
		     struct error *err)
{
	static const struct fs_server_options options = { 0 };
	unsigned i = layers->count++;
	int r = session_open(image, common, SESSION_LOADER,
			     &layers->mounted[i].session, err);

	if (r == 0)
		r = job_service_start(&layers->mounted[i].service,
				      layers->mounted[i].session,
				      run_take_layer_fd(run, i),
				      run_maps_ids(run), &options, err);
	/* of a federation's, servers are named */
	if (r < 0 && err && !strstr(err->text, image))
		return error_prefix(err, r, "--overlay %.200s", image);
	return r < 0 ? error_prefix(err, r, "--overlay") : 0;
}

int job_layers_start(struct job_layers *layers, const struct overlay_list *list,
		     const struct common_options *common, struct run *run,
		     struct error *err)
{
	struct common_options own = *common;
	int r = 0;

	own.index = NULL;
	own.trace = NULL;
	layers->places = calloc(list->count + 1, sizeof(*layers->places));
	if (!layers->places)
		return error_set(err, -ENOMEM, "out of memory");
	layers->place_count = list->count;
	for (size_t i = 0; r == 0 && i < list->count; i++)
		if (list->layers[i].kind == OVERLAY_DIRECTORY)
			layers->places[i] = list->layers[i].path;
		else if (list->layers[i].kind == OVERLAY_TREE)
			r = start_one(layers, list->layers[i].path, &own, run,
				      err);
	return r;
}

void job_layers_join(struct job_layers *layers)
{
	for (unsigned i = 0; i < layers->count; i++)
		job_service_join(&layers->mounted[i].service);
}

void job_layers_fini(struct job_layers *layers)
{
	for (unsigned i = 0; i < layers->count; i++) {
		job_service_fini(&layers->mounted[i].service);
		session_close(layers->mounted[i].session);
	}
	free(layers->places);
	*layers = (struct job_layers){ 0 };
}
