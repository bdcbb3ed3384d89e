/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gzip_layer: the spans of a gzip file (RFC 1952), for layer_decoder.h, which
 * says what they promise.
 *
 * Threads: one at a time; blocks as long as the input does.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct gzip_layer; /* opaque */
struct layer_input;
struct layer_span;

/**
 * gzip_layer_create() - at the first byte of the first member
 * @input: borrowed until destroy; only gzip_layer_next() uses it from now on
 *
 * Return: 0, -ENOMEM.
 */
int gzip_layer_create(struct layer_input *input, bool use_isal,
		      struct gzip_layer **ret, struct error *err);

/** gzip_layer_destroy() - NULL is allowed */
void gzip_layer_destroy(struct gzip_layer *layer);

/**
 * gzip_layer_set_target() - where spans end from now on: at the first block
 * end that makes them this long
 * @stored_size, @raw_size: at least LAYER_SPAN_STORED_SIZE and
 *                          LAYER_SPAN_RAW_SIZE, which hold until this is called
 */
void gzip_layer_set_target(struct gzip_layer *layer, size_t stored_size,
			   size_t raw_size);

/**
 * gzip_layer_next() - the next span; not to be called again after an error
 *
 * Return: as layer_decoder_next().
 */
int gzip_layer_next(struct gzip_layer *layer, struct layer_span **ret,
		    struct error *err);
