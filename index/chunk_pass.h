/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_pass: an object read once from front to back: the digest of the whole,
 * the digest of each chunk, and whether each decodes.
 *
 * Threads: one at a time.
 */
#include "common/chunk_ref.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct byte_stream;
struct error;
struct index_writer_chunk;

struct chunk_pass_options {
	uint64_t size; /* bytes that the object is to have */
	/* Optional: each chunk with its digest and raw bytes. */
	void (*chunk)(void *arg, const struct chunk_ref *ref, const void *raw);
	/* Optional: bytes read so far; false cancels. */
	bool (*progress)(void *arg, uint64_t done_size);
	void *arg;
};

/**
 * chunk_pass_run() - read all of @stream
 * @chunks: by stored_off; each gets the digest of its stored bytes
 * @ret:    SHA-256 of the whole object
 *
 * Return: 0; -EBADMSG (a chunk that does not decode to its size: @err says
 * where; an object of another size); -ECANCELED; -ENOMEM; what @stream said.
 */
int chunk_pass_run(struct byte_stream *stream,
		   struct index_writer_chunk *chunks, uint32_t count,
		   const struct chunk_pass_options *options, struct digest *ret,
		   struct error *err);
