/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a span is made to end where zlib's Z_BLOCK would end it.
 *
 * ISA-L stops after a block only when the block is the stream's last: then
 * block_state becomes INPUT_DONE, and FINISH once all output is handed over,
 * and the bits that follow the block stay in read_in.  So a block at whose end
 * we want control is made to look like the last:
 *
 * STEP_FAST   Up to just short of both targets nothing can end the span, and
 *             ISA-L runs freely.  We stop it by the room we give: input to one
 *             byte below stored_target, output to RAW_MARGIN below raw_target
 *             (ISA-L decodes one match and a few literals past the room, if
 *             the room is not too small).
 * STEP_BLOCK  Within a block (CODED, TYPE0) its header is behind us: setting
 *             bfinal makes this the last block.  Run to FINISH.
 * STEP_DRAIN  Within a header (NEW_HDR, HDR) the block's start is known:
 *             next_in, less what is kept in tmp_in_buffer and read_in.  Hand
 *             over the pending output, then enter the block anew.
 * STEP_ENTER  Start at a known block start, as at the start of a span: reset,
 *             dictionary, the first byte's bits by hand; among them the
 *             header's first bit, BFINAL, which we set.  Go on as STEP_BLOCK.
 *
 * Most spans are one STEP_FAST and one STEP_BLOCK.  What is_near is one
 * STEP_ENTER and one STEP_BLOCK for each block: each call more costs ISA-L
 * copies of 32 KiB, twice.  The position at FINISH is
 * next_in less read_in_length bits: ISA-L reads ahead by up to 8 bytes.
 */
#include "index/inflate_isal.h"

#include <errno.h>

#ifdef HAVE_ISAL

#include "index/inflate_isal_check.h"
#include "index/inflater.h"
#include "index/isal_library.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Longest match (258), up to three literals decoded at once, and
	 * plenty. */
	RAW_MARGIN = 1024,
	/* ISA-L decodes into a buffer of its own first, full or not: with
	 * less room than this it goes past what we give. */
	OWN_BUFFER_SIZE = 66 << 10,
};

enum step { STEP_FAST, STEP_BLOCK, STEP_DRAIN, STEP_ENTER };

struct isal_inflater {
	struct inflater inflater;
	const struct isal_library *isal;
	enum step step;
	size_t used;	   /* stored bytes that ISA-L has taken */
	uint64_t next_bit; /* STEP_ENTER: the block's first bit */
	bool is_final;	   /* STEP_BLOCK: what BFINAL really was */
	bool has_history;  /* nothing came out since the dictionary was set:
			      masses of empty blocks need it set once */
	uint8_t history[INFLATER_WINDOW_SIZE];
	struct inflate_state state;
};

/* Stand at a block's first bit, whose byte is at hand. */
static int enter(struct isal_inflater *self, const struct inflater_span *span,
		 uint64_t bit)
{
	struct inflate_state *state = &self->state;
	const uint8_t *history;
	size_t size;

	assert(bit / 8 < span->stored_size);
	self->used = bit / 8 + 1;
	if (self->has_history) {
		state->block_state = ISAL_BLOCK_NEW_HDR;
	} else {
		self->isal->isal_inflate_reset(state);
		history = inflater_history(span, self->history, &size);
		if (size &&
		    self->isal->isal_inflate_set_dict(state, (uint8_t *)history,
						      (uint32_t)size) < 0)
			return -ENOMEM;
		self->has_history = true;
	}
	state->read_in = span->stored[bit / 8] >> (bit % 8);
	state->read_in_length = 8 - (int32_t)(bit % 8);
	return 0;
}

/* One call of the library: stored bytes up to in_end, raw up to out_end. */
static int call(struct isal_inflater *self, struct inflater_span *span,
		size_t in_end, size_t out_end)
{
	struct inflate_state *state = &self->state;

	assert(in_end >= self->used && in_end <= span->stored_size);
	assert(out_end >= span->raw_size && out_end <= span->raw_capacity);
	state->next_in = (uint8_t *)span->stored + self->used;
	state->avail_in = (uint32_t)(in_end - self->used);
	state->next_out = span->raw + span->raw_size;
	state->avail_out = (uint32_t)(out_end - span->raw_size);
	if (self->isal->isal_inflate(state) < 0)
		return -EBADMSG;
	self->used = in_end - state->avail_in;
	if (span->raw_size != out_end - state->avail_out)
		self->has_history = false;
	span->raw_size = out_end - state->avail_out;
	return 0;
}

/* The bit after the last block, or the first of the header we are within. */
static uint64_t position(const struct isal_inflater *self)
{
	return (uint64_t)self->used * 8 -
	       (uint64_t)self->state.tmp_in_size * 8 -
	       (uint64_t)self->state.read_in_length;
}

/* Choose how to get to the end of the block we stand in.  A header that is not
 * whole is in tmp_in_buffer, so that a reset must follow. */
static int leave_fast(struct isal_inflater *self)
{
	switch ((int)self->state.block_state) {
	case ISAL_BLOCK_CODED:
	case ISAL_BLOCK_TYPE0:
		self->is_final = self->state.bfinal;
		self->state.bfinal = 1;
		self->step = STEP_BLOCK;
		return 0;
	case ISAL_BLOCK_NEW_HDR:
	case ISAL_BLOCK_HDR:
		self->has_history = false;
		self->step = STEP_DRAIN;
		return 0;
	case ISAL_BLOCK_INPUT_DONE:
	case ISAL_BLOCK_FINISH:
		self->is_final = true;
		self->step = STEP_BLOCK;
		return 0;
	default: /* within a gzip or zlib header: we never asked for them */
		return -EBADMSG;
	}
}

static int run_fast(struct isal_inflater *self, struct inflater_span *span)
{
	size_t in_end = span->stored_target - 1;
	size_t out_end = span->raw_target - RAW_MARGIN;
	bool is_short = span->stored_size < in_end;
	int r;

	if (out_end > span->raw_capacity)
		out_end = span->raw_capacity;
	if (out_end - span->raw_size < OWN_BUFFER_SIZE)
		return leave_fast(self);
	r = call(self, span, is_short ? span->stored_size : in_end, out_end);
	if (r < 0)
		return r;
	if (is_short && span->raw_size < out_end &&
	    self->state.block_state != ISAL_BLOCK_FINISH)
		return INFLATER_NEEDS_INPUT;
	return leave_fast(self);
}

/* A block has ended at @bit; raw_size counts all its bytes. */
static int end_block(struct isal_inflater *self, struct inflater_span *span,
		     uint64_t bit, bool is_final, bool *ret_done)
{
	if (bit > (uint64_t)span->stored_size * 8)
		return -EBADMSG;
	if (is_final || inflater_ends_span(span, bit)) {
		span->end_bit = bit;
		span->is_final = is_final;
		*ret_done = true;
		return 0;
	}
	self->next_bit = bit;
	self->step = STEP_ENTER;
	return 0;
}

static int run_block(struct isal_inflater *self, struct inflater_span *span,
		     bool *ret_done)
{
	int r = call(self, span, span->stored_size, span->raw_capacity);

	if (r < 0)
		return r;
	if (self->state.block_state == ISAL_BLOCK_FINISH)
		return end_block(self, span, position(self), self->is_final,
				 ret_done);
	if (span->raw_size == span->raw_capacity)
		return 0;
	return self->used == span->stored_size ? INFLATER_NEEDS_INPUT
					       : -EBADMSG;
}

static int run_drain(struct isal_inflater *self, struct inflater_span *span,
		     bool *ret_done)
{
	int r = call(self, span, self->used, span->raw_capacity);

	if (r < 0 || span->raw_size == span->raw_capacity)
		return r;
	return end_block(self, span, position(self), false, ret_done);
}

static int run_enter(struct isal_inflater *self, struct inflater_span *span)
{
	int r;

	if (self->next_bit / 8 >= span->stored_size)
		return INFLATER_NEEDS_INPUT;
	r = enter(self, span, self->next_bit);
	if (r < 0)
		return r;
	self->is_final = self->state.read_in & 1;
	self->state.read_in |= 1;
	self->step = STEP_BLOCK;
	return 0;
}

static int isal_begin(struct inflater *inflater, struct inflater_span *span)
{
	struct isal_inflater *self = (struct isal_inflater *)inflater;
	uint64_t start = inflater_start(span);

	self->has_history = false;
	if (span->is_near || span->stored_target < start / 8 + 2 ||
	    span->raw_target < span->raw_size + OWN_BUFFER_SIZE + RAW_MARGIN) {
		self->next_bit = start;
		self->step = STEP_ENTER;
		return 0;
	}
	self->step = STEP_FAST;
	return enter(self, span, start);
}

static int isal_run(struct inflater *inflater, struct inflater_span *span)
{
	struct isal_inflater *self = (struct isal_inflater *)inflater;
	bool is_done = false;
	int r;

	do {
		r = inflater_reserve(span);
		if (r < 0)
			return r;
		switch (self->step) {
		case STEP_FAST:
			r = run_fast(self, span);
			break;
		case STEP_BLOCK:
			r = run_block(self, span, &is_done);
			break;
		case STEP_DRAIN:
			r = run_drain(self, span, &is_done);
			break;
		case STEP_ENTER:
			r = run_enter(self, span);
			break;
		}
	} while (r == 0 && !is_done);
	return r;
}

static void isal_destroy(struct inflater *inflater)
{
	free(inflater);
}

static const struct inflater_ops isal_ops = {
	.begin = isal_begin,
	.run = isal_run,
	.destroy = isal_destroy,
};

int inflate_isal_create_unchecked(struct inflater **ret)
{
	const struct isal_library *isal;
	struct isal_inflater *self;

	if (isal_library_load(&isal, NULL) < 0)
		return -ENOTSUP;
	self = malloc(sizeof(*self));
	if (!self)
		return -ENOMEM;
	self->inflater = (struct inflater){ .ops = &isal_ops };
	self->isal = isal;
	self->isal->isal_inflate_init(&self->state);
	self->state.crc_flag = ISAL_DEFLATE;
	*ret = &self->inflater;
	return 0;
}

int inflate_isal_create(struct inflater **ret)
{
	return inflate_isal_check() ? inflate_isal_create_unchecked(ret)
				    : -ENOTSUP;
}

#else /* !HAVE_ISAL */

int inflate_isal_create_unchecked(struct inflater **ret)
{
	(void)ret;
	return -ENOTSUP;
}

int inflate_isal_create(struct inflater **ret)
{
	(void)ret;
	return -ENOTSUP;
}

#endif
