/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread model: workers take the layers, one each at a time, and run the
 * pipeline of layer_indexer (each with two threads more): the largest first,
 * lest it is left for the end, when one pipeline alone does not keep two cores
 * busy; then the others in order.  The caller's thread waits for the lowest
 * layer that is not merged yet, merges it into the tree and frees its entries,
 * so that entries do not pile up and the result depends on the order of the
 * layers alone.
 *
 * Locks: build.lock, a leaf, for what is ready.  The first failure sets
 * is_stopped; the other layers then end at their next span.
 */
#include "index/index_builder.h"

#include "common/byte_stream.h"
#include "common/error.h"
#include "common/thread.h"
#include "index/entry_list.h"
#include "index/index_writer.h"
#include "index/layer_indexer.h"
#include "index/tree.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	WORKER_COUNT_MAX = 4, /* by default; each has three threads */
	PROGRESS_SHIFT = 20,  /* report about once a MiB */
};

struct layer {
	struct layer_indexer_result result; /* once ready, with no error */
	struct error err;		    /* code is 0 without an error */
	bool is_ready;			    /* -- protected by build.lock */
};

struct build {
	const struct index_builder_image *image;
	const struct index_builder_options *options;
	struct layer *layers;

	/* Relaxed: a counter, and one-way flags that only make others stop. */
	atomic_ullong done_size;
	atomic_bool is_stopped;
	atomic_uint next_turn;

	uint32_t first_layer; /* to be taken, before those in order */

	struct mutex lock;
	struct condition layer_is_ready;
};

/* -- workers */

static bool advance(void *arg, uint64_t size)
{
	struct build *build = arg;
	const struct index_builder_options *options = build->options;
	uint64_t before = atomic_fetch_add_explicit(&build->done_size, size,
						    memory_order_relaxed);
	uint64_t done = before + size;

	if (atomic_load_explicit(&build->is_stopped, memory_order_relaxed))
		return false;
	if (!options->progress ||
	    before >> PROGRESS_SHIFT == done >> PROGRESS_SHIFT)
		return true;
	return options->progress(options->arg, done);
}

static int index_layer(struct build *build, uint32_t number,
		       struct layer_indexer_result *ret, struct error *err)
{
	const struct index_builder_options *options = build->options;
	const struct layer_indexer_options layer_options = {
		.layer = &build->image->layers[number],
		.number = number,
		.use_isal = !options->use_zlib,
		.chunk = options->chunk,
		.chunk_arg = options->arg,
		.advance = advance,
		.advance_arg = build,
	};
	struct byte_stream *stream = NULL;
	int r;

	r = options->open_layer(options->arg, number, &stream, err);
	if (r < 0)
		return r;
	r = layer_indexer_run(stream, &layer_options, ret, err);
	byte_stream_destroy(stream);
	return r;
}

static void prefix_layer(const struct build *build, uint32_t number, int code,
			 struct error *err)
{
	char hex[DIGEST_HEX_SIZE];

	digest_format_hex(&build->image->layers[number].digest, hex);
	error_prefix(err, code, "layer %u of %u (sha256:%.12s)", number + 1,
		     build->image->layer_count, hex);
}

static void set_ready(struct build *build, uint32_t number)
{
	mutex_lock(&build->lock);
	build->layers[number].is_ready = true;
	condition_signal(&build->layer_is_ready);
	mutex_unlock(&build->lock);
}

/* The layer that is taken at a turn, of as many turns as layers */
static uint32_t layer_of_turn(const struct build *build, uint32_t turn)
{
	if (turn == 0)
		return build->first_layer;
	return turn <= build->first_layer ? turn - 1 : turn;
}

static void *run_worker(void *arg)
{
	struct build *build = arg;
	uint32_t count = build->image->layer_count;

	for (;;) {
		uint32_t turn = atomic_fetch_add_explicit(&build->next_turn, 1,
							  memory_order_relaxed);
		struct layer *layer;
		uint32_t number;
		int r;

		if (turn >= count)
			return NULL;
		number = layer_of_turn(build, turn);
		layer = &build->layers[number];
		if (atomic_load_explicit(&build->is_stopped,
					 memory_order_relaxed))
			r = error_set(&layer->err, -ECANCELED, "cancelled");
		else
			r = index_layer(build, number, &layer->result,
					&layer->err);
		if (r < 0) {
			prefix_layer(build, number, r, &layer->err);
			atomic_store_explicit(&build->is_stopped, true,
					      memory_order_relaxed);
		}
		set_ready(build, number);
	}
}

static unsigned worker_count(const struct index_builder_image *image,
			     const struct index_builder_options *options)
{
	long core_count = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = options->layers_at_once;

	if (count == 0 && core_count > 0)
		count = core_count < WORKER_COUNT_MAX ? (unsigned)core_count
						      : WORKER_COUNT_MAX;
	if (count == 0)
		count = 1;
	return count < image->layer_count ? count : image->layer_count;
}

/* One worker alone goes in order: what it has read can be merged at once. */
static uint32_t choose_first(const struct index_builder_image *image,
			     unsigned workers)
{
	uint32_t largest = 0;

	for (uint32_t i = 1; i < image->layer_count && workers > 1; i++)
		if (image->layers[i].size > image->layers[largest].size)
			largest = i;
	return largest;
}

/* -- the caller's thread */

static void wait_for_layer(struct build *build, uint32_t number)
{
	mutex_lock(&build->lock);
	while (!build->layers[number].is_ready)
		condition_wait(&build->layer_is_ready, &build->lock);
	mutex_unlock(&build->lock);
}

static int merge_layer(const struct build *build, struct tree *tree,
		       uint32_t number, struct error *err)
{
	struct layer_indexer_result *result = &build->layers[number].result;
	const struct tree_entry *entry = NULL;
	int r;

	tree_begin_layer(tree, number);
	while ((entry = entry_list_next(result->entries, entry))) {
		r = tree_add(tree, entry, err);
		if (r < 0) {
			prefix_layer(build, number, r, err);
			return r;
		}
	}
	entry_list_destroy(result->entries);
	result->entries = NULL;
	return 0;
}

/* The lowest layer's error, unless it was only stopped because of another. */
static int report(const struct build *build, struct error *err)
{
	const struct error *first = NULL;

	for (uint32_t i = 0; i < build->image->layer_count; i++) {
		const struct error *candidate = &build->layers[i].err;

		if (candidate->code == 0)
			continue;
		if (!first || (first->code == -ECANCELED &&
			       candidate->code != -ECANCELED))
			first = candidate;
	}
	return first ? error_set(err, first->code, "%s", first->text) : 0;
}

static int merge_layers(struct build *build, struct tree *tree,
			struct error *err)
{
	for (uint32_t i = 0; i < build->image->layer_count; i++) {
		int r;

		wait_for_layer(build, i);
		if (build->layers[i].err.code != 0)
			return 0; /* report() says which was first */
		r = merge_layer(build, tree, i, err);
		if (r < 0) {
			atomic_store_explicit(&build->is_stopped, true,
					      memory_order_relaxed);
			return r;
		}
	}
	return 0;
}

static int read_layers(struct build *build, struct tree *tree,
		       struct error *err)
{
	unsigned wanted = worker_count(build->image, build->options);
	pthread_t *workers = calloc(wanted + 1, sizeof(*workers));
	unsigned started = 0;
	int r = 0;

	if (!workers)
		return error_set(err, -ENOMEM, "out of memory");
	build->first_layer = choose_first(build->image, wanted);
	while (started < wanted && r == 0) {
		r = thread_start(&workers[started], "index-layer", run_worker,
				 build);
		started += r == 0;
	}
	if (r < 0)
		error_set_errno(err, r, "cannot start a thread");
	if (started > 0 || wanted == 0)
		r = merge_layers(build, tree, err);
	for (unsigned i = 0; i < started; i++)
		pthread_join(workers[i], NULL);
	free(workers);
	return r < 0 ? r : report(build, err);
}

static int report_end(struct build *build, struct error *err)
{
	const struct index_builder_options *options = build->options;

	if (options->progress &&
	    !options->progress(options->arg, atomic_load(&build->done_size)))
		return error_set(err, -ECANCELED, "cancelled");
	return 0;
}

static int write_index(int fd, const struct build *build, struct tree *tree,
		       struct error *err)
{
	const struct index_builder_image *image = build->image;
	struct index_writer_blob *blobs =
		calloc(image->layer_count + 1, sizeof(*blobs));
	struct index_writer_image written = {
		.manifest_digest = image->manifest_digest,
		.manifest = image->manifest,
		.manifest_size = image->manifest_size,
		.config = image->config,
		.config_size = image->config_size,
		.blobs = blobs,
		.blob_count = image->layer_count,
		.tree = tree,
	};
	int r;

	if (!blobs)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < image->layer_count; i++) {
		const struct layer_indexer_result *result =
			&build->layers[i].result;

		blobs[i] = (struct index_writer_blob){
			.digest = result->digest,
			.diff_id = result->diff_id,
			.size = result->size,
			.raw_size = result->raw_size,
			.chunks = result->chunks,
			.chunk_count = result->chunk_count,
			.windows = result->windows.data,
			.windows_size = result->windows.size,
		};
	}
	/* The layers' spans left the heap in pieces: without this they would
	 * still be resident beside the file that is put together now. */
	malloc_trim(0);
	r = index_writer_write(fd, &written, build->options->is_packed, err);
	free(blobs);
	return r;
}

int index_builder_build(int fd, const struct index_builder_image *image,
			const struct index_builder_options *options,
			struct error *err)
{
	struct build build = {
		.image = image,
		.options = options,
		.layers = calloc(image->layer_count + 1, sizeof(struct layer)),
	};
	struct tree *tree = tree_create();
	int r = 0;

	assert(options->open_layer || image->layer_count == 0);
	mutex_init(&build.lock);
	condition_init(&build.layer_is_ready);
	if (!tree || !build.layers)
		r = error_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = read_layers(&build, tree, err);
	if (r == 0)
		r = report_end(&build, err);
	if (r == 0)
		r = write_index(fd, &build, tree, err);
	for (uint32_t i = 0; build.layers && i < image->layer_count; i++)
		layer_indexer_result_fini(&build.layers[i].result);
	free(build.layers);
	tree_destroy(tree);
	condition_fini(&build.layer_is_ready);
	mutex_fini(&build.lock);
	return r;
}
