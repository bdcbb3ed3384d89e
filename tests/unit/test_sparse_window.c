/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sparse_window.h"

#include "common/chunk_ref.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <zstd.h>

static uint8_t window[SPARSE_WINDOW_SIZE_MAX];
static uint8_t decoded[SPARSE_WINDOW_SIZE_MAX];
static uint8_t encoded[CHUNK_WINDOW_SIZE_MAX];
static uint8_t again[CHUNK_WINDOW_SIZE_MAX];

/* @used bytes of every 1000 hold noise. */
static void fill(unsigned used)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof(window); i++) {
		seed = seed * 1103515245U + 12345U;
		window[i] = i % 1000 < used ? (uint8_t)(seed >> 20) : 0;
	}
}

Test(sparse_window, comes_back_as_it_was)
{
	static const size_t sizes[] = { 1, 2, 999, 32767, 32768 };

	for (unsigned used = 0; used <= 1000; used += 250) {
		fill(used);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			int size = sparse_window_encode(
				window, sizes[i], encoded, sizeof(encoded));

			cr_assert_gt(size, 0);
			cr_assert_eq(sparse_window_decode(encoded, (size_t)size,
							  decoded),
				     (int)sizes[i]);
			cr_assert_arr_eq(decoded, window, sizes[i]);
		}
	}
}

Test(sparse_window, is_small_when_little_is_used)
{
	int size;

	fill(50);
	size = sparse_window_encode(window, sizeof(window), encoded,
				    sizeof(encoded));
	cr_expect_lt(size, 4000);
}

Test(sparse_window, is_the_same_every_time)
{
	int size;

	fill(100);
	size = sparse_window_encode(window, sizeof(window), encoded,
				    sizeof(encoded));
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(sparse_window_encode(window, sizeof(window), again,
						  sizeof(again)),
			     size);
		cr_assert_arr_eq(again, encoded, (size_t)size);
	}
}

Test(sparse_window, refuses_what_encode_does_not_write)
{
	static uint8_t large[SPARSE_WINDOW_SIZE_MAX + 1];
	size_t size;
	int good;

	fill(100);
	good = sparse_window_encode(window, sizeof(window), encoded,
				    sizeof(encoded));
	cr_expect_eq(sparse_window_decode("", 0, decoded), -EBADMSG);
	cr_expect_eq(sparse_window_decode("garbage", 7, decoded), -EBADMSG);
	for (size_t i = 0; i < (size_t)good; i++)
		cr_expect_eq(sparse_window_decode(encoded, i, decoded),
			     -EBADMSG);
	/* Bytes behind the frame */
	encoded[good] = 0;
	cr_expect_eq(sparse_window_decode(encoded, (size_t)good + 1, decoded),
		     -EBADMSG);
	/* Two frames */
	memcpy(encoded + good, encoded, (size_t)good);
	cr_expect_eq(sparse_window_decode(encoded, 2 * (size_t)good, decoded),
		     -EBADMSG);
	/* A window too large, a window of nothing */
	size = ZSTD_compress(encoded, sizeof(encoded), large, sizeof(large), 3);
	cr_expect_eq(sparse_window_decode(encoded, size, decoded), -EBADMSG);
	size = ZSTD_compress(encoded, sizeof(encoded), large, 0, 3);
	cr_expect_eq(sparse_window_decode(encoded, size, decoded), -EBADMSG);
}

Test(sparse_window, needs_the_size_in_the_frame)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t size;

	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
	size = ZSTD_compress2(ctx, encoded, sizeof(encoded), window, 100);
	ZSTD_freeCCtx(ctx);
	cr_expect_eq(sparse_window_decode(encoded, size, decoded), -EBADMSG);
}
