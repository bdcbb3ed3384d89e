/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layer_indexer: one layer read once, into its chunks, windows and entries.
 *
 * A pipeline of three threads with bounded queues between them:
 *
 *	decode  the stream into spans (the calling thread)
 *	hash    stored bytes, of the layer and of each chunk, and raw bytes (the
 *	        diffID); encode windows
 *	list    read the tar entries
 *
 * A tar archive that cannot be read does not stop the pipeline: what is wrong
 * with it may be that the layer is not the one that was asked for, and only
 * the digest at the end can say so.
 *
 * Threads: any number of layers at a time, each with its own calling thread.
 */
#include "common/buffer.h"
#include "common/chunk_ref.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_stream;
struct entry_list;
struct error;
struct index_builder_layer;
struct index_writer_chunk;

enum {
	LAYER_INDEXER_QUEUE_SIZE = 4 << 20,	  /* bytes, to be hashed */
	LAYER_INDEXER_LIST_QUEUE_SIZE = 2 << 20,  /* bytes, to be listed */
	LAYER_INDEXER_CHUNK_COUNT_MAX = 1 << 20,  /* of one layer */
	LAYER_INDEXER_WINDOWS_SIZE_MAX = 1 << 30, /* of one layer */
	/* entries of one layer, five million or so: what needs more is a
	 * bomb, or needs more memory than a job has */
	LAYER_INDEXER_ENTRIES_SIZE_MAX = 1 << 30,
};

struct layer_indexer_options {
	const struct index_builder_layer *layer; /* what is expected */
	uint32_t number;			 /* becomes ref.blob */
	bool use_isal;
	/* Optional: see struct index_builder_options.  From the hash thread. */
	void (*chunk)(void *arg, const struct chunk_ref *ref, const void *raw);
	void *chunk_arg;
	/* Optional: stored bytes read since the last call; false cancels.
	 * From the calling thread, for each span. */
	bool (*advance)(void *arg, uint64_t size);
	void *advance_arg;
};

/* What a layer is made of; for layer_indexer_result_fini(). */
struct layer_indexer_result {
	struct digest digest;  /* as computed: equal to what was expected */
	struct digest diff_id; /* as computed */
	uint64_t size;
	uint64_t raw_size;
	struct index_writer_chunk *chunks; /* owned, by raw_off */
	uint32_t chunk_count;
	struct buffer windows;
	struct entry_list *entries; /* owned */
};

void layer_indexer_result_fini(struct layer_indexer_result *result);

/**
 * layer_indexer_run() - read a layer to its end
 * @stream: borrowed; from its first byte
 * @ret:    for layer_indexer_result_fini(); untouched on failure
 *
 * Of several errors the one nearest to the cause is returned: the stream's or
 * the decoder's, then a size or digest that does not match, then the tar
 * archive's.
 *
 * Return: 0; -ECANCELED (@advance said so), -EBADMSG, -ENOTSUP, -EFBIG,
 * -ENOMEM, -EAGAIN (no thread), or what @stream said.
 */
int layer_indexer_run(struct byte_stream *stream,
		      const struct layer_indexer_options *options,
		      struct layer_indexer_result *ret, struct error *err);
