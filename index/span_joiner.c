/* SPDX-License-Identifier: Apache-2.0 */
#include "index/span_joiner.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "index/gzip_layer.h"
#include "index/layer_decoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A span is cold when less than this share of it may be needed. */
enum { HOT_SHARE = 32 };

void span_joiner_init(struct span_joiner *joiner, struct gzip_layer *gzip)
{
	*joiner = (struct span_joiner){ .gzip = gzip };
	tar_scout_init(&joiner->scout);
}

void span_joiner_fini(struct span_joiner *joiner)
{
	layer_span_destroy(joiner->pending);
	joiner->pending = NULL;
}

/* Offset in the blob behind the span's stored bytes */
static uint64_t stored_end(const struct layer_span *span)
{
	return span->ref.stored_off + span->ref.stored_size;
}

/* Does @next go on in the deflate stream where @span ends, with nothing (a
 * trailer, a header) between them? */
static bool is_continued_by(const struct layer_span *span,
			    const struct layer_span *next)
{
	return span->has_chunk && next->has_chunk &&
	       stored_end(span) == span->bytes_off + span->bytes_size &&
	       next->ref.stored_off == next->bytes_off && next->window_size > 0;
}

static bool fits(const struct layer_span *span, const struct layer_span *next)
{
	return (uint64_t)span->ref.stored_size + next->ref.stored_size <=
		       LAYER_SPAN_COLD_STORED_SIZE &&
	       (uint64_t)span->ref.raw_size + next->ref.raw_size <=
		       LAYER_SPAN_COLD_RAW_SIZE;
}

static int append(uint8_t **data, size_t size, const uint8_t *more,
		  size_t more_size)
{
	uint8_t *grown = realloc(*data, size + more_size);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + size, more, more_size);
	*data = grown;
	return 0;
}

/* Put @next's bytes behind @span's; a byte they share is there already. */
static int join(struct layer_span *span, const struct layer_span *next)
{
	size_t skip = next->seen_size;
	int r;

	assert(next->raw_off == span->raw_off + span->ref.raw_size);
	r = append(&span->bytes, span->bytes_size, next->bytes + skip,
		   next->bytes_size - skip);
	if (r < 0)
		return r;
	r = append(&span->raw, span->ref.raw_size, next->raw,
		   next->ref.raw_size);
	if (r < 0)
		return r;
	span->bytes_size += next->bytes_size - skip;
	span->ref.stored_size += next->ref.stored_size - (uint32_t)skip;
	span->ref.raw_size += next->ref.raw_size;
	span->ref.end_bit = next->ref.end_bit;
	return 0;
}

static bool is_cold(struct span_joiner *joiner, const struct layer_span *span)
{
	if (!span->has_chunk)
		return false;
	return tar_scout_feed(&joiner->scout, span->raw, span->ref.raw_size) <=
	       span->ref.raw_size / HOT_SHARE;
}

/* How long the next span is to be, by the file it begins in.  What is known to
 * become one span is cut as one, and needs no joining. */
static void set_target(struct span_joiner *joiner)
{
	const struct tar_scout *scout = &joiner->scout;
	size_t stored_size = LAYER_SPAN_STORED_SIZE;
	size_t raw_size = LAYER_SPAN_RAW_SIZE;

	if (scout->is_cold && scout->data_left >= LAYER_SPAN_COLD_RAW_SIZE) {
		stored_size = LAYER_SPAN_COLD_STORED_SIZE;
		raw_size = LAYER_SPAN_COLD_RAW_SIZE;
	} else if (scout->data_size >= LAYER_SPAN_LARGE_FILE_SIZE &&
		   scout->data_left >= LAYER_SPAN_LARGE_RAW_SIZE) {
		stored_size = LAYER_SPAN_LARGE_STORED_SIZE;
		raw_size = LAYER_SPAN_LARGE_RAW_SIZE;
	}
	gzip_layer_set_target(joiner->gzip, stored_size, raw_size);
}

/* Take one more span of the layer: join it, or hand out what was pending. */
static int advance(struct span_joiner *joiner, struct layer_span **ret,
		   struct error *err)
{
	struct layer_span *next = NULL;
	bool next_is_cold;
	int r;

	set_target(joiner);
	r = gzip_layer_next(joiner->gzip, &next, err);

	if (r < 0)
		return r;
	joiner->has_ended = r == 0;
	next_is_cold = next && is_cold(joiner, next);
	if (joiner->pending && next && joiner->pending_is_cold &&
	    next_is_cold && is_continued_by(joiner->pending, next) &&
	    fits(joiner->pending, next)) {
		r = join(joiner->pending, next);
		layer_span_destroy(next);
		return r < 0 ? error_set(err, r, "out of memory for a span")
			     : 0;
	}
	*ret = joiner->pending;
	joiner->pending = next;
	joiner->pending_is_cold = next_is_cold;
	return 0;
}

int span_joiner_next(struct span_joiner *joiner, struct layer_span **ret,
		     struct error *err)
{
	struct layer_span *span = NULL;

	while (!span && (joiner->pending || !joiner->has_ended)) {
		int r = advance(joiner, &span, err);

		if (r < 0)
			return r;
	}
	if (!span)
		return 0;
	*ret = span;
	return 1;
}
