/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gzip_layer: the spans of a gzip file (RFC 1952), for layer_decoder.h, which
 * says what they promise.  It is decoded in units of some blocks each; who
 * looks at them says where spans are cut.
 *
 * Threads: one at a time; blocks as long as the input does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct gzip_layer; /* opaque */
struct layer_input;
struct layer_span;
struct span_memory;

/**
 * gzip_layer_create() - at the first byte of the first member
 * @input:  borrowed until destroy; only gzip_layer_decode() and
 *          gzip_layer_cut() use it from now on
 * @memory: borrowed until destroy: where spans are put, or NULL
 *
 * Return: 0, -ENOMEM.
 */
int gzip_layer_create(struct layer_input *input, struct span_memory *memory,
		      bool use_isal, struct gzip_layer **ret,
		      struct error *err);

/** gzip_layer_destroy() - NULL is allowed */
void gzip_layer_destroy(struct gzip_layer *layer);

/* A unit ends at the first block end that makes it this long. */
struct gzip_layer_target {
	size_t stored_size; /* at least 1 */
	size_t raw_size;    /* the same */
	bool is_near;	    /* likely the next block's end or the one after */
};

struct gzip_layer_unit {
	const uint8_t *raw; /* until the next call */
	size_t raw_size;
	size_t stored_size; /* bytes it reaches into, those it shares with its
			       neighbours included; 0 without blocks */
	bool is_last;	    /* its member ends, or it is padding: a span must be
			       cut behind it */
};

/**
 * gzip_layer_decode() - one more unit, behind those that were not cut yet
 *
 * Return: 1; 0 at the end; -EFBIG (together with those before it, it is longer
 * than a chunk may be: cut before it and decode it again, unless it is alone);
 * -EBADMSG, -ENOMEM, or what the input said, and not to be called again.
 */
int gzip_layer_decode(struct gzip_layer *layer,
		      const struct gzip_layer_target *target,
		      struct gzip_layer_unit *ret, struct error *err);

/**
 * gzip_layer_cut() - what was decoded since the last cut, as a span
 * @with_unit: false: without the last unit, with which the next span begins;
 *             there is one before it, and it has blocks
 *
 * Without a unit that was decoded and is_last, the next one is decoded from
 * where this span ends.
 *
 * Return: 0 with a span the caller owns, -ENOMEM.
 */
int gzip_layer_cut(struct gzip_layer *layer, bool with_unit,
		   struct layer_span **ret, struct error *err);
