/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate_isal against inflate_zlib, wherever the targets fall and however
 * the stored bytes arrive.
 */
#include "index/inflate_isal.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "index/gzip_member.h"
#include "index/inflate_isal_check.h"
#include "index/inflate_zlib.h"
#include "index/inflater.h"
#include "index/span_memory.h"
#include "tests/support/gzip_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

enum { RAW_SIZE = 600 << 10, RAW_TARGET_MIN = 72 << 10 };

static struct inflater *isal;
static struct inflater *zlib;
static struct buffer blob = BUFFER_INIT(4 << 20);
static const uint8_t *stored; /* the deflate stream within blob */
static size_t stored_size;

static void set_up(void)
{
	int r = inflate_isal_create_unchecked(&isal);

	if (r == -ENOTSUP)
		cr_skip_test("ISA-L is not built in");
	cr_assert_eq(r, 0);
	cr_assert_eq(inflate_zlib_create(&zlib), 0);
}

static void tear_down(void)
{
	inflater_destroy(isal);
	inflater_destroy(zlib);
	buffer_fini(&blob);
}

TestSuite(inflate_isal, .init = set_up, .fini = tear_down);

static void make_stream(const struct gzip_maker_options *options)
{
	autofree uint8_t *raw = malloc(RAW_SIZE);
	ssize_t header;

	blob.size = 0;
	gzip_maker_fill(raw, RAW_SIZE, 99);
	cr_assert_eq(gzip_maker_append(&blob, raw, RAW_SIZE, options), 0);
	header = gzip_member_parse_header(blob.data, blob.size, NULL);
	cr_assert_gt(header, 0);
	stored = blob.data + header;
	stored_size = blob.size - (size_t)header - GZIP_MEMBER_TRAILER_SIZE;
}

/* Decode on from where the span is, which begins with the stream; fed @arrival
 * bytes at a time */
static void run(struct inflater *inflater, struct inflater_span *span,
		size_t arrival)
{
	int r;

	do {
		/* Moved each time: nothing may point into the old copy. */
		autofree uint8_t *copy = NULL;

		span->stored_size += arrival;
		if (span->stored_size > stored_size)
			span->stored_size = stored_size;
		copy = malloc(span->stored_size);
		memcpy(copy, stored, span->stored_size);
		span->stored = copy;
		r = inflater_run(inflater, span);
		span->stored = NULL;
	} while (r == INFLATER_NEEDS_INPUT && span->stored_size < stored_size);
	cr_assert_eq(r, INFLATER_DONE);
}

static void expect_same(const struct inflater_span *a,
			const struct inflater_span *b, size_t arrival)
{
	cr_assert_eq(a->end_bit, b->end_bit,
		     "targets %zu and %zu, arrival %zu, near: %d",
		     a->stored_target, a->raw_target, arrival, a->is_near);
	cr_assert_eq(a->raw_size, b->raw_size);
	cr_assert_eq(a->is_final, b->is_final);
	cr_assert_arr_eq(a->raw, b->raw, a->raw_size);
}

static void compare(size_t stored_target, size_t raw_target, size_t arrival)
{
	struct inflater_span b = { .stored_target = stored_target,
				   .raw_target = raw_target };

	run(zlib, &b, stored_size);
	for (int is_near = 0; is_near < 2; is_near++) {
		struct inflater_span a = { .stored_target = stored_target,
					   .raw_target = raw_target,
					   .is_near = is_near };

		run(isal, &a, arrival);
		expect_same(&a, &b, arrival);
		span_memory_give(a.raw);
	}
	span_memory_give(b.raw);
}

Test(inflate_isal, passes_its_check)
{
	struct inflater *checked = NULL;

	cr_expect(inflate_isal_check());
	cr_expect_eq(inflate_isal_create(&checked), 0);
	inflater_destroy(checked);
}

Test(inflate_isal, agrees_wherever_the_stored_target_falls)
{
	struct gzip_maker_options options = { .level = 6,
					      .mem_level = 1,
					      .flush = Z_SYNC_FLUSH,
					      .flush_period = 500 };

	make_stream(&options);
	for (size_t target = 2; target < 1500; target++)
		compare(target, RAW_SIZE, stored_size);
}

Test(inflate_isal, agrees_wherever_the_raw_target_falls)
{
	struct gzip_maker_options options = { .level = 6,
					      .mem_level = 1,
					      .flush = Z_PARTIAL_FLUSH,
					      .flush_period = 500 };

	make_stream(&options);
	for (size_t target = 0; target < 500; target++)
		compare(stored_size, RAW_TARGET_MIN + target * 3, stored_size);
}

Test(inflate_isal, agrees_however_the_bytes_arrive)
{
	static const size_t arrivals[] = { 97, 1000, 5000, 40000 };
	static const size_t raw_targets[] = { RAW_TARGET_MIN, 80 << 10,
					      100 << 10, 131 << 10,
					      RAW_SIZE * 2 };

	for (int mem_level = 1; mem_level <= 9; mem_level += 4) {
		struct gzip_maker_options options = { .level = 6,
						      .mem_level = mem_level };

		make_stream(&options);
		for (size_t i = 0; i < 4; i++)
			for (size_t j = 0; j < 5; j++)
				compare(stored_size, raw_targets[j],
					arrivals[i]);
	}
}

Test(inflate_isal, goes_on_where_a_span_ended)
{
	struct gzip_maker_options options = { .level = 6, .mem_level = 4 };
	autofree uint8_t *raw = malloc(RAW_SIZE);

	gzip_maker_fill(raw, RAW_SIZE, 99);
	make_stream(&options);
	for (size_t step = 1; step <= 200 << 10; step = step * 3 + 1) {
		struct inflater_span a = { 0 };
		struct inflater_span b = { 0 };

		for (size_t i = 0; !a.is_final; i++) {
			size_t stored_target = a.end_bit / 8 + step;
			size_t raw_target = a.raw_size + 2 * step;

			a.stored_target = stored_target;
			a.raw_target = raw_target;
			a.is_near = i % 3;
			b.stored_target = stored_target;
			b.raw_target = raw_target;
			run(isal, &a, 5000);
			run(zlib, &b, 5000);
			expect_same(&a, &b, 5000);
		}
		cr_assert_eq(a.raw_size, RAW_SIZE);
		cr_assert_arr_eq(a.raw, raw, RAW_SIZE);
		span_memory_give(a.raw);
		span_memory_give(b.raw);
	}
}
