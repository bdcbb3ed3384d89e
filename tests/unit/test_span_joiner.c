/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blocks of a layer are the yardstick: a span must be a run of them, decode
 * on its own, and be as long as the bounds allow.
 */
#include "index/span_joiner.h"

#include "common/byte_stream.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "index/gzip_layer.h"
#include "index/layer_decoder.h"
#include "index/layer_input.h"
#include "tests/support/gzip_maker.h"
#include "tests/support/memory_stream.h"
#include "tests/support/tar_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	SIZE_MAX_TEST = 64 << 20,
	SPANS_MAX = 2048,
	MIB = 1 << 20,
	/* zlib's blocks of what gzip_maker_fill() makes, at mem_level 8 */
	BLOCK_STORED_SIZE_MAX = 48 << 10,
	BLOCK_RAW_SIZE_MAX = 160 << 10,
};

struct list {
	struct layer_span *spans[SPANS_MAX];
	size_t count;
	int code; /* of the last call */
};

static struct tar_maker tar = TAR_MAKER_INIT;
static struct buffer blob = BUFFER_INIT(SIZE_MAX_TEST);
static struct list cuts;   /* one for each block */
static struct list joined; /* of the same layer */

static void list_clear(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		layer_span_destroy(list->spans[i]);
	list->count = 0;
}

static void teardown(void)
{
	list_clear(&cuts);
	list_clear(&joined);
	tar_maker_fini(&tar);
	buffer_fini(&blob);
}

TestSuite(span_joiner, .fini = teardown);

/* Smaller than what is cut as one span at once. */
#define PIECE_SIZE ((size_t)LAYER_SPAN_COLD_RAW_SIZE / 2)

/* @data as files @path.0, @path.1 ... */
static void add_pieces(const char *path, const uint8_t *data, size_t size)
{
	char name[64];

	for (size_t off = 0, i = 0; off < size; off += PIECE_SIZE, i++) {
		size_t left = size - off;

		snprintf(name, sizeof(name), "%s.%zu", path, i);
		tar_maker_add_file(&tar, name, data + off,
				   left < PIECE_SIZE ? left : PIECE_SIZE);
	}
}

/* @size bytes that compress like a layer's do */
static void add_file(const char *path, size_t size, uint32_t seed)
{
	autofree uint8_t *data = malloc(size);

	cr_assert_not_null(data);
	gzip_maker_fill(data, size, seed);
	add_pieces(path, data, size);
}

/* The archive so far as one more member; it begins anew. */
static void end_member(int mem_level)
{
	struct gzip_maker_options options = { .level = 6,
					      .mem_level = mem_level };

	cr_assert_eq(gzip_maker_append(&blob, tar.buffer.data, tar.buffer.size,
				       &options),
		     0);
	tar.buffer.size = 0;
}

static void cut_stream(struct byte_stream *stream, bool use_isal,
		       struct list *list)
{
	static const struct gzip_layer_target a_block = {
		.stored_size = 1,
		.raw_size = 1,
		.is_near = true,
	};
	struct gzip_layer *gzip = NULL;
	struct gzip_layer_unit unit;
	struct layer_input input;

	layer_input_init(&input, stream);
	cr_assert_eq(gzip_layer_create(&input, NULL, use_isal, &gzip, NULL), 0);
	while ((list->code = gzip_layer_decode(gzip, &a_block, &unit, NULL)) ==
	       1) {
		cr_assert_lt(list->count, SPANS_MAX);
		cr_assert_eq(gzip_layer_cut(gzip, true,
					    &list->spans[list->count], NULL),
			     0);
		list->count++;
	}
	gzip_layer_destroy(gzip);
	layer_input_fini(&input);
}

static void join_stream(struct byte_stream *stream, bool use_isal,
			struct list *list)
{
	struct span_joiner joiner;
	struct gzip_layer *gzip = NULL;
	struct layer_span *span = NULL;
	struct layer_input input;

	layer_input_init(&input, stream);
	cr_assert_eq(gzip_layer_create(&input, NULL, use_isal, &gzip, NULL), 0);
	span_joiner_init(&joiner, gzip);
	while ((list->code = span_joiner_next(&joiner, &span, NULL)) == 1) {
		cr_assert_lt(list->count, SPANS_MAX);
		list->spans[list->count++] = span;
	}
	if (list->code == 0)
		cr_expect_eq(span_joiner_next(&joiner, &span, NULL), 0,
			     "stays at the end");
	gzip_layer_destroy(gzip);
	layer_input_fini(&input);
}

/* The span decodes from its stored bytes and its sparse window alone. */
static void check_alone(const struct layer_span *span)
{
	struct codec_context *context = codec_context_create();
	autofree uint8_t *window = malloc(CHUNK_WINDOW_SIZE_MAX);
	autofree uint8_t *raw = malloc(span->ref.raw_size);
	struct chunk_ref ref = span->ref;
	int size = layer_span_encode_window(span, window);

	cr_assert(size >= 0);
	ref.window_size = (uint32_t)size;
	cr_assert_eq(
		codec_decode(context, &ref,
			     span->bytes + (ref.stored_off - span->bytes_off),
			     window, raw),
		0);
	cr_assert(memcmp(raw, span->raw, ref.raw_size) == 0);
	codec_context_destroy(context);
}

static bool is_same(const struct layer_span *a, const struct layer_span *b)
{
	return a->bytes_off == b->bytes_off && a->bytes_size == b->bytes_size &&
	       memcmp(a->bytes, b->bytes, a->bytes_size) == 0 &&
	       a->seen_size == b->seen_size && a->has_chunk == b->has_chunk &&
	       a->raw_off == b->raw_off &&
	       memcmp(&a->ref, &b->ref, sizeof(a->ref)) == 0 &&
	       (!a->has_chunk ||
		memcmp(a->raw, b->raw, a->ref.raw_size) == 0) &&
	       a->window_size == b->window_size &&
	       (!a->window_size ||
		memcmp(a->window, b->window, a->window_size) == 0);
}

/* @span is the run of @count cuts from @first on, taken together */
static void check_run(const struct layer_span *span, size_t first, size_t count)
{
	const struct layer_span *begin = cuts.spans[first];
	const struct layer_span *end = cuts.spans[first + count - 1];

	if (count == 1) {
		cr_assert(is_same(span, begin), "cut %zu", first);
		return;
	}
	cr_assert(begin->has_chunk && end->has_chunk);
	cr_assert_eq(span->ref.stored_off, begin->ref.stored_off);
	cr_assert_eq(span->ref.start_bit, begin->ref.start_bit);
	cr_assert_eq(span->ref.end_bit, end->ref.end_bit);
	cr_assert_eq(span->ref.stored_off + span->ref.stored_size,
		     end->ref.stored_off + end->ref.stored_size);
	cr_assert_eq(span->raw_off + span->ref.raw_size,
		     end->raw_off + end->ref.raw_size);
	cr_assert_eq(span->window_size, begin->window_size);
	cr_assert_leq(span->ref.stored_size, LAYER_SPAN_COLD_STORED_SIZE);
	cr_assert_leq(span->ref.raw_size, LAYER_SPAN_COLD_RAW_SIZE);
}

/* All that holds of any layer.  @runs: of how many cuts each span is made. */
static void check_joined(size_t runs[SPANS_MAX])
{
	size_t blob_off = 0;
	uint64_t raw_off = 0;
	size_t cut = 0;

	for (size_t i = 0; i < joined.count; i++) {
		const struct layer_span *span = joined.spans[i];
		uint64_t end = span->bytes_off + span->bytes_size;
		size_t first = cut;

		cr_assert_eq(span->bytes_off + span->seen_size, blob_off);
		cr_assert_leq(end, blob.size);
		cr_assert(memcmp(span->bytes, blob.data + span->bytes_off,
				 span->bytes_size) == 0,
			  "span %zu", i);
		cr_assert_eq(span->raw_off, raw_off);
		blob_off = end;
		raw_off += span->ref.raw_size;
		while (cut < cuts.count &&
		       cuts.spans[cut]->bytes_off +
				       cuts.spans[cut]->bytes_size <=
			       end)
			cut++;
		runs[i] = cut - first;
		cr_assert_gt(runs[i], 0);
		check_run(span, first, runs[i]);
		if (span->has_chunk)
			check_alone(span);
	}
	cr_assert_eq(cut, cuts.count);
	cr_assert_eq(blob_off, blob.size);
}

/* Cut and join the blob by both inflaters and in small reads; all agree. */
static void join_blob(size_t runs[SPANS_MAX])
{
	static const size_t read_sizes[] = { 0, 0, 4093 };
	struct byte_stream *stream =
		memory_stream_create(blob.data, blob.size, 0);

	cut_stream(stream, false, &cuts);
	byte_stream_destroy(stream);
	cr_assert_eq(cuts.code, 0);
	for (int i = 0; i < 3; i++) {
		struct list other = { 0 };

		stream = memory_stream_create(blob.data, blob.size,
					      read_sizes[i]);
		join_stream(stream, i > 0, i > 0 ? &other : &joined);
		byte_stream_destroy(stream);
		cr_assert_eq(i > 0 ? other.code : joined.code, 0);
		cr_assert(i == 0 || other.count == joined.count);
		for (size_t k = 0; k < other.count; k++)
			cr_assert(is_same(other.spans[k], joined.spans[k]),
				  "way %d, span %zu", i, k);
		list_clear(&other);
	}
	check_joined(runs);
}

/* Does the span hold bytes of the file's data, at @off of the layer? */
static bool reaches(const struct layer_span *span, size_t off, size_t size)
{
	return span->raw_off < off + size &&
	       span->raw_off + span->ref.raw_size > off;
}

Test(span_joiner, joins_cold_neighbours_up_to_the_stored_size)
{
	size_t runs[SPANS_MAX];
	unsigned start_bits = 0;

	add_file("usr/share/big", 24 * MIB, 1);
	end_member(8);
	join_blob(runs);
	cr_assert_gt(joined.count, 4);
	for (size_t i = 0; i < joined.count; i++) {
		const struct layer_span *span = joined.spans[i];

		start_bits |= 1U << span->ref.start_bit;
		cr_expect_gt(runs[i], 1, "span %zu", i);
		if (i + 1 < joined.count)
			cr_expect_gt(span->ref.stored_size,
				     LAYER_SPAN_COLD_STORED_SIZE -
					     2 * LAYER_SPAN_STORED_SIZE);
	}
	/* Neighbours shared bytes: within spans, and between them. */
	cr_expect(start_bits & ~1U);
}

Test(span_joiner, keeps_shared_bytes_once)
{
	size_t runs[SPANS_MAX];
	size_t shared = 0;
	size_t cut = 0;

	add_file("usr/share/big", 12 * MIB, 2);
	end_member(8);
	join_blob(runs);
	for (size_t i = 0; i < joined.count; cut += runs[i++]) {
		size_t size = 0;

		for (size_t k = cut; k < cut + runs[i]; k++) {
			size += cuts.spans[k]->ref.stored_size;
			if (k > cut && cuts.spans[k]->seen_size) {
				shared++;
				size--;
			}
		}
		cr_expect_eq(joined.spans[i]->ref.stored_size, size);
	}
	cr_expect_gt(shared, 5);
}

Test(span_joiner, joins_cold_neighbours_up_to_the_raw_size)
{
	size_t runs[SPANS_MAX];
	size_t size = 20 * MIB;
	autofree uint8_t *data = calloc(1, size);

	add_pieces("var/lib/zeros", data, size);
	end_member(1);
	join_blob(runs);
	cr_assert_gt(joined.count, 4);
	for (size_t i = 0; i + 1 < joined.count; i++)
		cr_expect_gt(joined.spans[i]->ref.raw_size,
			     LAYER_SPAN_COLD_RAW_SIZE -
				     2 * LAYER_SPAN_RAW_SIZE);
}

static void add_whole(const char *path, size_t size)
{
	autofree uint8_t *data = malloc(size);

	gzip_maker_fill(data, size, 11);
	tar_maker_add_file(&tar, path, data, size);
	end_member(8);
}

/* Joined spans, without cuts to compare them with */
static void join_whole(void)
{
	struct byte_stream *stream;

	stream = memory_stream_create(blob.data, blob.size, 0);
	join_stream(stream, true, &joined);
	byte_stream_destroy(stream);
	cr_assert_eq(joined.code, 0);
	for (size_t i = 0; i < joined.count; i++)
		if (joined.spans[i]->has_chunk)
			check_alone(joined.spans[i]);
}

Test(span_joiner, cuts_a_long_cold_file_as_large_spans)
{
	add_whole("usr/share/doc", 20 * MIB);
	join_whole();
	cr_assert_gt(joined.count, 3);
	for (size_t i = 1; i + 2 < joined.count; i++)
		cr_expect(joined.spans[i]->ref.stored_size >=
				  LAYER_SPAN_COLD_STORED_SIZE ||
			  joined.spans[i]->ref.raw_size >=
				  LAYER_SPAN_COLD_RAW_SIZE);
}

Test(span_joiner, cuts_a_very_large_file_as_larger_spans)
{
	add_whole("usr/lib/libvery.so", LAYER_SPAN_LARGE_FILE_SIZE + MIB);
	join_whole();
	cr_assert_gt(joined.count, 8);
	for (size_t i = 1; i < 8; i++) {
		const struct chunk_ref *ref = &joined.spans[i]->ref;

		cr_expect(ref->stored_size >= LAYER_SPAN_LARGE_STORED_SIZE ||
			  ref->raw_size >= LAYER_SPAN_LARGE_RAW_SIZE);
		cr_expect_lt(ref->stored_size, LAYER_SPAN_COLD_STORED_SIZE);
	}
}

/* As long as hot spans are to be, but for what a unit may pass that by */
static void check_hot(void)
{
	cr_assert_gt(joined.count, 5);
	for (size_t i = 0; i + 1 < joined.count; i++) {
		const struct chunk_ref *ref = &joined.spans[i]->ref;

		cr_expect(ref->stored_size >= LAYER_SPAN_STORED_SIZE ||
			  ref->raw_size >= LAYER_SPAN_RAW_SIZE);
		cr_expect_leq(ref->stored_size,
			      LAYER_SPAN_STORED_SIZE +
				      LAYER_SPAN_UNIT_STORED_SIZE +
				      BLOCK_STORED_SIZE_MAX);
		cr_expect_leq(ref->raw_size, LAYER_SPAN_RAW_SIZE +
						     LAYER_SPAN_UNIT_RAW_SIZE +
						     BLOCK_RAW_SIZE_MAX);
	}
}

Test(span_joiner, joins_hot_units_up_to_their_size)
{
	char name[64];
	size_t runs[SPANS_MAX];
	autofree uint8_t *data = malloc(20 << 10);

	for (uint32_t i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "usr/lib/libsmall.so.%u", i);
		gzip_maker_fill(data, 20 << 10, i);
		tar_maker_add_file(&tar, name, data, 20 << 10);
	}
	end_member(8);
	join_blob(runs);
	check_hot();
}

Test(span_joiner, cuts_a_hot_file_at_once)
{
	size_t runs[SPANS_MAX];

	add_file("usr/lib/libbig.so.1", 8 * MIB, 3);
	end_member(8);
	join_blob(runs);
	check_hot();
}

Test(span_joiner, takes_what_is_no_tar_for_hot)
{
	size_t runs[SPANS_MAX];

	cr_assert_eq(buffer_reserve(&tar.buffer, 4 * MIB), 0);
	gzip_maker_fill(tar.buffer.data, 4 * MIB, 4);
	tar.buffer.size = 4 * MIB;
	end_member(8);
	join_blob(runs);
	check_hot();
}

/* A hot file of @hot_size amid what is cold: bytes of the spans that reach it,
 * in @ret_size, and how many spans those are */
static size_t find_hot(size_t hot_size, size_t *ret_size)
{
	size_t runs[SPANS_MAX];
	size_t count = 0;
	size_t hot_off;

	add_file("usr/share/before", 5 * MIB, 5);
	hot_off = tar.buffer.size + TAR_MAKER_BLOCK_SIZE;
	add_file("usr/bin/hot", hot_size, 6);
	add_file("usr/share/behind", 5 * MIB, 7);
	tar_maker_add_end(&tar);
	end_member(8);
	join_blob(runs);
	*ret_size = 0;
	for (size_t i = 0; i < joined.count; i++) {
		const struct layer_span *span = joined.spans[i];

		if (!reaches(span, hot_off, hot_size))
			continue;
		count++;
		*ret_size += span->ref.raw_size;
	}
	cr_expect_gt(joined.spans[0]->ref.raw_size, 2 * MIB);
	cr_expect_gt(joined.spans[joined.count - 2]->ref.raw_size, 2 * MIB);
	return count;
}

Test(span_joiner, ends_spans_where_hot_begins_and_ends)
{
	enum { HOT_SIZE = 1 << 20 };
	size_t size;

	cr_expect_gt(find_hot(HOT_SIZE, &size), 2);
	/* a unit at either end */
	cr_expect_leq(size, HOT_SIZE + 2 * (LAYER_SPAN_UNIT_RAW_SIZE +
					    BLOCK_RAW_SIZE_MAX));
}

Test(span_joiner, lets_a_short_hot_file_take_a_unit_along)
{
	enum { HOT_SIZE = 60 << 10 };
	size_t size;
	size_t count = find_hot(HOT_SIZE, &size);

	cr_expect(count == 1 || count == 2);
	cr_expect_leq(size, HOT_SIZE + 3 * (LAYER_SPAN_UNIT_RAW_SIZE +
					    BLOCK_RAW_SIZE_MAX));
}

/* A script amid the documentation is no reason for small spans. */
Test(span_joiner, joins_over_a_little_that_is_hot)
{
	size_t runs[SPANS_MAX];

	add_file("usr/share/before", MIB, 8);
	add_file("usr/bin/script", 1000, 9);
	add_file("usr/share/behind", MIB, 10);
	end_member(8);
	join_blob(runs);
	cr_expect_gt(cuts.count, joined.count);
	for (size_t i = 0; i < joined.count; i++)
		cr_expect_gt(runs[i], 1);
}

Test(span_joiner, never_joins_across_a_members_end)
{
	enum { MEMBERS = 5 };
	size_t ends[MEMBERS];
	size_t runs[SPANS_MAX];
	size_t found = 0;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		add_file("usr/share/doc", i % 2 ? 2 * MIB : 3000, i);
		end_member(8);
		ends[i] = blob.size;
	}
	join_blob(runs);
	cr_expect_lt(joined.count, cuts.count);
	for (size_t i = 0; i < joined.count; i++) {
		const struct layer_span *span = joined.spans[i];

		for (size_t k = 0; k < MEMBERS; k++) {
			cr_expect(span->bytes_off >= ends[k] ||
				  span->bytes_off + span->bytes_size <=
					  ends[k]);
			found += span->bytes_off + span->bytes_size == ends[k];
		}
	}
	cr_expect_eq(found, MEMBERS);
}

Test(span_joiner, keeps_spans_without_a_chunk_apart)
{
	static const uint8_t zeros[LAYER_SPAN_STORED_SIZE + 100];
	size_t runs[SPANS_MAX];

	end_member(8); /* empty */
	add_file("usr/share/doc", 2 * MIB, 1);
	end_member(8);
	end_member(8);
	buffer_append(&blob, zeros, sizeof(zeros));
	join_blob(runs);
	cr_assert_geq(joined.count, 5);
	cr_expect_not(joined.spans[0]->has_chunk);
	cr_expect_gt(runs[1], 1);
	for (size_t i = joined.count - 3; i < joined.count; i++)
		cr_expect_not(joined.spans[i]->has_chunk);
}

Test(span_joiner, passes_on_what_the_stream_says)
{
	struct byte_stream *stream;

	add_file("usr/share/big", 8 * MIB, 1);
	end_member(8);
	stream = memory_stream_create(blob.data, blob.size, 0);
	memory_stream_fail_at(stream, blob.size / 2, -ETIMEDOUT);
	join_stream(stream, true, &joined);
	byte_stream_destroy(stream);
	cr_expect_eq(joined.code, -ETIMEDOUT);
}

Test(span_joiner, refuses_a_member_cut_short)
{
	struct byte_stream *stream;

	add_file("usr/share/big", 4 * MIB, 1);
	end_member(8);
	stream = memory_stream_create(blob.data, blob.size - 9, 0);
	join_stream(stream, false, &joined);
	byte_stream_destroy(stream);
	cr_expect_eq(joined.code, -EBADMSG);
}
