/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * span_joiner: spans of a gzip layer, joined where they are unlikely to be
 * read at a program's start.
 *
 * Small spans mean fewer needless bytes, and windows that cost index space
 * each.  So the space goes where it counts: neighbours of one member whose
 * bytes tar_scout.h calls cold become one span of up to
 * LAYER_SPAN_COLD_STORED_SIZE stored or LAYER_SPAN_COLD_RAW_SIZE raw bytes.
 * Within very large files spans are cut larger too (LAYER_SPAN_LARGE_*): they
 * are read in long runs, and are most of such an image.  The others stay as
 * gzip_layer.h cuts them.
 *
 * Threads: one at a time; blocks as long as the layer's input does.
 */
#include "index/tar_scout.h"

struct error;
struct gzip_layer;
struct layer_span;

struct span_joiner {
	struct gzip_layer *gzip; /* borrowed */
	struct tar_scout scout;
	struct layer_span *pending; /* owned; to be joined to, or handed out */
	bool pending_is_cold;
	bool has_ended;
};

void span_joiner_init(struct span_joiner *joiner, struct gzip_layer *gzip);
void span_joiner_fini(struct span_joiner *joiner);

/** span_joiner_next() - as layer_decoder_next() */
int span_joiner_next(struct span_joiner *joiner, struct layer_span **ret,
		     struct error *err);
