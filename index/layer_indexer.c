/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread model: a span belongs to one thread at a time and moves on through
 * the queues, decode -> to_hash -> hash -> to_list -> list, where it ends.
 * Everything else of struct pipeline is written by the one thread named beside
 * it and read by the caller once that thread was joined.
 *
 * A thread that gives up cancels its queues; the cancellation then runs
 * through the pipeline in both directions as -ECANCELED, which is never taken
 * for the cause.
 *
 * All hashing is one thread's, so that the raw bytes' digest can go side by
 * side with the two of the stored bytes, which are about half as many: two
 * digests at once cost as much as one (common/digest_lanes.h).
 */
#include "index/layer_indexer.h"

#include "common/error.h"
#include "common/thread.h"
#include "index/entry_list.h"
#include "index/index_builder.h"
#include "index/index_writer.h"
#include "index/layer_decoder.h"
#include "index/span_memory.h"
#include "index/span_queue.h"
#include "index/tar_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How a thread ended. */
struct outcome {
	int result; /* 0 or negative errno */
	struct error err;
};

struct pipeline {
	const struct layer_indexer_options *options;
	struct byte_stream *stream;
	struct span_queue *to_hash;
	struct span_queue *to_list;
	struct layer_indexer_result result;

	struct outcome decode; /* the calling thread's */

	/* -- hash thread */
	struct outcome hash;
	struct digest_stream *stored_hash;
	struct digest_stream *chunk_hash; /* at its start between chunks */
	struct digest_stream *raw_hash;
	uint32_t chunk_capacity;

	/* -- list thread */
	struct outcome list;
	struct layer_span *span; /* whose bytes tar_reader has */
};

void layer_indexer_result_fini(struct layer_indexer_result *result)
{
	free(result->chunks);
	result->chunks = NULL;
	result->chunk_count = 0;
	buffer_fini(&result->windows);
	entry_list_destroy(result->entries);
	result->entries = NULL;
}

/* -- decode */

static int decode_spans(struct pipeline *pipeline,
			struct layer_decoder *decoder, struct error *err)
{
	const struct layer_indexer_options *options = pipeline->options;
	struct layer_span *span;
	int r;

	while ((r = layer_decoder_next(decoder, &span, err)) > 0) {
		uint64_t unseen_size = span->bytes_size - span->seen_size;

		r = 0;
		if (options->advance &&
		    !options->advance(options->advance_arg, unseen_size))
			r = error_set(err, -ECANCELED, "cancelled");
		if (r == 0)
			r = span_queue_push(pipeline->to_hash, span);
		if (r < 0) {
			layer_span_destroy(span);
			break;
		}
	}
	return r;
}

static int decode(struct pipeline *pipeline, struct error *err)
{
	struct layer_decoder *decoder;
	int r;

	r = layer_decoder_create(pipeline->stream, pipeline->options->use_isal,
				 &decoder, err);
	if (r < 0)
		return r;
	r = decode_spans(pipeline, decoder, err);
	layer_decoder_destroy(decoder);
	return r;
}

static void run_decode(struct pipeline *pipeline)
{
	pipeline->decode.result = decode(pipeline, &pipeline->decode.err);
	if (pipeline->decode.result == 0)
		span_queue_finish(pipeline->to_hash);
	else
		span_queue_cancel(pipeline->to_hash);
}

/* -- hash */

static int add_chunk(struct pipeline *pipeline,
		     const struct index_writer_chunk *chunk, struct error *err)
{
	struct layer_indexer_result *result = &pipeline->result;
	struct index_writer_chunk *chunks;
	uint32_t capacity = pipeline->chunk_capacity;

	if (result->chunk_count == LAYER_INDEXER_CHUNK_COUNT_MAX)
		return error_set(err, -EFBIG, "more than %d chunks",
				 LAYER_INDEXER_CHUNK_COUNT_MAX);
	if (result->chunk_count == capacity) {
		capacity = capacity ? 2 * capacity : 64;
		chunks = realloc(result->chunks, capacity * sizeof(*chunks));
		if (!chunks)
			return error_set(err, -ENOMEM, "out of memory");
		result->chunks = chunks;
		pipeline->chunk_capacity = capacity;
	}
	result->chunks[result->chunk_count++] = *chunk;
	return 0;
}

static int add_window(struct buffer *windows, const struct layer_span *span,
		      struct chunk_ref *ref, struct error *err)
{
	struct digest digest;
	int r;

	r = buffer_reserve(windows, CHUNK_WINDOW_SIZE_MAX);
	if (r < 0)
		return error_set(err, r, "no room for the windows");
	r = layer_span_encode_window(span, windows->data + windows->size);
	if (r < 0)
		return error_set(err, r, "cannot encode the window at %llu",
				 (unsigned long long)ref->stored_off);
	assert(r <= CHUNK_WINDOW_SIZE_MAX);
	if (r == 0)
		return 0;
	ref->window_size = (uint32_t)r;
	ref->window_off = windows->size;
	digest_compute(windows->data + windows->size, ref->window_size,
		       &digest);
	memcpy(ref->window_digest, digest.bytes, sizeof(ref->window_digest));
	windows->size += ref->window_size;
	return 0;
}

/* @stored into @hash, and as many of the next raw bytes beside them; returns
 * how many of those there were. */
static size_t hash_beside(struct pipeline *pipeline, struct digest_stream *hash,
			  const uint8_t *stored, size_t stored_size,
			  const uint8_t *raw, size_t raw_size)
{
	if (raw_size > stored_size)
		raw_size = stored_size;
	digest_stream_update_two(hash, stored, stored_size, pipeline->raw_hash,
				 raw, raw_size);
	return raw_size;
}

/* The stored bytes, once for the layer and once for the chunk, and the raw. */
static void hash_chunk_bytes(struct pipeline *pipeline,
			     const struct layer_span *span, struct digest *ret)
{
	uint64_t start = span->ref.stored_off - span->bytes_off;
	size_t raw_size = span->ref.raw_size;
	size_t done;

	assert(start + span->ref.stored_size <= span->bytes_size);
	assert(span->raw_off == pipeline->result.raw_size);
	done = hash_beside(
		pipeline, pipeline->stored_hash, span->bytes + span->seen_size,
		span->bytes_size - span->seen_size, span->raw, raw_size);
	done += hash_beside(pipeline, pipeline->chunk_hash, span->bytes + start,
			    span->ref.stored_size, span->raw + done,
			    raw_size - done);
	digest_stream_update(pipeline->raw_hash, span->raw + done,
			     raw_size - done);
	digest_stream_finish(pipeline->chunk_hash, ret);
	pipeline->result.raw_size += raw_size;
}

static int hash_chunk(struct pipeline *pipeline, const struct layer_span *span,
		      struct error *err)
{
	const struct layer_indexer_options *options = pipeline->options;
	struct index_writer_chunk chunk = {
		.ref = span->ref,
		.raw_off = span->raw_off,
	};
	int r;

	chunk.ref.blob = options->number;
	hash_chunk_bytes(pipeline, span, &chunk.ref.digest);
	r = add_window(&pipeline->result.windows, span, &chunk.ref, err);
	if (r == 0)
		r = add_chunk(pipeline, &chunk, err);
	if (r == 0 && options->chunk)
		options->chunk(options->chunk_arg, &chunk.ref, span->raw);
	return r;
}

/* A layer longer than announced is not read to its end, wherever that is. */
static int count_stored(struct pipeline *pipeline,
			const struct layer_span *span, struct error *err)
{
	uint64_t expected = pipeline->options->layer->size;
	uint64_t size = span->bytes_size - span->seen_size;

	if (size > expected - pipeline->result.size)
		return error_set(err, -EBADMSG,
				 "it is longer than the manifest says (%llu "
				 "bytes): the source serves something else",
				 (unsigned long long)expected);
	pipeline->result.size += size;
	return 0;
}

/* The list thread needs the raw bytes only. */
static void drop_stored(struct layer_span *span)
{
	if (span->bytes == span->raw)
		return;
	span_memory_give(span->bytes);
	span->bytes = NULL;
	span->bytes_size = 0;
	span->seen_size = 0;
	free(span->window);
	span->window = NULL;
	span->window_size = 0;
}

/* Takes the span. */
static int hash_span(struct pipeline *pipeline, struct layer_span *span,
		     struct error *err)
{
	int r = count_stored(pipeline, span, err);

	if (r == 0 && span->has_chunk) {
		r = hash_chunk(pipeline, span, err);
		if (r == 0) {
			drop_stored(span);
			r = span_queue_push(pipeline->to_list, span);
			if (r == 0)
				return 0;
		}
	} else if (r == 0) {
		digest_stream_update(pipeline->stored_hash,
				     span->bytes + span->seen_size,
				     span->bytes_size - span->seen_size);
	}
	layer_span_destroy(span);
	return r;
}

static int check_stored(struct pipeline *pipeline, struct error *err)
{
	const struct index_builder_layer *layer = pipeline->options->layer;
	struct layer_indexer_result *result = &pipeline->result;
	char text[DIGEST_TEXT_SIZE];

	digest_stream_finish(pipeline->stored_hash, &result->digest);
	if (result->size != layer->size)
		return error_set(err, -EBADMSG,
				 "it has %llu bytes, the manifest says %llu: "
				 "the source serves something else",
				 (unsigned long long)result->size,
				 (unsigned long long)layer->size);
	digest_format(&result->digest, text);
	if (!digest_equal(&result->digest, &layer->digest))
		return error_set(err, -EBADMSG,
				 "its bytes have the digest %s: the source "
				 "serves something else",
				 text);
	return 0;
}

static int check_raw(struct pipeline *pipeline, struct error *err)
{
	const struct index_builder_layer *layer = pipeline->options->layer;
	struct layer_indexer_result *result = &pipeline->result;
	char text[DIGEST_TEXT_SIZE];

	digest_stream_finish(pipeline->raw_hash, &result->diff_id);
	digest_format(&result->diff_id, text);
	if (!digest_is_zero(&layer->diff_id) &&
	    !digest_equal(&result->diff_id, &layer->diff_id))
		return error_set(err, -EBADMSG,
				 "uncompressed it has the digest %s, which is "
				 "not the diff_id in the image's "
				 "configuration: the image is damaged, build "
				 "it again",
				 text);
	return 0;
}

static int hash_spans(struct pipeline *pipeline, struct error *err)
{
	struct layer_span *span;
	int r;

	while ((r = span_queue_pop(pipeline->to_hash, &span)) > 0) {
		r = hash_span(pipeline, span, err);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = check_stored(pipeline, err);
	return r < 0 ? r : check_raw(pipeline, err);
}

static void *run_hash(void *arg)
{
	struct pipeline *pipeline = arg;
	struct outcome *outcome = &pipeline->hash;

	outcome->result = hash_spans(pipeline, &outcome->err);
	if (outcome->result == 0) {
		span_queue_finish(pipeline->to_list);
	} else {
		span_queue_cancel(pipeline->to_hash);
		span_queue_cancel(pipeline->to_list);
	}
	return NULL;
}

/* -- list */

/* tar_reader_bytes_fn; also what drains the queue. */
static ssize_t next_raw(void *arg, const void **ret, struct error *err)
{
	struct pipeline *pipeline = arg;
	struct layer_span *span;

	(void)err; /* -ECANCELED needs no words */
	do {
		int r;

		layer_span_destroy(pipeline->span);
		pipeline->span = NULL;
		r = span_queue_pop(pipeline->to_list, &pipeline->span);
		if (r <= 0)
			return r;
		span = pipeline->span;
	} while (span->ref.raw_size == 0);
	*ret = span->raw;
	return span->ref.raw_size;
}

static int keep_entry(void *arg, const struct tree_entry *entry,
		      struct error *err)
{
	struct pipeline *pipeline = arg;
	int r = entry_list_add(pipeline->result.entries, entry);

	if (r < 0)
		return error_set(err, r,
				 "the layer has more entries than memory "
				 "(%llu of them were read)",
				 (unsigned long long)entry_list_count(
					 pipeline->result.entries));
	return 0;
}

/* An archive that cannot be read goes by to its end all the same: the hash
 * thread has to see all of it. */
static int list_entries(struct pipeline *pipeline, struct error *err)
{
	const void *bytes;
	ssize_t n = 0;
	int r = tar_reader_read(next_raw, keep_entry, pipeline, err);

	if (r == -EBADMSG)
		do
			n = next_raw(pipeline, &bytes, NULL);
		while (n > 0);
	return n < 0 ? (int)n : r;
}

static void *run_list(void *arg)
{
	struct pipeline *pipeline = arg;
	struct outcome *outcome = &pipeline->list;

	outcome->result = list_entries(pipeline, &outcome->err);
	layer_span_destroy(pipeline->span);
	pipeline->span = NULL;
	if (outcome->result < 0)
		span_queue_cancel(pipeline->to_list);
	return NULL;
}

/* -- all of it */

static int run_threads(struct pipeline *pipeline, struct error *err)
{
	pthread_t hash_thread;
	pthread_t list_thread;
	int r;

	r = thread_start(&hash_thread, "index-hash", run_hash, pipeline);
	if (r < 0)
		return error_set_errno(err, r, "cannot start a thread");
	r = thread_start(&list_thread, "index-list", run_list, pipeline);
	if (r < 0) {
		span_queue_cancel(pipeline->to_hash);
		pthread_join(hash_thread, NULL);
		return error_set_errno(err, r, "cannot start a thread");
	}
	run_decode(pipeline);
	pthread_join(hash_thread, NULL);
	pthread_join(list_thread, NULL);
	return 0;
}

/* The outcome nearest to the cause; cancelled ones only follow another. */
static int report(const struct pipeline *pipeline, struct error *err)
{
	const struct outcome *const outcomes[] = { &pipeline->decode,
						   &pipeline->hash,
						   &pipeline->list };
	const struct outcome *first = NULL;

	for (size_t i = 0; i < 3; i++) {
		if (outcomes[i]->result == 0)
			continue;
		if (!first || (first->result == -ECANCELED &&
			       outcomes[i]->result != -ECANCELED))
			first = outcomes[i];
	}
	if (!first)
		return 0;
	return error_set(err, first->result, "%s",
			 first->result == -ECANCELED ? "cancelled"
						     : first->err.text);
}

int layer_indexer_run(struct byte_stream *stream,
		      const struct layer_indexer_options *options,
		      struct layer_indexer_result *ret, struct error *err)
{
	struct pipeline pipeline = {
		.options = options,
		.stream = stream,
		.to_hash = span_queue_create(LAYER_INDEXER_QUEUE_SIZE),
		.to_list = span_queue_create(LAYER_INDEXER_LIST_QUEUE_SIZE),
		.stored_hash = digest_stream_create(),
		.chunk_hash = digest_stream_create(),
		.raw_hash = digest_stream_create(),
		.result.windows = BUFFER_INIT(LAYER_INDEXER_WINDOWS_SIZE_MAX),
		.result.entries =
			entry_list_create(LAYER_INDEXER_ENTRIES_SIZE_MAX),
	};
	int r;

	if (pipeline.to_hash && pipeline.to_list && pipeline.stored_hash &&
	    pipeline.chunk_hash && pipeline.raw_hash && pipeline.result.entries)
		r = run_threads(&pipeline, err);
	else
		r = error_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = report(&pipeline, err);
	if (r == 0)
		*ret = pipeline.result;
	else
		layer_indexer_result_fini(&pipeline.result);
	digest_stream_destroy(pipeline.raw_hash);
	digest_stream_destroy(pipeline.chunk_hash);
	digest_stream_destroy(pipeline.stored_hash);
	span_queue_destroy(pipeline.to_list);
	span_queue_destroy(pipeline.to_hash);
	return r;
}
