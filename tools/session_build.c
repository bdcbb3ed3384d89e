/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/session_build.h"

#include "common/byte_stream.h"
#include "common/chunk_ref.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/chunk_cache.h"
#include "image/image.h"
#include "index/index_builder.h"
#include "tools/command.h"
#include "tools/index_store.h"
#include "tools/layer_stream.h"
#include "tools/object_build.h"
#include "tools/progress.h"
#include "tools/session.h"
#include "tools/session_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* An index being built, as the builder's callbacks see it. */
struct build {
	struct session *session;
	struct progress *progress;
	uint64_t total_size;
	bool keep_chunks;
};

static int build_open_layer(void *arg, uint32_t number,
			    struct byte_stream **ret, struct error *err)
{
	struct build *build = arg;

	return layer_stream_open(build->session->image, number, ret, err);
}

static void build_keep_chunk(void *arg, const struct chunk_ref *ref,
			     const void *raw)
{
	struct build *build = arg;
	struct digest key;

	if (!build->keep_chunks || ref->raw_size == 0)
		return;
	chunk_ref_key(ref, &key);
	/* a cache that is full or broken only costs a fetch later */
	chunk_cache_store(build->session->cache, &key, raw, ref->raw_size);
}

static bool build_show_progress(void *arg, uint64_t done_size)
{
	struct build *build = arg;

	progress_update(build->progress, done_size, build->total_size);
	return true;
}

/* The builder's view of the image; @ret_layers is malloc'ed. */
static int describe_layers(const struct image *image,
			   struct index_builder_layer **ret_layers,
			   uint64_t *ret_total, struct error *err)
{
	const struct manifest *manifest = image_manifest(image);
	const struct image_config *config = image_config(image);
	struct index_builder_layer *layers;

	if (config->diff_id_count != 0 &&
	    config->diff_id_count != manifest->layer_count)
		return error_set(err, -EPROTO,
				 "the image's configuration lists %u layers, "
				 "its manifest %u",
				 config->diff_id_count, manifest->layer_count);
	layers = calloc(manifest->layer_count + 1, sizeof(*layers));
	if (!layers)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < manifest->layer_count; i++) {
		layers[i].digest = manifest->layers[i].digest;
		layers[i].size = manifest->layers[i].size;
		if (config->diff_id_count)
			layers[i].diff_id = config->diff_ids[i];
		*ret_total += layers[i].size;
	}
	*ret_layers = layers;
	return 0;
}

static int build_object_index(struct session *session, int fd,
			      enum object_build_mode mode, bool is_packed,
			      bool keep_chunks, struct error *err)
{
	const struct object_build_options options = {
		.mode = mode,
		.is_packed = is_packed,
		.cache = keep_chunks ? session->cache : NULL,
		.is_quiet = session->options->quiet,
	};

	return object_build_run(session->image, fd, &options, err);
}

int session_check_object(struct session *session, int fd, struct error *err)
{
	return build_object_index(session, fd, OBJECT_BUILD_CHECK, false, false,
				  err);
}

int session_build_index(struct session *session, int fd, bool is_packed,
			bool keep_chunks, struct error *err)
{
	autofree struct index_builder_layer *layers = NULL;
	struct build build = {
		.session = session,
		.keep_chunks = keep_chunks,
	};
	const struct index_builder_options options = {
		.is_packed = is_packed,
		.open_layer = build_open_layer,
		.chunk = build_keep_chunk,
		.progress = build_show_progress,
		.arg = &build,
	};
	struct index_builder_image image = { 0 };
	int r;

	if (image_is_object(session->image))
		return build_object_index(session, fd, OBJECT_BUILD_DIGESTS,
					  is_packed, keep_chunks, err);
	r = image_load_manifest(session->image, err);
	if (r < 0)
		return r;
	r = describe_layers(session->image, &layers, &build.total_size, err);
	if (r < 0)
		return r;
	image.manifest_digest = *image_manifest_digest(session->image);
	image.manifest =
		image_manifest_json(session->image, &image.manifest_size);
	image.config = image_config_json(session->image, &image.config_size);
	image.layers = layers;
	image.layer_count = image_manifest(session->image)->layer_count;
	build.progress = progress_create("indexing", session->options->quiet);
	r = index_builder_build(fd, &image, &options, err);
	progress_destroy(build.progress);
	return r;
}

static int publish_index(struct session *session, int fd, struct error *err)
{
	session->has_built_index = true;
	return index_store_publish(chunk_cache_dir_fd(session->cache), fd,
				   image_manifest_digest(session->image), err);
}

int session_build_cached(struct session *session, struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session->cache);
	autoclose int fd = -1;
	int r;

	fd = index_store_create(cache_fd, err);
	if (fd < 0)
		return fd;
	if (image_is_object(session->image)) {
		r = build_object_index(session, fd, OBJECT_BUILD_TABLES, false,
				       false, err);
		return r < 0 ? r : publish_index(session, fd, err);
	}
	if (!session->options->quiet)
		fprintf(stderr,
			"lazyrun: no index of %s is at hand; reading the image "
			"once to make one\n"
			"lazyrun: (`lazyrun index %s -o FILE` and --index FILE "
			"spare others this wait)\n",
			image_reference(session->image),
			image_reference(session->image));
	r = session_build_index(session, fd, false, true, err);
	return r < 0 ? r : publish_index(session, fd, err);
}
