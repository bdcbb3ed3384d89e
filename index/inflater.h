/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * inflater: one span of a raw deflate stream (RFC 1951), from one block's
 * start to another block's end.  Two back ends, inflate_isal.h and
 * inflate_zlib.h, end a span at the same bit and give the same bytes.
 *
 * A back end keeps nothing from one span to the next: every span starts from
 * its bit position and window, just as a reader of the index will.  A span that
 * has ended may be decoded further, behind its last block.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inflater;
struct span_memory;

enum { INFLATER_WINDOW_SIZE = 32768 };

/* What inflater_run() answers beside errors. */
enum inflater_result {
	INFLATER_DONE = 0,	 /* the span has ended */
	INFLATER_NEEDS_INPUT = 1 /* call again with a larger stored_size */
};

struct inflater_span {
	/* Set by the caller.  The stored bytes may move and grow between
	 * calls but never change. */
	const uint8_t *stored; /* borrowed; bit start_bit of stored[0] is the
				  first bit of a block */
	size_t stored_size;    /* bytes at hand so far */
	unsigned start_bit;    /* 0 to 7 */
	const uint8_t *window; /* borrowed; NULL when window_size is 0 */
	size_t window_size;    /* up to INFLATER_WINDOW_SIZE */

	struct span_memory *memory; /* borrowed: where @raw is from, or NULL */

	/* The span ends at the first block end that makes it this long. */
	size_t stored_target;
	size_t raw_target;
	bool is_near; /* that is likely the next block's end or the one after:
			 the same is decoded, faster */

	/* Set by the back end. */
	uint8_t *raw;	     /* for span_memory_give(), on any result */
	size_t raw_size;     /* bytes so far, up to CHUNK_RAW_SIZE_MAX */
	size_t raw_capacity; /* bytes allocated */
	uint64_t end_bit;    /* on INFLATER_DONE: bits from bit 0 of stored[0]
				to the end of the span's last block */
	bool is_final;	     /* that block is the stream's last */
};

struct inflater_ops {
	int (*begin)(struct inflater *inflater, struct inflater_span *span);
	int (*run)(struct inflater *inflater, struct inflater_span *span);
	void (*destroy)(struct inflater *inflater);
};

/* First member of every back end's struct. */
struct inflater {
	const struct inflater_ops *ops;
	bool has_begun; /* the current span */
};

/**
 * inflater_run() - decode one span, as far as the stored bytes reach
 * @span: zero but for what the caller sets; the same struct until it is done.
 *        With an end_bit (of INFLATER_DONE, not is_final) and targets beyond
 *        it, decoding goes on from there, with raw bytes up to raw_size.
 *
 * Return: INFLATER_DONE, INFLATER_NEEDS_INPUT, -EBADMSG (not deflate data),
 * -EFBIG (more than CHUNK_RAW_SIZE_MAX without a block end), -ENOMEM.  After
 * an error or INFLATER_DONE the next call starts another span.
 */
int inflater_run(struct inflater *inflater, struct inflater_span *span);

/** inflater_destroy() - NULL is allowed */
void inflater_destroy(struct inflater *inflater);

/*
 * For the back ends.
 */

/**
 * inflater_reserve() - make room in span->raw
 *
 * There is room for at least one byte on success, and for raw_target as far as
 * a chunk may have so much.  Return: 0, -EFBIG, -ENOMEM.
 */
int inflater_reserve(struct inflater_span *span);

/** inflater_start() - the bit that decoding is to begin with */
uint64_t inflater_start(const struct inflater_span *span);

/**
 * inflater_history() - the bytes before the next raw one, at most 32 KiB
 * @scratch: INFLATER_WINDOW_SIZE bytes, where they are put if they do not
 *           lie in one piece
 */
const uint8_t *inflater_history(const struct inflater_span *span,
				uint8_t *scratch, size_t *ret_size);

/** inflater_ends_span() - whether a block that ends at @bit ends the span */
bool inflater_ends_span(const struct inflater_span *span, uint64_t bit);
