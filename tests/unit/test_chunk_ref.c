/* SPDX-License-Identifier: Apache-2.0 */
#include "common/chunk_ref.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* A table of one chunk, which says what the test wants. */
struct table {
	struct chunk_table base;
	struct chunk_ref ref;
	int result;
	unsigned calls;
};

static struct table table;

static int table_get(const struct chunk_table *base, uint32_t number,
		     struct chunk_ref *ret)
{
	(void)base;
	(void)number;
	table.calls++;
	*ret = table.ref;
	return table.result;
}

static int table_load_window(const struct chunk_table *base,
			     const struct chunk_ref *ref, void *ret_data)
{
	(void)base;
	memset(ret_data, 'w', ref->window_size);
	return table.result;
}

static const struct chunk_table_ops table_ops = {
	.get = table_get,
	.load_window = table_load_window,
};

static struct chunk_ref make_span(void)
{
	return (struct chunk_ref){
		.codec = CODEC_DEFLATE_SPAN,
		.stored_off = 1000,
		.stored_size = 100,
		.raw_size = 400,
		.start_bit = 3,
		.end_bit = 8,
		.window_size = 50,
		.digest = { { 1 } },
		.window_digest = { 2 },
	};
}

static void set_up(void)
{
	table = (struct table){
		.base = { .ops = &table_ops, .count = 1 },
		.ref = make_span(),
	};
}

TestSuite(chunk_ref, .init = set_up);

Test(chunk_ref, is_given_only_for_numbers_of_the_table)
{
	struct chunk_ref ref;

	cr_expect_eq(chunk_table_get(&table.base, 1, &ref), -EINVAL);
	cr_expect_eq(chunk_table_get(&table.base, UINT32_MAX, &ref), -EINVAL);
	cr_expect_eq(table.calls, 0);
	cr_expect_eq(chunk_table_get(&table.base, 0, &ref), 0);
	cr_expect_eq(ref.stored_size, 100);
	table.result = -EBADMSG;
	cr_expect_eq(chunk_table_get(&table.base, 0, &ref), -EBADMSG);
}

#define DAMAGE(member, value)                                                  \
	do {                                                                   \
		set_up();                                                      \
		table.ref.member = (value);                                    \
		cr_expect_eq(chunk_table_get(&table.base, 0, &ref), -EBADMSG,  \
			     "case: " #member " = " #value);                   \
	} while (0)

Test(chunk_ref, out_of_bounds_is_refused_untouched)
{
	struct chunk_ref ref = { .blob = 77 };

	DAMAGE(stored_size, 0);
	DAMAGE(stored_size, CHUNK_STORED_SIZE_MAX + 1);
	DAMAGE(raw_size, CHUNK_RAW_SIZE_MAX + 1);
	DAMAGE(window_size, CHUNK_WINDOW_SIZE_MAX + 1);
	DAMAGE(stored_off, UINT64_MAX);
	DAMAGE(codec, CODEC_LZ4 + 1);
	DAMAGE(codec, (enum codec) - 1);
	DAMAGE(codec, CODEC_RAW); /* 100 stored bytes are not 400 raw ones */
	DAMAGE(start_bit, 8);
	DAMAGE(end_bit, 0);
	DAMAGE(end_bit, 9);
	cr_expect_eq(ref.blob, 77);
}

Test(chunk_ref, windows_are_checked)
{
	struct digest digest;
	uint8_t window[50];

	cr_expect_eq(chunk_table_load_window(&table.base, &table.ref, window),
		     -EBADMSG);
	memset(window, 'w', sizeof(window));
	digest_compute(window, sizeof(window), &digest);
	memcpy(table.ref.window_digest, digest.bytes, CHUNK_WINDOW_DIGEST_SIZE);
	cr_expect_eq(chunk_table_load_window(&table.base, &table.ref, window),
		     0);
	table.result = -EIO;
	cr_expect_eq(chunk_table_load_window(&table.base, &table.ref, window),
		     -EIO);
}

static bool has_same_key(const struct chunk_ref *a, const struct chunk_ref *b)
{
	struct digest key_a;
	struct digest key_b;

	chunk_ref_key(a, &key_a);
	chunk_ref_key(b, &key_b);
	return digest_equal(&key_a, &key_b);
}

#define EXPECT_KEY(is_same, member, value)                                     \
	do {                                                                   \
		struct chunk_ref changed_ = make_span();                       \
		changed_.member = (value);                                     \
		cr_expect_eq(has_same_key(&table.ref, &changed_), (is_same),   \
			     "case: " #member);                                \
	} while (0)

Test(chunk_ref, key_depends_on_all_that_decides_the_raw_bytes)
{
	struct chunk_ref raw = make_span();
	struct chunk_ref other_raw;

	EXPECT_KEY(false, digest.bytes[31], 1);
	EXPECT_KEY(false, codec, CODEC_ZLIB);
	EXPECT_KEY(false, start_bit, 4);
	EXPECT_KEY(false, end_bit, 7);
	EXPECT_KEY(false, raw_size, 401);
	EXPECT_KEY(false, window_digest[15], 1);
	EXPECT_KEY(false, window_size, 0);
	/* where it lies is another matter: layers are shared */
	EXPECT_KEY(true, blob, 5);
	EXPECT_KEY(true, stored_off, 5);
	EXPECT_KEY(true, window_off, 5);
	raw.codec = CODEC_RAW;
	other_raw = raw;
	other_raw.start_bit = 5;
	cr_expect(has_same_key(&raw, &other_raw), "only spans have bits");
}

Test(chunk_ref, names_chunks_without_digests_by_image_and_place)
{
	struct chunk_table image = { .identity = { { 7 } } };
	struct chunk_table other = { .identity = { { 8 } } };
	struct chunk_table nobody = { 0 };
	struct chunk_ref ref = {
		.codec = CODEC_ZSTD,
		.stored_off = 4096,
		.stored_size = 100,
		.raw_size = 400,
	};
	struct digest key;
	struct digest again;
	struct chunk_ref moved = ref;

	cr_assert(chunk_table_get_key(&image, &ref, &key));
	cr_assert(chunk_table_get_key(&image, &ref, &again));
	cr_expect(digest_equal(&key, &again));
	cr_assert(chunk_table_get_key(&other, &ref, &again));
	cr_expect_not(digest_equal(&key, &again));
	moved.stored_off++;
	cr_assert(chunk_table_get_key(&image, &moved, &again));
	cr_expect_not(digest_equal(&key, &again));
	moved = ref;
	moved.raw_size++;
	cr_assert(chunk_table_get_key(&image, &moved, &again));
	cr_expect_not(digest_equal(&key, &again));
	moved = ref;
	moved.codec = CODEC_LZ4;
	cr_assert(chunk_table_get_key(&image, &moved, &again));
	cr_expect_not(digest_equal(&key, &again));
	cr_expect_not(chunk_table_get_key(&nobody, &ref, &again));
}

Test(chunk_ref, names_chunks_with_digests_by_content_in_any_image)
{
	struct chunk_table image = { .identity = { { 7 } } };
	struct chunk_table nobody = { 0 };
	struct chunk_ref ref = make_span();
	struct digest key;
	struct digest content;

	chunk_ref_key(&ref, &content);
	cr_assert(chunk_table_get_key(&image, &ref, &key));
	cr_expect(digest_equal(&key, &content));
	cr_assert(chunk_table_get_key(&nobody, &ref, &key));
	cr_expect(digest_equal(&key, &content));
}
