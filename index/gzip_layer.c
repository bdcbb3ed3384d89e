/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span's stored bytes are copied out of the input once (they are a third of
 * the raw size); its raw bytes are inflated straight into the span's buffer.
 *
 * Every call of gzip_layer_next() covers the input's bytes from where the call
 * before ended: a member's header comes with the member's first span, its
 * trailer with the last.  Where two spans share a byte, the input stays on it
 * and start_bit says how much of it is used.
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

struct gzip_layer {
	struct layer_input *input; /* borrowed */
	struct inflater *inflater;
	size_t stored_target; /* where a span may end */
	size_t raw_target;
	enum state state;
	struct gzip_member member;
	unsigned start_bit; /* of the next span, within the input's first
			       byte; when not 0, that byte was seen */
	uint64_t raw_off;   /* of the next span */
	uint8_t *window;    /* for the next span */
	size_t window_size;
};

/* A span while it grows, at the input's first byte. */
struct draft {
	struct inflater_span inflated;
	size_t head; /* bytes before the chunk */
	size_t size; /* bytes in all */
};

static int create_inflater(bool use_isal, struct inflater **ret)
{
	int r = use_isal ? inflate_isal_create(ret) : -ENOTSUP;

	return r == -ENOTSUP ? inflate_zlib_create(ret) : r;
}

void gzip_layer_set_target(struct gzip_layer *layer, size_t stored_size,
			   size_t raw_size)
{
	assert(stored_size >= LAYER_SPAN_STORED_SIZE);
	assert(raw_size >= LAYER_SPAN_RAW_SIZE);
	layer->stored_target = stored_size;
	layer->raw_target = raw_size;
}

int gzip_layer_create(struct layer_input *input, bool use_isal,
		      struct gzip_layer **ret, struct error *err)
{
	struct gzip_layer *layer = calloc(1, sizeof(*layer));

	if (!layer || create_inflater(use_isal, &layer->inflater) < 0) {
		free(layer);
		return error_set(err, -ENOMEM,
				 "out of memory for a gzip decoder");
	}
	layer->input = input;
	gzip_layer_set_target(layer, LAYER_SPAN_STORED_SIZE,
			      LAYER_SPAN_RAW_SIZE);
	*ret = layer;
	return 0;
}

void gzip_layer_destroy(struct gzip_layer *layer)
{
	if (!layer)
		return;
	inflater_destroy(layer->inflater);
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

static int next_padding(struct gzip_layer *layer, struct layer_span **ret,
			struct error *err)
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
	r = layer_span_take(input, size, ret, err);
	if (r < 0)
		return r;
	(*ret)->raw_off = layer->raw_off;
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

static int inflate_span(struct gzip_layer *layer, struct draft *draft,
			struct error *err)
{
	struct layer_input *input = layer->input;
	struct inflater_span *inflated = &draft->inflated;
	size_t want = draft->head + layer->stored_target + READ_AHEAD;
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

static int end_member(struct gzip_layer *layer, struct draft *draft,
		      struct error *err)
{
	struct layer_input *input = layer->input;
	size_t end = draft->size + GZIP_MEMBER_TRAILER_SIZE;
	int r = layer_input_fill(input, end, err);

	if (r < 0)
		return r;
	if (layer_input_size(input) < end)
		return fail_short(layer, "a gzip trailer", err);
	r = gzip_member_check_trailer(
		&layer->member, layer_input_data(input) + draft->size, err);
	if (r < 0)
		return error_prefix(err, r, "member that ends at byte %llu",
				    blob_off(layer) + end);
	draft->size = end;
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
static void fill_span(struct gzip_layer *layer, struct draft *draft,
		      struct layer_span *span)
{
	struct inflater_span *inflated = &draft->inflated;

	span->seen_size = layer->start_bit ? 1 : 0;
	span->raw_off = layer->raw_off;
	span->has_chunk = inflated->raw_size > 0;
	if (!span->has_chunk)
		return;
	span->ref.codec = CODEC_DEFLATE_SPAN;
	span->ref.stored_off = span->bytes_off + draft->head;
	span->ref.stored_size = (uint32_t)((inflated->end_bit + 7) / 8);
	span->ref.raw_size = (uint32_t)inflated->raw_size;
	span->ref.start_bit = (uint8_t)layer->start_bit;
	span->ref.end_bit = (uint8_t)((inflated->end_bit - 1) % 8 + 1);
	span->raw = STEAL_PTR(inflated->raw);
	span->window = STEAL_PTR(layer->window);
	span->window_size = layer->window_size;
}

/* Turn the draft into a span and stand behind it. */
static int finish_span(struct gzip_layer *layer, struct draft *draft,
		       struct layer_span **ret, struct error *err)
{
	const struct inflater_span *inflated = &draft->inflated;
	unsigned end_bit = inflated->is_final ? 0 : inflated->end_bit % 8;
	uint8_t *window = NULL;
	size_t window_size = 0;
	int r;

	r = make_window(inflated, &window, &window_size);
	if (r < 0)
		return fail_inflate(layer, r, err);
	r = layer_span_take(layer->input, draft->size, ret, err);
	if (r < 0) {
		free(window);
		return r;
	}
	if (end_bit)
		layer_input_unread(layer->input, 1);
	fill_span(layer, draft, *ret);
	layer->raw_off += inflated->raw_size;
	layer->start_bit = end_bit;
	free(layer->window);
	layer->window = window;
	layer->window_size = window_size;
	layer->state = inflated->is_final ? STATE_MEMBER : STATE_SPAN;
	return 0;
}

static int next_span(struct gzip_layer *layer, size_t head,
		     struct layer_span **ret, struct error *err)
{
	struct draft draft = {
		.inflated = { .start_bit = layer->start_bit,
			      .window = layer->window,
			      .window_size = layer->window_size,
			      .stored_target = layer->stored_target,
			      .raw_target = layer->raw_target },
		.head = head,
	};
	struct inflater_span *inflated = &draft.inflated;
	int r;

	r = inflate_span(layer, &draft, err);
	if (r == 0) {
		draft.size = head + (size_t)((inflated->end_bit + 7) / 8);
		gzip_member_update(&layer->member, inflated->raw,
				   inflated->raw_size);
	}
	if (r == 0 && inflated->is_final)
		r = end_member(layer, &draft, err);
	if (r == 0)
		r = finish_span(layer, &draft, ret, err);
	free(inflated->raw);
	return r < 0 ? r : 1;
}

int gzip_layer_next(struct gzip_layer *layer, struct layer_span **ret,
		    struct error *err)
{
	size_t head = 0;
	int r;

	if (layer->state == STATE_MEMBER) {
		r = begin_member(layer, &head, err);
		if (r < 0)
			return r;
		layer->state = r == 1 ? STATE_SPAN : STATE_PADDING;
	}
	if (layer->state == STATE_PADDING)
		return next_padding(layer, ret, err);
	return next_span(layer, head, ret, err);
}
