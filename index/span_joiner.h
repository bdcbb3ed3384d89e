/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * span_joiner: the spans of a gzip layer, joined from small units: short ones
 * where a starting program may read, long ones elsewhere.
 *
 * Small spans mean fewer needless bytes, and windows that cost index space
 * each.  So the space goes where it counts: units of one member whose bytes
 * tar_scout.h calls cold become one span of up to LAYER_SPAN_COLD_STORED_SIZE
 * stored or LAYER_SPAN_COLD_RAW_SIZE raw bytes; hot ones are joined until they
 * have LAYER_SPAN_STORED_SIZE or LAYER_SPAN_RAW_SIZE.  A span ends where the
 * one kind passes into the other, so that reading a hot file brings little that
 * is cold; what has less than LAYER_SPAN_MIXED_STORED_SIZE by then takes the
 * next unit along, of whatever kind.  Within very large files units are larger
 * (LAYER_SPAN_LARGE_*): they are read in long runs, and are most of such an
 * image.
 *
 * Threads: one at a time; blocks as long as the layer's input does.
 */
#include "index/gzip_layer.h"
#include "index/tar_scout.h"

struct error;
struct layer_span;

struct span_joiner {
	struct gzip_layer *gzip; /* borrowed */
	struct tar_scout scout;
	/* What was decoded and not cut yet, but for @unit; 0: nothing. */
	size_t stored_size;
	size_t raw_size;
	bool is_cold;
	bool has_unit; /* decoded, to be joined or to begin the next span */
	bool unit_is_cold;
	struct gzip_layer_unit unit;
};

void span_joiner_init(struct span_joiner *joiner, struct gzip_layer *gzip);

/** span_joiner_next() - as layer_decoder_next() */
int span_joiner_next(struct span_joiner *joiner, struct layer_span **ret,
		     struct error *err);
