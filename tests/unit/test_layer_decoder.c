/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every layer is decoded by both inflaters and in reads of several sizes; the
 * spans must be the same, give back the blob, and decode on their own.
 */
#include "index/layer_decoder.h"

#include "common/buffer.h"
#include "common/byte_stream.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/error.h"
#include "tests/support/gzip_maker.h"
#include "tests/support/memory_stream.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

enum { BLOB_SIZE_MAX = 64 << 20, SPAN_COUNT_MAX = 4096 };

struct cut {
	struct chunk_ref ref;
	bool has_chunk;
	size_t seen_size;
	uint64_t raw_off;
	size_t window_size;
};

/* What came out of one layer. */
struct result {
	struct buffer blob; /* the unseen bytes of all spans */
	struct buffer raw;
	struct cut cuts[SPAN_COUNT_MAX];
	size_t cut_count;
	int code; /* of the last call */
	struct error err;
};

static struct result *result_create(void)
{
	struct result *result = calloc(1, sizeof(*result));

	cr_assert_not_null(result);
	result->blob.size_max = BLOB_SIZE_MAX;
	result->raw.size_max = 2 * BLOB_SIZE_MAX;
	return result;
}

static void result_destroy(struct result *result)
{
	if (!result)
		return;
	buffer_fini(&result->blob);
	buffer_fini(&result->raw);
	free(result);
}

DEFINE_CLEANUP(struct result, result_destroy);

/* The span decodes from its stored bytes and its sparse window alone. */
static void check_alone(const struct layer_span *span)
{
	struct codec_context *context = codec_context_create();
	autofree uint8_t *window = malloc(CHUNK_WINDOW_SIZE_MAX);
	autofree uint8_t *raw = malloc(span->ref.raw_size);
	struct chunk_ref ref = span->ref;
	const uint8_t *stored =
		span->bytes + (ref.stored_off - span->bytes_off);
	int size = layer_span_encode_window(span, window);

	cr_assert(size >= 0);
	ref.window_size = (uint32_t)size;
	cr_assert_eq(codec_decode(context, &ref, stored, window, raw), 0);
	cr_assert_arr_eq(raw, span->raw, ref.raw_size);
	codec_context_destroy(context);
}

static void collect(struct result *result, const struct layer_span *span)
{
	struct cut *cut = &result->cuts[result->cut_count++];

	cr_assert_lt(result->cut_count, SPAN_COUNT_MAX);
	cr_assert_leq(span->seen_size, 1);
	cr_assert_eq(span->bytes_off + span->seen_size, result->blob.size);
	cr_assert_eq(span->raw_off, result->raw.size);
	buffer_append(&result->blob, span->bytes + span->seen_size,
		      span->bytes_size - span->seen_size);
	*cut = (struct cut){ .ref = span->ref,
			     .has_chunk = span->has_chunk,
			     .seen_size = span->seen_size,
			     .raw_off = span->raw_off,
			     .window_size = span->window_size };
	if (!span->has_chunk)
		return;
	cr_assert_geq(span->ref.stored_off, span->bytes_off);
	cr_assert_leq(span->ref.stored_off + span->ref.stored_size,
		      span->bytes_off + span->bytes_size);
	buffer_append(&result->raw, span->raw, span->ref.raw_size);
	check_alone(span);
}

static void decode_stream(struct byte_stream *stream, bool use_isal,
			  struct result *result)
{
	struct layer_decoder *decoder = NULL;
	struct layer_span *span = NULL;

	cr_assert_eq(
		layer_decoder_create(stream, use_isal, &decoder, &result->err),
		0);
	while ((result->code = layer_decoder_next(decoder, &span,
						  &result->err)) == 1) {
		collect(result, span);
		layer_span_destroy(span);
	}
	layer_decoder_destroy(decoder);
}

static struct result *decode(const struct buffer *blob, bool use_isal,
			     size_t read_size)
{
	struct result *result = result_create();
	struct byte_stream *stream =
		memory_stream_create(blob->data, blob->size, read_size);

	cr_assert_not_null(stream);
	decode_stream(stream, use_isal, result);
	byte_stream_destroy(stream);
	return result;
}

static int decode_code(const struct buffer *blob, bool use_isal)
{
	CLEANUP(result_destroyp)
	struct result *result = decode(blob, use_isal, 0);

	if (result->code < 0)
		cr_expect_gt(strlen(result->err.text), 10);
	return result->code;
}

static void expect_same_cuts(const struct result *a, const struct result *b,
			     const char *label)
{
	cr_assert_eq(a->cut_count, b->cut_count, "case: %s", label);
	for (size_t i = 0; i < a->cut_count; i++)
		cr_assert(memcmp(&a->cuts[i], &b->cuts[i],
				 sizeof(a->cuts[i])) == 0,
			  "case: %s, span %zu", label, i);
}

/* Decode every way there is; all agree, and give back @blob and @raw. */
static struct result *check_layer(const struct buffer *blob,
				  const struct buffer *raw, const char *label)
{
	static const size_t read_sizes[] = { 0, 4093 };
	struct result *first = decode(blob, false, 0);

	cr_assert_eq(first->code, 0, "case: %s: %s", label, first->err.text);
	cr_assert_eq(first->blob.size, blob->size, "case: %s", label);
	cr_assert(blob->size == 0 ||
			  memcmp(first->blob.data, blob->data, blob->size) == 0,
		  "case: %s", label);
	cr_assert_eq(first->raw.size, raw->size, "case: %s", label);
	cr_assert(raw->size == 0 ||
			  memcmp(first->raw.data, raw->data, raw->size) == 0,
		  "case: %s", label);
	for (size_t i = 0; i < sizeof(read_sizes) / sizeof(size_t); i++) {
		struct result *other = decode(blob, true, read_sizes[i]);

		cr_assert_eq(other->code, 0, "case: %s: %s", label,
			     other->err.text);
		expect_same_cuts(first, other, label);
		cr_assert(first->raw.size == other->raw.size, "case: %s",
			  label);
		result_destroy(other);
	}
	return first;
}

static void fill(struct buffer *raw, size_t size, uint32_t seed)
{
	cr_assert_eq(buffer_reserve(raw, size), 0);
	gzip_maker_fill(raw->data + raw->size, size, seed);
	raw->size += size;
}

struct gzip_case {
	const char *label;
	struct gzip_maker_options options;
};

static const struct gzip_case gzip_cases[] = {
	{ "level 1", { .level = 1 } },
	{ "level 6", { .level = 6 } },
	{ "level 9", { .level = 9 } },
	{ "stored blocks", { .level = 0 } },
	{ "tiny blocks", { .level = 6, .mem_level = 1 } },
	{ "long blocks", { .level = 6, .mem_level = 9 } },
	{ "as pigz writes",
	  { .level = 6, .flush = Z_SYNC_FLUSH, .flush_period = 128 << 10 } },
	{ "flushed often",
	  { .level = 6, .flush = Z_SYNC_FLUSH, .flush_period = 700 } },
	{ "flushed within bytes",
	  { .level = 6, .flush = Z_PARTIAL_FLUSH, .flush_period = 3000 } },
	{ "flushed at block ends",
	  { .level = 1, .flush = Z_BLOCK, .flush_period = 1000 } },
	{ "independent parts",
	  { .level = 6, .flush = Z_FULL_FLUSH, .flush_period = 300000 } },
	{ "all header fields", { .level = 6, .has_fields = true } },
};

enum { GZIP_CASE_COUNT = sizeof(gzip_cases) / sizeof(gzip_cases[0]) };

Test(layer_decoder, gives_the_same_spans_by_both_inflaters)
{
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	fill(&raw, (3 << 20) + 1234, 7);
	for (size_t i = 0; i < GZIP_CASE_COUNT; i++) {
		struct buffer blob CLEANUP(buffer_fini) =
			BUFFER_INIT(BLOB_SIZE_MAX);

		cr_assert_eq(gzip_maker_append(&blob, raw.data, raw.size,
					       &gzip_cases[i].options),
			     0);
		result_destroy(check_layer(&blob, &raw, gzip_cases[i].label));
	}
}

Test(layer_decoder, ends_spans_soon_after_their_target)
{
	struct gzip_maker_options options = { .level = 6, .mem_level = 1 };
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	size_t by_stored = 0;
	size_t by_raw = 0;

	fill(&raw, 4 << 20, 3);
	cr_assert_eq(buffer_reserve(&raw, 4 << 20), 0);
	memset(raw.data + raw.size, 'x', 4 << 20);
	raw.size += 4 << 20;
	gzip_maker_append(&blob, raw.data, raw.size, &options);
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&blob, &raw, "tiny blocks");

	/* Blocks of 127 symbols are shorter than 1 KiB stored, 33 KiB raw. */
	for (size_t i = 0; i + 1 < result->cut_count; i++) {
		const struct chunk_ref *ref = &result->cuts[i].ref;
		bool is_stored = ref->stored_size >= LAYER_SPAN_STORED_SIZE;
		bool is_raw = ref->raw_size >= LAYER_SPAN_RAW_SIZE;

		cr_expect(is_stored || is_raw);
		cr_expect_lt(ref->stored_size,
			     LAYER_SPAN_STORED_SIZE +
				     LAYER_SPAN_UNIT_STORED_SIZE + 1024);
		cr_expect_lt(ref->raw_size, LAYER_SPAN_RAW_SIZE +
						    LAYER_SPAN_UNIT_RAW_SIZE +
						    33 * 1024);
		by_stored += is_stored;
		by_raw += is_raw;
	}
	cr_expect_gt(by_stored, 0);
	cr_expect_gt(by_raw, 0);
}

Test(layer_decoder, starts_spans_at_every_bit)
{
	struct gzip_maker_options options = { .level = 6 };
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	unsigned seen = 0;

	fill(&raw, 16 << 20, 12);
	gzip_maker_append(&blob, raw.data, raw.size, &options);
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&blob, &raw, "many spans");

	for (size_t i = 0; i < result->cut_count; i++) {
		const struct cut *cut = &result->cuts[i];

		seen |= 1U << cut->ref.start_bit;
		cr_expect_eq(cut->seen_size, cut->ref.start_bit ? 1 : 0);
	}
	cr_expect_eq(seen, 0xff);
}

Test(layer_decoder, cuts_at_every_members_end)
{
	struct gzip_maker_options options = { .level = 6 };
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	size_t starts = 0;

	cr_assert_eq(buffer_reserve(&raw, 1), 0); /* the first is empty */
	for (uint32_t i = 0; i < 40; i++) {
		size_t size = i % 5 == 4 ? 0 : 1000 * i;
		size_t off = raw.size;

		if (i == 20)
			size = 3 << 20;
		fill(&raw, size, i);
		options.has_fields = i % 2;
		gzip_maker_append(&blob, raw.data + off, size, &options);
	}
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&blob, &raw, "40 members");

	for (size_t i = 0; i < result->cut_count; i++)
		starts += result->cuts[i].window_size == 0;
	cr_expect_eq(starts, 40);
}

Test(layer_decoder, leaves_empty_members_without_a_chunk)
{
	struct gzip_maker_options options = { .level = 6 };
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	gzip_maker_append(&blob, "", 0, &options);
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&blob, &raw, "an empty file");

	cr_expect_eq(result->cut_count, 1);
	cr_expect_not(result->cuts[0].has_chunk);
}

/* Block ends at, just before and just behind the target, empty blocks there */
Test(layer_decoder, agrees_at_the_edges_of_the_target)
{
	for (size_t off = 0; off < 24; off++) {
		size_t size = LAYER_SPAN_RAW_SIZE - 1100 + off * 50;
		struct buffer raw CLEANUP(buffer_fini) =
			BUFFER_INIT(BLOB_SIZE_MAX);
		struct buffer blob CLEANUP(buffer_fini) =
			BUFFER_INIT(BLOB_SIZE_MAX);

		if (off == 23) /* not a multiple of 50 */
			size = LAYER_SPAN_RAW_SIZE;
		cr_assert_eq(buffer_reserve(&raw, size), 0);
		memset(raw.data, 0, size);
		raw.size = size;
		cr_assert_eq(gzip_maker_append_run(&blob, size, off * 100), 0);
		result_destroy(check_layer(&blob, &raw, "a run"));
	}
}

Test(layer_decoder, cuts_masses_of_empty_blocks)
{
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	cr_assert_eq(gzip_maker_append_run(&blob, 0, 2000000), 0);
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&blob, &raw, "empty blocks");

	/* ten bits each; nothing in them is hot */
	cr_assert_gt(blob.size, 2 * LAYER_SPAN_COLD_STORED_SIZE);
	cr_expect_eq(result->cut_count,
		     blob.size / LAYER_SPAN_COLD_STORED_SIZE + 1);
}

Test(layer_decoder, refuses_a_block_that_no_chunk_can_hold)
{
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer fits CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	cr_assert_eq(gzip_maker_append_run(&blob, CHUNK_RAW_SIZE_MAX + 1, 0),
		     0);
	cr_expect_eq(decode_code(&blob, false), -EFBIG);
	cr_expect_eq(decode_code(&blob, true), -EFBIG);
	cr_assert_eq(gzip_maker_append_run(&fits, CHUNK_RAW_SIZE_MAX, 0), 0);
	cr_expect_eq(decode_code(&fits, false), 0);
	cr_expect_eq(decode_code(&fits, true), 0);
}

Test(layer_decoder, cuts_before_a_block_that_fills_a_chunk)
{
	enum { BEFORE = 100 << 10 };
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	cr_assert_eq(
		gzip_maker_append_two_runs(&blob, BEFORE, CHUNK_RAW_SIZE_MAX),
		0);
	for (int use_isal = 0; use_isal < 2; use_isal++) {
		CLEANUP(result_destroyp)
		struct result *result = decode(&blob, use_isal, 0);

		cr_expect_eq(result->code, 0, "%s", result->err.text);
		/* the last one is the empty final block */
		cr_assert_eq(result->cut_count, 3);
		cr_expect_eq(result->cuts[0].ref.raw_size, BEFORE);
		cr_expect_eq(result->cuts[1].ref.raw_size, CHUNK_RAW_SIZE_MAX);
		cr_expect_not(result->cuts[2].has_chunk);
	}
}

Test(layer_decoder, ends_at_once_on_an_empty_blob)
{
	struct buffer nothing CLEANUP(buffer_fini) = BUFFER_INIT(1);
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&nothing, &nothing, "empty");

	cr_expect_eq(result->cut_count, 0);
}

Test(layer_decoder, cuts_a_plain_tar_into_equal_chunks)
{
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	fill(&raw, 2 * LAYER_SPAN_TAR_SIZE + 512, 5);
	raw.data[0] = 'a'; /* no magic number */
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&raw, &raw, "tar");

	cr_assert_eq(result->cut_count, 3);
	cr_expect_eq(result->cuts[0].ref.codec, CODEC_RAW);
	cr_expect_eq(result->cuts[1].ref.stored_off, LAYER_SPAN_TAR_SIZE);
	cr_expect_eq(result->cuts[2].ref.raw_size, 512);
}

struct magic_case {
	const char *label;
	const char *bytes;
};

static const struct magic_case magic_cases[] = {
	{ "zstd", "\x28\xb5\x2f\xfd more" },
	{ "zstd", "\x50\x2a\x4d\x18 skippable" },
	{ "xz", "\xfd\x37zXZ\0 more" },
	{ "bzip2", "BZh91AY&SY" },
	{ "lz4", "\x04\x22\x4d\x18 more" },
};

Test(layer_decoder, names_the_compression_it_does_not_know)
{
	for (size_t i = 0; i < sizeof(magic_cases) / sizeof(magic_cases[0]);
	     i++) {
		struct buffer blob = { .data = (uint8_t *)magic_cases[i].bytes,
				       .size = 8 };
		CLEANUP(result_destroyp)
		struct result *result = decode(&blob, true, 3);

		cr_expect_eq(result->code, -ENOTSUP, "case: %s",
			     magic_cases[i].label);
		cr_expect(strstr(result->err.text, magic_cases[i].label),
			  "case: %s", magic_cases[i].label);
	}
}

Test(layer_decoder, refuses_a_layer_cut_short_anywhere)
{
	struct gzip_maker_options options = { .level = 6, .has_fields = true };
	uint8_t raw[2000];
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	size_t size;

	gzip_maker_fill(raw, sizeof(raw), 1);
	gzip_maker_append(&blob, raw, sizeof(raw), &options);
	size = blob.size;
	/* One byte of magic is not gzip yet. */
	for (blob.size = 2; blob.size < size; blob.size++) {
		cr_expect_eq(decode_code(&blob, false), -EBADMSG, "at %zu",
			     blob.size);
		cr_expect_eq(decode_code(&blob, true), -EBADMSG, "at %zu",
			     blob.size);
	}
	cr_expect_eq(decode_code(&blob, true), 0);
}

Test(layer_decoder, refuses_any_flipped_bit)
{
	struct gzip_maker_options options = { .level = 6 };
	uint8_t raw[600];
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	gzip_maker_fill(raw, sizeof(raw), 1);
	gzip_maker_append(&blob, raw, sizeof(raw), &options);
	/* The header's time, flags and system may be anything. */
	for (size_t bit = 10 * 8; bit < blob.size * 8; bit++) {
		blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		for (int use_isal = 0; use_isal < 2; use_isal++) {
			CLEANUP(result_destroyp)
			struct result *result = decode(&blob, use_isal, 0);

			/* Padding within the last byte is not content. */
			cr_expect(result->code < 0 ||
					  (result->raw.size == sizeof(raw) &&
					   memcmp(result->raw.data, raw,
						  sizeof(raw)) == 0),
				  "bit %zu", bit);
		}
		blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

Test(layer_decoder, checks_size_checksum_and_header_checksum)
{
	struct gzip_maker_options options = { .level = 6, .has_fields = true };
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	const size_t from_end[] = { 1, 5 };

	gzip_maker_append(&blob, "content", 7, &options);
	for (size_t i = 0; i < 2; i++) {
		blob.data[blob.size - from_end[i]] ^= 1;
		cr_expect_eq(decode_code(&blob, true), -EBADMSG);
		blob.data[blob.size - from_end[i]] ^= 1;
	}
	blob.data[15] ^= 1; /* in the extra field */
	cr_expect_eq(decode_code(&blob, true), -EBADMSG);
}

Test(layer_decoder, refuses_an_endless_header)
{
	static const uint8_t header[10] = { 0x1f, 0x8b, 8, 1 << 3 };
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	buffer_append(&blob, header, sizeof(header));
	cr_assert_eq(buffer_reserve(&blob, 1 << 20), 0);
	memset(blob.data + blob.size, 'n', 1 << 20);
	blob.size += 1 << 20;
	cr_expect_eq(decode_code(&blob, true), -EFBIG);
}

Test(layer_decoder, takes_zero_padding_but_no_garbage)
{
	struct gzip_maker_options options = { .level = 6 };
	static const uint8_t zeros[LAYER_SPAN_STORED_SIZE + 100];
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);

	fill(&raw, 5000, 2);
	gzip_maker_append(&blob, raw.data, raw.size, &options);
	buffer_append(&blob, zeros, sizeof(zeros));
	CLEANUP(result_destroyp)
	struct result *result = check_layer(&blob, &raw, "padding");
	cr_expect_eq(result->cut_count, 3);

	blob.data[blob.size - 1] = 1;
	cr_expect_eq(decode_code(&blob, true), -EBADMSG);
	blob.size -= sizeof(zeros);
	buffer_append(&blob, "garbage", 7);
	cr_expect_eq(decode_code(&blob, true), -EBADMSG);
}

Test(layer_decoder, passes_on_what_the_stream_says)
{
	struct gzip_maker_options options = { .level = 6 };
	struct buffer raw CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	struct buffer blob CLEANUP(buffer_fini) = BUFFER_INIT(BLOB_SIZE_MAX);
	CLEANUP(result_destroyp) struct result *result = result_create();
	struct byte_stream *stream;

	fill(&raw, 3 << 20, 2);
	gzip_maker_append(&blob, raw.data, raw.size, &options);
	stream = memory_stream_create(blob.data, blob.size, 0);
	memory_stream_fail_at(stream, blob.size / 2, -ETIMEDOUT);
	decode_stream(stream, true, result);
	byte_stream_destroy(stream);
	cr_expect_eq(result->code, -ETIMEDOUT);
}

Test(layer_decoder, stays_failed)
{
	struct byte_stream *stream = memory_stream_create("BZh9", 4, 0);
	struct layer_decoder *decoder = NULL;
	struct layer_span *span = NULL;

	cr_assert_eq(layer_decoder_create(stream, true, &decoder, NULL), 0);
	cr_expect_eq(layer_decoder_next(decoder, &span, NULL), -ENOTSUP);
	cr_expect_eq(layer_decoder_next(decoder, &span, NULL), -ENOTSUP);
	cr_expect_null(span);
	layer_decoder_destroy(decoder);
	byte_stream_destroy(stream);
}
