/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unit that does not belong to what is before it begins the next span, at the
 * price of a copy.  So what is known not to belong, by the file it lies in, is
 * cut off before it is decoded.
 */
#include "index/span_joiner.h"

#include "index/layer_decoder.h"

#include <errno.h>
#include <string.h>

/* Cold is of what less than this share may be needed. */
enum { HOT_SHARE = 32 };

void span_joiner_init(struct span_joiner *joiner, struct gzip_layer *gzip)
{
	*joiner = (struct span_joiner){ .gzip = gzip };
	tar_scout_init(&joiner->scout);
}

/* Hot, and as long as such a span is to be */
static bool is_full(const struct span_joiner *joiner)
{
	return !joiner->is_cold &&
	       (joiner->stored_size >= LAYER_SPAN_STORED_SIZE ||
		joiner->raw_size >= LAYER_SPAN_RAW_SIZE);
}

/* Does what comes belong to what was decoded and not cut?  It is not full. */
static bool belongs(const struct span_joiner *joiner, bool is_cold,
		    size_t stored_size, size_t raw_size)
{
	if (joiner->is_cold != is_cold)
		return joiner->stored_size < LAYER_SPAN_MIXED_STORED_SIZE &&
		       stored_size < LAYER_SPAN_STORED_SIZE;
	return !is_cold ||
	       (joiner->stored_size + stored_size <=
			LAYER_SPAN_COLD_STORED_SIZE &&
		joiner->raw_size + raw_size <= LAYER_SPAN_COLD_RAW_SIZE);
}

/* What there is lacks of a size, a unit at least */
static size_t lacking(size_t has, size_t size, size_t unit_size)
{
	return has + unit_size < size ? size - has : unit_size;
}

/* How long the next unit is to be.  One of more than the least size lies within
 * the file that it begins in. */
static struct gzip_layer_target choose_target(const struct span_joiner *joiner)
{
	const struct tar_scout *scout = &joiner->scout;

	if (scout->is_cold && scout->data_left >= LAYER_SPAN_COLD_RAW_SIZE)
		return (struct gzip_layer_target){
			.stored_size = LAYER_SPAN_COLD_STORED_SIZE,
			.raw_size = LAYER_SPAN_COLD_RAW_SIZE,
		};
	if (scout->data_size >= LAYER_SPAN_LARGE_FILE_SIZE &&
	    scout->data_left >= LAYER_SPAN_LARGE_RAW_SIZE)
		return (struct gzip_layer_target){
			.stored_size = LAYER_SPAN_LARGE_STORED_SIZE,
			.raw_size = LAYER_SPAN_LARGE_RAW_SIZE,
		};
	if (scout->data_left >= LAYER_SPAN_RAW_SIZE || scout->is_lost)
		return (struct gzip_layer_target){
			.stored_size = lacking(joiner->stored_size,
					       LAYER_SPAN_STORED_SIZE,
					       LAYER_SPAN_UNIT_STORED_SIZE),
			.raw_size =
				lacking(joiner->raw_size, LAYER_SPAN_RAW_SIZE,
					LAYER_SPAN_UNIT_RAW_SIZE),
		};
	return (struct gzip_layer_target){
		.stored_size = LAYER_SPAN_UNIT_STORED_SIZE,
		.raw_size = LAYER_SPAN_UNIT_RAW_SIZE,
		.is_near = true,
	};
}

static int cut(struct span_joiner *joiner, bool with_unit,
	       struct layer_span **ret, struct error *err)
{
	int r = gzip_layer_cut(joiner->gzip, with_unit, ret, err);

	if (r < 0)
		return r;
	joiner->stored_size = 0;
	joiner->raw_size = 0;
	joiner->is_cold = false;
	return 1;
}

/* 1 when a span was cut instead, in @ret; at the end, -ENODATA */
static int decode(struct span_joiner *joiner, struct layer_span **ret,
		  struct error *err)
{
	struct gzip_layer_target target = choose_target(joiner);
	struct gzip_layer_unit *unit = &joiner->unit;
	bool has_some = joiner->stored_size > 0;
	size_t hot_size;
	int r;

	if (has_some && !target.is_near &&
	    !belongs(joiner, joiner->scout.is_cold, target.stored_size,
		     target.raw_size))
		return cut(joiner, true, ret, err);
	r = gzip_layer_decode(joiner->gzip, &target, unit, err);
	if (r == -EFBIG && has_some)
		return cut(joiner, true, ret, err);
	if (r <= 0)
		return r < 0 ? r : -ENODATA;
	hot_size = tar_scout_feed(&joiner->scout, unit->raw, unit->raw_size);
	joiner->unit_is_cold = hot_size <= unit->raw_size / HOT_SHARE;
	joiner->has_unit = true;
	return 0;
}

/* 1 when a span was cut, in @ret */
static int join(struct span_joiner *joiner, struct layer_span **ret,
		struct error *err)
{
	const struct gzip_layer_unit *unit = &joiner->unit;

	if (joiner->stored_size > 0 &&
	    !belongs(joiner, joiner->unit_is_cold, unit->stored_size,
		     unit->raw_size))
		return cut(joiner, false, ret, err);
	joiner->is_cold = joiner->unit_is_cold &&
			  (joiner->stored_size == 0 || joiner->is_cold);
	joiner->stored_size += unit->stored_size;
	joiner->raw_size += unit->raw_size;
	joiner->has_unit = false;
	return unit->is_last || is_full(joiner) ? cut(joiner, true, ret, err)
						: 0;
}

int span_joiner_next(struct span_joiner *joiner, struct layer_span **ret,
		     struct error *err)
{
	int r;

	do
		r = joiner->has_unit ? join(joiner, ret, err)
				     : decode(joiner, ret, err);
	while (r == 0);
	return r == -ENODATA ? 0 : r;
}
