/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_builder: an image's layers read once, in parallel, into an index.
 *
 * Per layer three threads work as a pipeline with bounded queues: one inflates
 * and cuts spans, one hashes (the layer's digest, its diffID, each chunk) and
 * encodes windows, one reads the tar.  Layers are merged in order at the end.
 * The result does not depend on the number of threads.
 */
#include "common/chunk_ref.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_stream;
struct error;

struct index_builder_layer {
	struct digest digest;  /* of the stored blob; checked */
	struct digest diff_id; /* of the uncompressed layer; checked unless
				  zero */
	uint64_t size;	       /* bytes stored; checked */
};

struct index_builder_image {
	struct digest manifest_digest;
	const void *manifest; /* JSON bytes, borrowed */
	size_t manifest_size;
	const void *config;
	size_t config_size;
	const struct index_builder_layer *layers; /* lowest first, borrowed */
	uint32_t layer_count;
};

struct index_builder_options {
	unsigned layers_at_once; /* 0: one per core, at most 4 */
	bool is_packed;		 /* compress sections of the written file */
	bool use_zlib;		 /* inflate by zlib although ISA-L is there */

	/* Opens layer @number from its first byte; called from a builder
	 * thread, once per layer.  The builder destroys the stream. */
	int (*open_layer)(void *arg, uint32_t number, struct byte_stream **ret,
			  struct error *err);
	/* Optional: each chunk with its digest and raw bytes, once its stored
	 * bytes were hashed but before the layer's digest is known to match.
	 * ref->blob is the layer number.  Called from builder threads. */
	void (*chunk)(void *arg, const struct chunk_ref *ref, const void *raw);
	/* Optional: stored bytes read so far, over all layers; from builder
	 * threads, about once a MiB, perhaps two at once, and once at the end.
	 * Returning false cancels (-ECANCELED). */
	bool (*progress)(void *arg, uint64_t done_size);
	void *arg;
};

/**
 * index_builder_build() - read the layers and write the index to @fd
 * @fd: an empty regular file open for reading and writing
 *
 * Blocks until done; starts and joins its own threads.
 *
 * Return: 0; -EBADMSG (a digest, diffID or size that does not match, a corrupt
 * layer: @err names layer and digest), -ENOTSUP, -EINVAL, -EFBIG, -ENOMEM,
 * -ECANCELED, what open_layer or its stream said, the write's errno.
 */
int index_builder_build(int fd, const struct index_builder_image *image,
			const struct index_builder_options *options,
			struct error *err);
