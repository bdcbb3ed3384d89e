/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exactly the bytes that matter are marked: changing an unmarked byte of the
 * window leaves the span as it is, changing a marked one does not.  zlib
 * decodes the span to tell.
 */
#include "index/window_marker.h"

#include "common/cleanup.h"
#include "tests/support/gzip_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { RAW_DEFLATE = -15, RAW_SIZE = 48 << 10 };

static uint8_t window[WINDOW_MARKER_SIZE];
static uint8_t marks[WINDOW_MARKER_SIZE];
static uint8_t raw[RAW_SIZE];
static uint8_t decoded[RAW_SIZE];
static uint8_t stored[2 * RAW_SIZE];
static struct window_marker_span span;

/* A span of @size bytes whose matches reach into @window_size bytes */
static void make_span(size_t window_size, size_t size, int level, int strategy,
		      int mem_level)
{
	z_stream stream = { .next_in = raw,
			    .avail_in = (uInt)size,
			    .next_out = stored,
			    .avail_out = sizeof(stored) };

	gzip_maker_fill(window, sizeof(window), 1);
	gzip_maker_fill(raw, sizeof(raw), 1 + (uint32_t)level);
	memcpy(raw + 100, window + window_size / 2, window_size / 4);
	cr_assert_eq(deflateInit2(&stream, level, Z_DEFLATED, RAW_DEFLATE,
				  mem_level, strategy),
		     Z_OK);
	if (window_size)
		deflateSetDictionary(&stream, window, (uInt)window_size);
	cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	span = (struct window_marker_span){
		.stored = stored,
		.stored_size = sizeof(stored) - stream.avail_out,
		.window_size = window_size,
		.raw_size = size,
	};
}

/* Does the span still decode to raw? */
static bool is_unchanged(void)
{
	z_stream stream = { .next_in = stored,
			    .avail_in = (uInt)span.stored_size,
			    .next_out = decoded,
			    .avail_out = RAW_SIZE };

	inflateInit2(&stream, RAW_DEFLATE);
	inflateSetDictionary(&stream, window, (uInt)span.window_size);
	inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	return memcmp(decoded, raw, span.raw_size) == 0;
}

static void check_marks(const char *label)
{
	int count = window_marker_mark(&span, marks);
	int seen = 0;

	cr_assert_geq(count, 0, "case: %s", label);
	for (size_t i = 0; i < span.window_size; i++) {
		seen += marks[i] != 0;
		cr_assert(marks[i] == 0 || marks[i] == 0xff);
		if (!marks[i])
			window[i] ^= 0x55;
	}
	cr_assert_eq(seen, count);
	cr_assert(is_unchanged(), "case: %s", label);
	for (size_t i = 0; i < span.window_size; i += 61) {
		if (!marks[i])
			continue;
		window[i] ^= 0x55;
		cr_assert_not(is_unchanged(), "case: %s, byte %zu", label, i);
		window[i] ^= 0x55;
	}
}

struct span_case {
	const char *label;
	size_t window_size;
	size_t raw_size;
	int level;
	int strategy;
	int mem_level;
};

static const struct span_case span_cases[] = {
	{ "level 1", 32768, RAW_SIZE, 1, Z_DEFAULT_STRATEGY, 8 },
	{ "level 9", 32768, RAW_SIZE, 9, Z_DEFAULT_STRATEGY, 9 },
	{ "fixed codes", 32768, RAW_SIZE, 6, Z_FIXED, 8 },
	{ "many blocks", 32768, RAW_SIZE, 6, Z_DEFAULT_STRATEGY, 1 },
	{ "a short window", 1000, RAW_SIZE, 6, Z_DEFAULT_STRATEGY, 8 },
	{ "a short span", 32768, 300, 6, Z_DEFAULT_STRATEGY, 8 },
	{ "just 32 KiB", 32768, 32768, 6, Z_DEFAULT_STRATEGY, 8 },
};

Test(window_marker, marks_exactly_what_is_referred_to)
{
	for (size_t i = 0; i < sizeof(span_cases) / sizeof(span_cases[0]);
	     i++) {
		const struct span_case *c = &span_cases[i];

		make_span(c->window_size, c->raw_size, c->level, c->strategy,
			  c->mem_level);
		check_marks(c->label);
		cr_expect_gt(window_marker_mark(&span, marks), 10);
	}
}

/* One match of distance 10 goes from the window's last bytes into the span. */
Test(window_marker, stops_at_the_windows_end)
{
	static const uint8_t deflated[] = {
		/* Fixed codes, final; length 258 (285), distance 9 to 12 (6)
		 * with extra bits 1; end of block */
		0x1b, 0x65, 0x01, 0x00
	};

	memcpy(stored, deflated, sizeof(deflated));
	memset(marks, 7, sizeof(marks));
	span = (struct window_marker_span){
		.stored = stored,
		.stored_size = sizeof(deflated),
		.window_size = 1000,
		.raw_size = 258,
	};
	cr_assert_eq(window_marker_mark(&span, marks), 10);
	cr_expect_eq(marks[989], 0);
	cr_expect_eq(marks[990], 0xff);
	cr_expect_eq(marks[999], 0xff);
	cr_expect_eq(marks[1000], 7);
}

Test(window_marker, marks_nothing_where_nothing_reaches)
{
	make_span(0, RAW_SIZE, 6, Z_DEFAULT_STRATEGY, 8);
	span.window_size = sizeof(window);
	cr_expect_eq(window_marker_mark(&span, marks), 0);
	make_span(32768, RAW_SIZE, 6, Z_HUFFMAN_ONLY, 8);
	cr_expect_eq(window_marker_mark(&span, marks), 0);
	make_span(32768, RAW_SIZE, 0, Z_DEFAULT_STRATEGY, 8);
	cr_expect_eq(window_marker_mark(&span, marks), 0);
}

Test(window_marker, starts_at_any_bit)
{
	static uint8_t shifted[sizeof(stored)];
	int expected;

	make_span(32768, RAW_SIZE, 6, Z_DEFAULT_STRATEGY, 8);
	expected = window_marker_mark(&span, marks);
	for (unsigned bit = 1; bit < 8; bit++) {
		struct window_marker_span other = span;

		for (size_t i = 0; i < span.stored_size; i++)
			shifted[i] = (uint8_t)(stored[i] << bit |
					       (i ? stored[i - 1] : 0xff) >>
						       (8 - bit));
		shifted[span.stored_size] =
			(uint8_t)(stored[span.stored_size - 1] >> (8 - bit));
		other.stored = shifted;
		other.stored_size = span.stored_size + 1;
		other.start_bit = bit;
		cr_expect_eq(window_marker_mark(&other, marks), expected);
	}
}

Test(window_marker, refuses_what_is_no_span)
{
	make_span(32768, 20000, 6, Z_DEFAULT_STRATEGY, 8);
	span.raw_size++; /* the stream ends before */
	cr_expect_eq(window_marker_mark(&span, marks), -EBADMSG);
	span.raw_size--;
	span.window_size = 10; /* distances reach further */
	cr_expect_eq(window_marker_mark(&span, marks), -EBADMSG);
	span.window_size = 32768;
	for (size_t size = span.stored_size - 10; size > 10; size /= 2) {
		span.stored_size = size;
		cr_expect_eq(window_marker_mark(&span, marks), -EBADMSG);
	}
	stored[0] = 7; /* block type 3 */
	cr_expect_eq(window_marker_mark(&span, marks), -EBADMSG);
}

/* Whatever the bytes are, it ends and stays within bounds (ASAN looks on). */
Test(window_marker, survives_noise)
{
	uint32_t seed = 5;

	for (int round = 0; round < 20000; round++) {
		autofree uint8_t *noise = malloc(100);

		for (size_t i = 0; i < 100; i++) {
			seed = seed * 1103515245U + 12345U;
			noise[i] = (uint8_t)(seed >> 16);
		}
		span = (struct window_marker_span){
			.stored = noise,
			.stored_size = 100,
			.start_bit = (unsigned)round % 8,
			.window_size = (size_t)round,
			.raw_size = RAW_SIZE,
		};
		cr_assert_leq(window_marker_mark(&span, marks),
			      WINDOW_MARKER_SIZE);
	}
}
