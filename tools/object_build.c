/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/object_build.h"

#include "common/byte_stream.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "fetch/blob_stream.h"
#include "fetch/chunk_cache.h"
#include "fetch/range_source.h"
#include "image/image.h"
#include "image/object_layout.h"
#include "index/squashfs_indexer.h"
#include "tools/progress.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

struct build {
	const struct object_build_options *options;
	struct progress *progress;
	uint64_t size;
	struct digest identity; /* of the image, for chunks without digests */
};

static void keep_chunk(void *arg, const struct chunk_ref *ref, const void *raw)
{
	const struct build *build = arg;
	const struct chunk_table table = { .identity = build->identity };
	struct chunk_ref kept = *ref;
	struct digest key;

	if (build->options->mode != OBJECT_BUILD_DIGESTS)
		kept.digest = (struct digest){ 0 };
	/* a cache that is full or broken only costs a fetch later */
	if (build->options->cache && chunk_table_get_key(&table, &kept, &key))
		chunk_cache_store(build->options->cache, &key, raw,
				  ref->raw_size);
}

static bool show_progress(void *arg, uint64_t done_size)
{
	struct build *build = arg;

	progress_update(build->progress, done_size, build->size);
	return true;
}

static int read_and_run(struct build *build, int fd,
			struct range_source *source,
			const struct squashfs_indexer_object *object,
			struct squashfs_indexer_options *options,
			struct error *err)
{
	const struct blob_stream_options stream_options = {
		.request_size = 4 << 20,
		.request_count = 8,
	};
	int r = blob_stream_create(source, &stream_options, &options->stream,
				   err);

	if (r < 0)
		return r;
	build->progress = progress_create("indexing", build->options->is_quiet);
	r = squashfs_indexer_run(fd, object, options, err);
	progress_destroy(build->progress);
	byte_stream_destroy(options->stream);
	return r;
}

/* @ret_can_ask_another: the tables make no sense, and there are others who may
 * have better */
static int build_once(struct image *image, int fd,
		      const struct object_build_options *options,
		      bool *ret_can_ask_another, struct error *err)
{
	struct object_layout layout CLEANUP(object_layout_fini) = { 0 };
	struct squashfs_indexer_object object = { 0 };
	struct build build = { .options = options };
	struct squashfs_indexer_options indexer = {
		.is_packed = options->is_packed,
		.keep_digests = options->mode == OBJECT_BUILD_DIGESTS,
		.chunk = keep_chunk,
		.progress = show_progress,
		.arg = &build,
	};
	struct range_source *source = NULL;
	int r = image_load_object(image, true, &layout, &source, err);

	if (r < 0)
		return r;
	assert(source);
	build.size = source->size;
	build.identity = *image_manifest_digest(image);
	object.manifest_digest = build.identity;
	object.manifest = image_manifest_json(image, &object.manifest_size);
	object.config = image_config_json(image, &object.config_size);
	object.size = source->size;
	object.image_off = layout.image_off;
	object.super = layout.super;
	object.head = layout.head;
	object.tables = layout.tables;
	if (options->mode != OBJECT_BUILD_TABLES) {
		r = read_and_run(&build, fd, source, &object, &indexer, err);
	} else {
		r = squashfs_indexer_run(fd, &object, &indexer, err);
		*ret_can_ask_another =
			r < 0 && object_layout_doubt(source, &layout, r);
	}
	return r < 0 ? error_prefix(err, r, "%s", image_reference(image)) : 0;
}

int object_build_run(struct image *image, int fd,
		     const struct object_build_options *options,
		     struct error *err)
{
	struct error last = { 0 };
	int r = image_load_manifest(image, err);

	if (r < 0)
		return r;
	for (unsigned tries = 1;; tries++) {
		struct error why = { 0 };
		bool can_ask_another = false;

		r = build_once(image, fd, options, &can_ask_another, &why);
		if (r == 0)
			return 0;
		if (tries == 1 || r != -EIO)
			last = why;
		if (!can_ask_another || tries == OBJECT_LAYOUT_TRIES_MAX)
			break;
		log_event(LOG_DEBUG, "tools", "op=index text=\"%s\"", why.text);
		if (ftruncate(fd, 0) < 0)
			return error_set_errno(err, -errno,
					       "cannot empty the index");
	}
	return error_set(err, last.code, "%s", last.text);
}
