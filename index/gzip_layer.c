/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span's stored bytes are copied out of the input once, when it is cut (they
 * are a third of the raw size); its raw bytes are inflated straight into the
 * span's buffer, unit behind unit.
 *
 * Every span covers the input's bytes from where the one before ended: a
 * member's header comes with the member's first span, its trailer with the
 * last.  Where two spans share a byte, the input stays on it and start_bit says
 * how much of it is used.
 */
#include "index/gzip_layer.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "index/gzip_member.h"
#include "index/inflate_isal.h"
#include "index/inflate_zlib.h"
#include "index/inflater.h"
#include "index/layer_decoder.h"
#include "index/layer_input.h"
#include "index/layer_span.h"
#include "index/span_memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a span is likely to need past its target, and the step in which more
 * is read. */
enum { READ_AHEAD = 64 << 10 };

enum state {
	STATE_MEMBER,  /* a member's header comes next, or the end */
	STATE_SPAN,    /* within a member's deflate stream */
	STATE_PADDING, /* zero bytes after the last member */
};

/* What is decoded and not yet cut, from the input's first byte on. */
struct draft {
	/* sizes: of @kept, then of all that was decoded */
	struct inflater_span inflated;
	size_t head; /* bytes before the chunk */
	size_t tail; /* bytes behind it */
	/* What the last unit was added to; no bits: nothing. */
	uint64_t kept_bit; /* as inflated.end_bit */
	size_t kept_raw_size;
};

struct gzip_layer {
	struct layer_input *input;  /* borrowed */
	struct span_memory *memory; /* borrowed, or NULL */
	struct inflater *inflater;
	enum state state;
	struct gzip_member member;
	struct draft draft;
	unsigned start_bit; /* of the draft, within the input's first byte;
			       when not 0, that byte was seen */
	uint64_t raw_off;   /* of the draft */
	uint8_t *window;    /* for it */
	size_t window_size;
};

static int create_inflater(bool use_isal, struct inflater **ret)
{
	int r = use_isal ? inflate_isal_create(ret) : -ENOTSUP;

	return r == -ENOTSUP ? inflate_zlib_create(ret) : r;
}

int gzip_layer_create(struct layer_input *input, struct span_memory *memory,
		      bool use_isal, struct gzip_layer **ret, struct error *err)
{
	struct gzip_layer *layer = calloc(1, sizeof(*layer));

	if (!layer || create_inflater(use_isal, &layer->inflater) < 0) {
		free(layer);
		return error_set(err, -ENOMEM,
				 "out of memory for a gzip decoder");
	}
	layer->input = input;
	layer->memory = memory;
	*ret = layer;
	return 0;
}

void gzip_layer_destroy(struct gzip_layer *layer)
{
	if (!layer)
		return;
	inflater_destroy(layer->inflater);
	span_memory_give(layer->draft.inflated.raw);
	free(layer->window);
	free(layer);
}

static unsigned long long blob_off(const struct gzip_layer *layer)
{
	return layer->input->off;
}

static int fail_short(const struct gzip_layer *layer, const char *within,
		      struct error *err)
{
	return error_set(err, -EBADMSG,
			 "the layer ends within %s, after %llu bytes: it was "
			 "cut short, fetch it again",
			 within,
			 blob_off(layer) + layer_input_size(layer->input));
}

static int fail_inflate(const struct gzip_layer *layer, int r,
			struct error *err)
{
	switch (r) {
	case -EBADMSG:
		return error_set(
			err, r,
			"corrupt gzip data within the %zu bytes from %llu on",
			layer_input_size(layer->input), blob_off(layer));
	case -EFBIG:
		return error_set(err, r,
				 "a deflate block behind byte %llu is longer "
				 "than a chunk may be (%d bytes, %d stored): "
				 "compress the layer anew",
				 blob_off(layer), CHUNK_RAW_SIZE_MAX,
				 CHUNK_STORED_SIZE_MAX);
	default:
		return error_set(err, r, "out of memory for a layer's span");
	}
}

static bool is_zero(const uint8_t *data, size_t size)
{
	return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

static int decode_padding(struct gzip_layer *layer, struct error *err)
{
	struct layer_input *input = layer->input;
	size_t size;
	int r;

	r = layer_input_fill(input, LAYER_SPAN_STORED_SIZE, err);
	if (r < 0)
		return r;
	size = layer_input_size(input);
	if (size == 0)
		return 0;
	if (!is_zero(layer_input_data(input), size))
		return error_set(
			err, -EBADMSG,
			"bytes that are neither gzip nor zero follow the last "
			"gzip member, at %llu or behind: the layer is damaged",
			blob_off(layer));
	if (size > LAYER_SPAN_STORED_SIZE)
		size = LAYER_SPAN_STORED_SIZE;
	layer->draft.head = size;
	return 1;
}

/* The header's size in @ret_size */
static int read_header(struct gzip_layer *layer, size_t *ret_size,
		       struct error *err)
{
	struct layer_input *input = layer->input;
	ssize_t size = 0;
	size_t want = 1;
	int r;

	while (size == 0) {
		want += READ_AHEAD;
		r = layer_input_fill(input, want, err);
		if (r < 0)
			return r;
		size = gzip_member_parse_header(layer_input_data(input),
						layer_input_size(input), err);
		if (size == 0 && input->at_end)
			return fail_short(layer, "a gzip header", err);
	}
	if (size < 0)
		return error_prefix(err, (int)size, "at byte %llu",
				    blob_off(layer));
	*ret_size = (size_t)size;
	return 0;
}

/* 1 when a member begins, its header's size then in @ret_size; 0 at the end
 * of all members */
static int begin_member(struct gzip_layer *layer, size_t *ret_size,
			struct error *err)
{
	struct layer_input *input = layer->input;
	int r = layer_input_fill(input, 1, err);

	if (r < 0)
		return r;
	if (layer_input_size(input) == 0 || layer_input_data(input)[0] == 0)
		return 0;
	r = read_header(layer, ret_size, err);
	if (r < 0)
		return r;
	assert(layer->start_bit == 0 && layer->window_size == 0);
	layer->member = (struct gzip_member){ 0 };
	return 1;
}

static int inflate_unit(struct gzip_layer *layer, struct error *err)
{
	struct layer_input *input = layer->input;
	struct draft *draft = &layer->draft;
	struct inflater_span *inflated = &draft->inflated;
	size_t want = draft->head + inflated->stored_target + READ_AHEAD;
	int r;

	for (;;) {
		r = layer_input_fill(input, want, err);
		if (r < 0)
			return r;
		inflated->stored = layer_input_data(input) + draft->head;
		inflated->stored_size = layer_input_size(input) - draft->head;
		if (inflated->stored_size > CHUNK_STORED_SIZE_MAX)
			inflated->stored_size = CHUNK_STORED_SIZE_MAX;
		r = inflater_run(layer->inflater, inflated);
		if (r < 0)
			return fail_inflate(layer, r, err);
		if (r == INFLATER_DONE)
			return 0;
		if (inflated->stored_size == CHUNK_STORED_SIZE_MAX)
			return fail_inflate(layer, -EFBIG, err);
		if (input->at_end)
			return fail_short(layer, "a gzip member", err);
		want = layer_input_size(input) + READ_AHEAD;
	}
}

/* Bytes of the chunk that the draft's first @bits reach into */
static size_t bytes_of(uint64_t bits)
{
	return (size_t)((bits + 7) / 8);
}

static int end_member(struct gzip_layer *layer, struct error *err)
{
	struct layer_input *input = layer->input;
	struct draft *draft = &layer->draft;
	size_t begin = draft->head + bytes_of(draft->inflated.end_bit);
	size_t end = begin + GZIP_MEMBER_TRAILER_SIZE;
	int r = layer_input_fill(input, end, err);

	if (r < 0)
		return r;
	if (layer_input_size(input) < end)
		return fail_short(layer, "a gzip trailer", err);
	r = gzip_member_check_trailer(&layer->member,
				      layer_input_data(input) + begin, err);
	if (r < 0)
		return error_prefix(err, r, "member that ends at byte %llu",
				    blob_off(layer) + end);
	draft->tail = GZIP_MEMBER_TRAILER_SIZE;
	return 0;
}

/* The window for what follows, in @ret; NULL and 0 when there is none */
static int make_window(const struct inflater_span *inflated, uint8_t **ret,
		       size_t *ret_size)
{
	size_t new_size = inflated->raw_size;
	size_t old_size = inflated->window_size;
	uint8_t *window;

	if (new_size > INFLATER_WINDOW_SIZE)
		new_size = INFLATER_WINDOW_SIZE;
	if (old_size > INFLATER_WINDOW_SIZE - new_size)
		old_size = INFLATER_WINDOW_SIZE - new_size;
	if (inflated->is_final || old_size + new_size == 0)
		return 0;
	window = malloc(old_size + new_size);
	if (!window)
		return -ENOMEM;
	if (old_size)
		memcpy(window,
		       inflated->window + inflated->window_size - old_size,
		       old_size);
	if (new_size)
		memcpy(window + old_size,
		       inflated->raw + inflated->raw_size - new_size, new_size);
	*ret = window;
	*ret_size = old_size + new_size;
	return 0;
}

/* What is known of the chunk, and the raw bytes, into @span */
static void fill_span(struct gzip_layer *layer, struct layer_span *span)
{
	struct inflater_span *inflated = &layer->draft.inflated;

	span->seen_size = layer->start_bit ? 1 : 0;
	span->raw_off = layer->raw_off;
	span->has_chunk = inflated->raw_size > 0;
	if (!span->has_chunk)
		return;
	span->ref.codec = CODEC_DEFLATE_SPAN;
	span->ref.stored_off = span->bytes_off + layer->draft.head;
	span->ref.stored_size = (uint32_t)bytes_of(inflated->end_bit);
	span->ref.raw_size = (uint32_t)inflated->raw_size;
	span->ref.start_bit = (uint8_t)layer->start_bit;
	span->ref.end_bit = (uint8_t)((inflated->end_bit - 1) % 8 + 1);
	span->raw = STEAL_PTR(inflated->raw);
	span->window = STEAL_PTR(layer->window);
	span->window_size = layer->window_size;
}

/* Turn the draft, all of it, into a span and stand behind it. */
static int finish_span(struct gzip_layer *layer, struct layer_span **ret,
		       struct error *err)
{
	struct draft *draft = &layer->draft;
	const struct inflater_span *inflated = &draft->inflated;
	unsigned end_bit = inflated->is_final ? 0 : inflated->end_bit % 8;
	size_t size = draft->head + bytes_of(inflated->end_bit) + draft->tail;
	uint8_t *window = NULL;
	size_t window_size = 0;
	int r;

	r = make_window(inflated, &window, &window_size);
	if (r < 0)
		return fail_inflate(layer, r, err);
	r = layer_span_take(layer->input, size, layer->memory, ret, err);
	if (r < 0) {
		free(window);
		return r;
	}
	if (end_bit)
		layer_input_unread(layer->input, 1);
	fill_span(layer, *ret);
	layer->raw_off += inflated->raw_size;
	layer->start_bit = end_bit;
	free(layer->window);
	layer->window = window;
	layer->window_size = window_size;
	if (layer->state == STATE_SPAN && inflated->is_final)
		layer->state = STATE_MEMBER;
	span_memory_give(inflated->raw);
	layer->draft = (struct draft){ 0 };
	return 0;
}

/* The last unit, out of the draft, for the next one: @ret has a copy of its
 * raw bytes, and bits from bit 0 of the byte that it starts in. */
static int split_unit(struct gzip_layer *layer, struct draft *ret)
{
	struct draft *draft = &layer->draft;
	const struct inflater_span *all = &draft->inflated;
	struct inflater_span *unit = &ret->inflated;

	*ret = (struct draft){ .tail = draft->tail };
	unit->memory = layer->memory;
	unit->raw_target = all->raw_size - draft->kept_raw_size;
	if (inflater_reserve(unit) < 0)
		return -ENOMEM;
	unit->raw_size = unit->raw_target;
	memcpy(unit->raw, all->raw + draft->kept_raw_size, unit->raw_size);
	unit->end_bit = all->end_bit - draft->kept_bit / 8 * 8;
	unit->is_final = all->is_final;
	draft->tail = 0;
	draft->inflated.raw_size = draft->kept_raw_size;
	draft->inflated.end_bit = draft->kept_bit;
	draft->inflated.is_final = false;
	return 0;
}

int gzip_layer_cut(struct gzip_layer *layer, bool with_unit,
		   struct layer_span **ret, struct error *err)
{
	struct draft unit = { 0 };
	int r;

	assert(with_unit || layer->draft.kept_bit > 0);
	r = with_unit ? 0 : split_unit(layer, &unit);
	if (r < 0)
		return fail_inflate(layer, r, err);
	r = finish_span(layer, ret, err);
	if (r < 0) {
		span_memory_give(unit.inflated.raw);
		return r;
	}
	layer->draft = unit;
	return 0;
}

static int decode_unit(struct gzip_layer *layer,
		       const struct gzip_layer_target *target,
		       struct error *err)
{
	struct draft *draft = &layer->draft;
	struct inflater_span *inflated = &draft->inflated;
	int r;

	draft->kept_bit = inflated->end_bit;
	draft->kept_raw_size = inflated->raw_size;
	inflated->start_bit = layer->start_bit;
	inflated->memory = layer->memory;
	inflated->window = layer->window;
	inflated->window_size = layer->window_size;
	inflated->stored_target =
		bytes_of(draft->kept_bit) + target->stored_size;
	inflated->raw_target = draft->kept_raw_size + target->raw_size;
	inflated->is_near = target->is_near;
	r = inflate_unit(layer, err);
	if (r < 0) {
		inflated->raw_size = draft->kept_raw_size;
		return r;
	}
	gzip_member_update(&layer->member, inflated->raw + draft->kept_raw_size,
			   inflated->raw_size - draft->kept_raw_size);
	return inflated->is_final ? end_member(layer, err) : 0;
}

int gzip_layer_decode(struct gzip_layer *layer,
		      const struct gzip_layer_target *target,
		      struct gzip_layer_unit *ret, struct error *err)
{
	struct draft *draft = &layer->draft;
	int r;

	if (layer->state == STATE_MEMBER) {
		r = begin_member(layer, &draft->head, err);
		if (r < 0)
			return r;
		layer->state = r == 1 ? STATE_SPAN : STATE_PADDING;
	}
	*ret = (struct gzip_layer_unit){ .is_last = true };
	if (layer->state == STATE_PADDING)
		return decode_padding(layer, err);
	r = decode_unit(layer, target, err);
	if (r < 0)
		return r;
	ret->raw = draft->inflated.raw + draft->kept_raw_size;
	ret->raw_size = draft->inflated.raw_size - draft->kept_raw_size;
	ret->stored_size = bytes_of(draft->inflated.end_bit) -
			   (size_t)(draft->kept_bit / 8);
	ret->is_last = draft->inflated.is_final;
	return 1;
}
