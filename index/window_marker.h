/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * window_marker: which bytes of its window does a deflate span refer to?
 *
 * Matches reach back 32 KiB at most (RFC 1951 section 2), so the span's first
 * 32 KiB of output are all that can reach the window.  Only lengths and
 * distances are decoded; no output is made.
 *
 * Threads: any; no shared state.
 */
#include <stddef.h>
#include <stdint.h>

enum { WINDOW_MARKER_SIZE = 32768 };

struct window_marker_span {
	const uint8_t *stored; /* bit start_bit of stored[0] starts a block */
	size_t stored_size;
	unsigned start_bit; /* 0 to 7 */
	size_t window_size; /* 0 to WINDOW_MARKER_SIZE */
	size_t raw_size;    /* of the whole span */
};

/**
 * window_marker_mark() - mark the bytes that are referred to
 * @ret_marks: room for span->window_size bytes, oldest first: 0xff for a byte
 *             that the span refers to, 0 for the others
 *
 * Return: how many bytes are marked, -EBADMSG when the bytes are no deflate
 * span of that size (@ret_marks then has no meaning).
 */
int window_marker_mark(const struct window_marker_span *span,
		       uint8_t *ret_marks);
