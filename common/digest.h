/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * digest: SHA-256 digests as OCI writes them ("sha256:" and 64 hex digits;
 * OCI image-spec v1.1, descriptor.md, "Digests").
 *
 * Other algorithms are refused by digest_parse() with a sentence of its own.
 *
 * Threads: a struct digest_stream belongs to one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	DIGEST_SIZE = 32,	       /* bytes of a SHA-256 */
	DIGEST_TEXT_SIZE = 7 + 64 + 1, /* "sha256:" + hex + NUL */
	DIGEST_HEX_SIZE = 64 + 1,      /* hex + NUL */
};

struct digest {
	uint8_t bytes[DIGEST_SIZE];
};

struct digest_stream; /* opaque: a running SHA-256 */

/**
 * digest_parse() - read "sha256:<64 lower-case hex digits>"
 *
 * Return: 0, -EINVAL (not a digest), -ENOTSUP (another algorithm).
 */
int digest_parse(const char *text, struct digest *ret, struct error *err);

/** digest_format() - write "sha256:<hex>" */
void digest_format(const struct digest *digest, char ret[DIGEST_TEXT_SIZE]);

/** digest_format_hex() - write the 64 hex digits alone, for file names */
void digest_format_hex(const struct digest *digest, char ret[DIGEST_HEX_SIZE]);

bool digest_equal(const struct digest *a, const struct digest *b);

/** digest_is_zero() - all bytes zero: "not known" in our structures */
bool digest_is_zero(const struct digest *digest);

/** digest_compute() - SHA-256 of one buffer */
void digest_compute(const void *data, size_t size, struct digest *ret);

/** digest_stream_create() - NULL when out of memory */
struct digest_stream *digest_stream_create(void);
void digest_stream_destroy(struct digest_stream *stream);
void digest_stream_update(struct digest_stream *stream, const void *data,
			  size_t size);

/**
 * digest_stream_update_two() - advance two streams, each by bytes of its own
 *
 * As digest_stream_update() of one and then the other; where the CPU has SHA
 * instructions in little more than half of the time (digest_lanes.h), so far as
 * the sizes are alike.
 */
void digest_stream_update_two(struct digest_stream *a, const void *a_data,
			      size_t a_size, struct digest_stream *b,
			      const void *b_data, size_t b_size);

/** digest_stream_finish() - the digest so far; the stream then starts anew */
void digest_stream_finish(struct digest_stream *stream, struct digest *ret);
