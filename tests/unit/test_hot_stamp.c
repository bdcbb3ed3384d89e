/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_stamp.h"

#include "hot/hot_folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct hot_stamp stamp = {
	.kind = HOT_STAMP_WHOLE,
	.maps_ids = true,
	.index_hash = 0x0123456789abcdef,
	.generation = HOT_FOLDER_GENERATION_MIN + 7,
	.size = 1ull << 40,
	.content_size = 12345,
	.content_count = 67,
	.inode_count = 89,
	.built_s = 1700000000,
	.build_ms = 4321,
	.locks_id = 0xfedcba9876543210,
};

Test(hot_stamp, says_again_what_it_was_told)
{
	uint8_t bytes[HOT_STAMP_SIZE];
	struct hot_stamp back = { 0 };

	hot_stamp_encode(&stamp, bytes);
	cr_assert_eq(hot_stamp_decode(bytes, sizeof(bytes), &back), 0);
	cr_expect_eq(back.kind, stamp.kind);
	cr_expect_eq(back.maps_ids, stamp.maps_ids);
	cr_expect_eq(back.index_hash, stamp.index_hash);
	cr_expect_eq(back.generation, stamp.generation);
	cr_expect_eq(back.size, stamp.size);
	cr_expect_eq(back.content_size, stamp.content_size);
	cr_expect_eq(back.content_count, stamp.content_count);
	cr_expect_eq(back.inode_count, stamp.inode_count);
	cr_expect_eq(back.built_s, stamp.built_s);
	cr_expect_eq(back.build_ms, stamp.build_ms);
}

Test(hot_stamp, refuses_every_changed_byte)
{
	uint8_t bytes[HOT_STAMP_SIZE];
	struct hot_stamp back;

	hot_stamp_encode(&stamp, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		cr_expect_eq(hot_stamp_decode(bytes, sizeof(bytes), &back),
			     -EBADMSG, "byte %zu", i);
		bytes[i] ^= 1;
	}
	cr_expect_eq(hot_stamp_decode(bytes, sizeof(bytes) - 1, &back),
		     -EBADMSG);
	cr_expect_eq(hot_stamp_decode(NULL, 0, &back), -EBADMSG);
}

Test(hot_stamp, refuses_what_no_builder_writes)
{
	uint8_t bytes[HOT_STAMP_SIZE];
	struct hot_stamp back;
	struct hot_stamp bad = stamp;

	bad.kind = (enum hot_stamp_kind)3;
	hot_stamp_encode(&bad, bytes);
	cr_expect_eq(hot_stamp_decode(bytes, sizeof(bytes), &back), -EBADMSG);
	bad = stamp;
	bad.generation = HOT_FOLDER_GENERATION_MIN - 1;
	hot_stamp_encode(&bad, bytes);
	cr_expect_eq(hot_stamp_decode(bytes, sizeof(bytes), &back), -EBADMSG);
	bad.generation = HOT_FOLDER_GENERATION_MAX + 1;
	hot_stamp_encode(&bad, bytes);
	cr_expect_eq(hot_stamp_decode(bytes, sizeof(bytes), &back), -EBADMSG);
}
