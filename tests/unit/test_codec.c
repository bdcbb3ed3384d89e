/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec.h"

#include "common/cleanup.h"
#include "common/sparse_window.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { RAW_SIZE = 100000, STORED_SIZE_MAX = 2 * RAW_SIZE, RAW_DEFLATE = -15 };

static struct codec_context *context;
static uint8_t raw[RAW_SIZE];
static uint8_t decoded[RAW_SIZE + 1];
static uint8_t stored[STORED_SIZE_MAX];
static uint8_t window[CHUNK_WINDOW_SIZE_MAX];

static void set_up(void)
{
	uint32_t seed = 3;

	context = codec_context_create();
	cr_assert_not_null(context);
	for (size_t i = 0; i < RAW_SIZE; i++) {
		seed = seed * 1103515245U + 12345U;
		raw[i] = (uint8_t)(seed >> 24 & 15);
	}
}

static void tear_down(void)
{
	codec_context_destroy(context);
}

TestSuite(codec, .init = set_up, .fini = tear_down);

static size_t store_raw(void)
{
	memcpy(stored, raw, RAW_SIZE);
	return RAW_SIZE;
}

static size_t store_zlib(void)
{
	uLongf size = STORED_SIZE_MAX;

	compress2(stored, &size, raw, RAW_SIZE, 6);
	return size;
}

static size_t store_zstd(void)
{
	return ZSTD_compress(stored, STORED_SIZE_MAX, raw, RAW_SIZE, 3);
}

static size_t store_xz(void)
{
	size_t size = 0;

	lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, raw, RAW_SIZE,
				stored, &size, STORED_SIZE_MAX);
	return size;
}

static size_t store_lz4(void)
{
	return (size_t)LZ4_compress_default((const char *)raw, (char *)stored,
					    RAW_SIZE, STORED_SIZE_MAX);
}

static size_t store_deflate(void)
{
	z_stream stream = { .next_in = raw,
			    .avail_in = RAW_SIZE,
			    .next_out = stored,
			    .avail_out = STORED_SIZE_MAX };

	deflateInit2(&stream, 6, Z_DEFLATED, RAW_DEFLATE, 8,
		     Z_DEFAULT_STRATEGY);
	deflate(&stream, Z_FINISH);
	deflateEnd(&stream);
	return STORED_SIZE_MAX - stream.avail_out;
}

struct codec_case {
	const char *label;
	enum codec codec;
	size_t (*store)(void); /* raw into stored; the stored size */
};

static const struct codec_case codec_cases[] = {
	{ "raw", CODEC_RAW, store_raw },
	{ "deflate span", CODEC_DEFLATE_SPAN, store_deflate },
	{ "zlib", CODEC_ZLIB, store_zlib },
	{ "zstd", CODEC_ZSTD, store_zstd },
	{ "xz", CODEC_XZ, store_xz },
	{ "lz4", CODEC_LZ4, store_lz4 },
};

enum { CODEC_CASE_COUNT = sizeof(codec_cases) / sizeof(codec_cases[0]) };

static struct chunk_ref make_ref(const struct codec_case *c)
{
	return (struct chunk_ref){ .codec = c->codec,
				   .stored_size = (uint32_t)c->store(),
				   .raw_size = RAW_SIZE,
				   .end_bit = 8 };
}

static int decode(const struct chunk_ref *ref)
{
	return codec_decode(context, ref, stored,
			    ref->window_size ? window : NULL, decoded);
}

Test(codec, gives_back_the_raw_bytes)
{
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < CODEC_CASE_COUNT; i++) {
			struct chunk_ref ref = make_ref(&codec_cases[i]);

			memset(decoded, 0, sizeof(decoded));
			cr_assert_eq(decode(&ref), 0, "case: %s",
				     codec_cases[i].label);
			cr_assert(memcmp(decoded, raw, RAW_SIZE) == 0,
				  "case: %s", codec_cases[i].label);
			cr_assert_eq(decoded[RAW_SIZE], 0);
		}
	}
}

Test(codec, wants_the_exact_raw_size)
{
	for (size_t i = 0; i < CODEC_CASE_COUNT; i++) {
		struct chunk_ref ref = make_ref(&codec_cases[i]);

		ref.raw_size = RAW_SIZE - 1;
		cr_expect_eq(decode(&ref), -EBADMSG, "case: %s",
			     codec_cases[i].label);
		ref.raw_size = RAW_SIZE + 1;
		cr_expect_eq(decode(&ref), -EBADMSG, "case: %s",
			     codec_cases[i].label);
		ref.raw_size = 0;
		cr_expect_eq(decode(&ref), -EBADMSG, "case: %s",
			     codec_cases[i].label);
	}
}

Test(codec, gives_the_first_bytes_of_more_where_that_is_meant)
{
	for (size_t i = 0; i < CODEC_CASE_COUNT; i++) {
		struct chunk_ref ref = make_ref(&codec_cases[i]);

		if (ref.codec == CODEC_RAW || ref.codec == CODEC_DEFLATE_SPAN)
			continue;
		ref.end_bit = CHUNK_END_PREFIX;
		ref.raw_size = RAW_SIZE / 3;
		memset(decoded, 0, sizeof(decoded));
		cr_expect_eq(decode(&ref), 0, "case: %s", codec_cases[i].label);
		cr_expect(memcmp(decoded, raw, ref.raw_size) == 0, "case: %s",
			  codec_cases[i].label);
		cr_expect_eq(decoded[ref.raw_size], 0, "case: %s",
			     codec_cases[i].label);
		ref.raw_size = RAW_SIZE;
		cr_expect_eq(decode(&ref), 0, "case: %s", codec_cases[i].label);
		ref.raw_size = RAW_SIZE + 1;
		cr_expect_eq(decode(&ref), -EBADMSG, "case: %s",
			     codec_cases[i].label);
	}
}

Test(codec, wants_the_stored_bytes_used_up)
{
	for (size_t i = 0; i < CODEC_CASE_COUNT; i++) {
		struct chunk_ref ref = make_ref(&codec_cases[i]);
		uint32_t size = ref.stored_size;

		stored[size] = 0;
		ref.stored_size = size + 1;
		cr_expect_eq(decode(&ref), -EBADMSG, "case: %s",
			     codec_cases[i].label);
		ref.stored_size = size - 1;
		cr_expect_eq(decode(&ref), -EBADMSG, "case: %s",
			     codec_cases[i].label);
		ref.stored_size = 1;
		cr_expect_eq(decode(&ref), -EBADMSG, "case: %s",
			     codec_cases[i].label);
	}
}

Test(codec, refuses_sizes_past_their_limits)
{
	static const struct chunk_ref refs[] = {
		{ .stored_size = 0, .raw_size = 1, .end_bit = 8 },
		{ .stored_size = CHUNK_STORED_SIZE_MAX + 1, .end_bit = 8 },
		{ .stored_size = 1,
		  .raw_size = CHUNK_RAW_SIZE_MAX + 1,
		  .end_bit = 8 },
		{ .stored_size = 1,
		  .raw_size = 1,
		  .end_bit = 8,
		  .window_size = CHUNK_WINDOW_SIZE_MAX + 1 },
		{ .stored_size = 1, .raw_size = 1, .end_bit = 0 },
		{ .stored_size = 1, .raw_size = 1, .end_bit = 9 },
		{ .stored_size = 1,
		  .raw_size = 1,
		  .start_bit = 8,
		  .end_bit = 8 },
	};

	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		struct chunk_ref ref = refs[i];

		ref.codec = CODEC_DEFLATE_SPAN;
		cr_expect_eq(decode(&ref), -EBADMSG, "ref %zu", i);
	}
}

Test(codec, does_not_know_other_codecs)
{
	struct chunk_ref ref = { .codec = 77, .stored_size = 1, .raw_size = 1 };

	cr_expect_eq(decode(&ref), -ENOTSUP);
}

Test(codec, limits_the_memory_of_xz)
{
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options },
				  { LZMA_VLI_UNKNOWN, NULL } };
	struct chunk_ref ref = { .codec = CODEC_XZ, .raw_size = RAW_SIZE };
	size_t size = 0;

	cr_assert_not(lzma_lzma_preset(&options, 1));
	options.dict_size = 128 << 20;
	cr_assert_eq(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL,
					       raw, RAW_SIZE, stored, &size,
					       STORED_SIZE_MAX),
		     LZMA_OK);
	ref.stored_size = (uint32_t)size;
	cr_expect_eq(decode(&ref), -EBADMSG);
}

/*
 * A deflate stream of which spans are cut at block ends: zlib finds them.
 */
enum { BLOCK_COUNT_MAX = 4096 };

struct block_end {
	size_t bit;
	size_t raw_off;
};

static struct block_end ends[BLOCK_COUNT_MAX];
static size_t end_count;

static void deflate_in_pieces(size_t piece)
{
	z_stream stream = { .next_out = stored, .avail_out = STORED_SIZE_MAX };

	deflateInit2(&stream, 6, Z_DEFLATED, RAW_DEFLATE, 1,
		     Z_DEFAULT_STRATEGY);
	for (size_t off = 0; off < RAW_SIZE; off += piece) {
		stream.next_in = raw + off;
		stream.avail_in =
			(uInt)(RAW_SIZE - off < piece ? RAW_SIZE - off : piece);
		deflate(&stream, Z_PARTIAL_FLUSH);
	}
	deflate(&stream, Z_FINISH);
	deflateEnd(&stream);
}

static void find_block_ends(void)
{
	z_stream stream = { .next_in = stored,
			    .avail_in = STORED_SIZE_MAX,
			    .next_out = decoded,
			    .avail_out = RAW_SIZE };

	end_count = 1;
	inflateInit2(&stream, RAW_DEFLATE);
	while (inflate(&stream, Z_BLOCK) == Z_OK) {
		if (!(stream.data_type & 128) || end_count == BLOCK_COUNT_MAX)
			continue;
		ends[end_count++] = (struct block_end){
			.bit = (STORED_SIZE_MAX - stream.avail_in) * 8 -
			       (stream.data_type & 7),
			.raw_off = RAW_SIZE - stream.avail_out,
		};
	}
	inflateEnd(&stream);
}

static struct chunk_ref make_span(size_t from, size_t to)
{
	size_t window_size = ends[from].raw_off;
	struct chunk_ref ref = {
		.codec = CODEC_DEFLATE_SPAN,
		.stored_off = ends[from].bit / 8,
		.stored_size =
			(uint32_t)((ends[to].bit + 7) / 8 - ends[from].bit / 8),
		.raw_size = (uint32_t)(ends[to].raw_off - ends[from].raw_off),
		.start_bit = (uint8_t)(ends[from].bit % 8),
		.end_bit = (uint8_t)((ends[to].bit - 1) % 8 + 1),
	};

	if (window_size > SPARSE_WINDOW_SIZE_MAX)
		window_size = SPARSE_WINDOW_SIZE_MAX;
	if (window_size)
		ref.window_size = (uint32_t)sparse_window_encode(
			raw + ends[from].raw_off - window_size, window_size,
			window, sizeof(window));
	return ref;
}

Test(codec, decodes_spans_at_any_bit)
{
	bool seen[8][9] = { 0 };
	int count = 0;

	deflate_in_pieces(700);
	find_block_ends();
	for (size_t from = 0; from + 1 < end_count; from++) {
		size_t to = from + 1 + from % 5;
		struct chunk_ref ref;

		if (to >= end_count)
			to = end_count - 1;
		ref = make_span(from, to);
		if (ref.raw_size == 0)
			continue;
		seen[ref.start_bit][ref.end_bit] = true;
		cr_assert_eq(codec_decode(context, &ref,
					  stored + ref.stored_off, window,
					  decoded),
			     0, "blocks %zu to %zu", from, to);
		cr_assert_arr_eq(decoded, raw + ends[from].raw_off,
				 ref.raw_size);
	}
	for (int i = 0; i < 8; i++)
		for (int j = 1; j < 9; j++)
			count += seen[i][j];
	/* Of the 64 pairs chance may miss a few. */
	cr_expect_gt(count, 50);
}

Test(codec, ignores_bits_outside_the_span)
{
	struct chunk_ref ref;

	deflate_in_pieces(700);
	find_block_ends();
	for (size_t from = 1; from + 3 < end_count; from += 2) {
		autofree uint8_t *copy = NULL;

		ref = make_span(from, from + 2);
		if (ref.raw_size == 0)
			continue;
		copy = malloc(ref.stored_size);
		memcpy(copy, stored + ref.stored_off, ref.stored_size);
		copy[0] ^= (uint8_t)((1 << ref.start_bit) - 1);
		copy[ref.stored_size - 1] ^= (uint8_t)(0xff << ref.end_bit);
		cr_assert_eq(codec_decode(context, &ref, copy, window, decoded),
			     0);
		cr_assert_arr_eq(decoded, raw + ends[from].raw_off,
				 ref.raw_size);
	}
}

Test(codec, refuses_a_span_that_is_off_by_a_bit)
{
	struct chunk_ref ref;
	int accepted = 0;
	int count = 0;

	deflate_in_pieces(700);
	find_block_ends();
	for (size_t from = 1; from + 3 < end_count; from++) {
		ref = make_span(from, from + 2);
		ref.start_bit = (uint8_t)((ref.start_bit + 1) % 8);
		count++;
		accepted += codec_decode(context, &ref, stored + ref.stored_off,
					 window, decoded) == 0;
	}
	cr_expect_gt(count, 100);
	cr_expect_eq(accepted, 0);
}

Test(codec, refuses_a_span_without_its_window)
{
	struct chunk_ref ref;

	memset(raw, 'a', RAW_SIZE);
	deflate_in_pieces(700);
	find_block_ends();
	ref = make_span(4, 6);
	ref.window_size = 0;
	cr_expect_eq(codec_decode(context, &ref, stored + ref.stored_off, NULL,
				  decoded),
		     -EBADMSG);
	ref = make_span(4, 6);
	memset(window, 0, sizeof(window));
	cr_expect_eq(codec_decode(context, &ref, stored + ref.stored_off,
				  window, decoded),
		     -EBADMSG);
}

Test(codec, refuses_bytes_behind_the_final_block)
{
	struct chunk_ref ref;

	deflate_in_pieces(700);
	find_block_ends();
	ref = make_span(end_count - 3, end_count - 1);
	cr_assert_eq(codec_decode(context, &ref, stored + ref.stored_off,
				  window, decoded),
		     0);
	ref.stored_size++;
	cr_expect_eq(codec_decode(context, &ref, stored + ref.stored_off,
				  window, decoded),
		     -EBADMSG);
}
