/* SPDX-License-Identifier: Apache-2.0 */
#include "common/digest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* FIPS 180-4's examples: one block, two blocks, nothing. */
static const struct {
	const char *text;
	const char *digest;
} examples[] = {
	{ "abc", "sha256:ba7816bf8f01cfea414140de5dae2223"
		 "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "sha256:248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
	{ "", "sha256:e3b0c44298fc1c149afbf4c8996fb924"
	      "27ae41e4649b934ca495991b7852b855" },
};

#define ABC_HEX                                                                \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

enum { EXAMPLE_COUNT = sizeof(examples) / sizeof(examples[0]) };

Test(digest, is_sha256)
{
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		digest_compute(examples[i].text, strlen(examples[i].text),
			       &digest);
		digest_format(&digest, text);
		cr_expect_str_eq(text, examples[i].digest);
	}
}

Test(digest, streams_in_pieces_and_starts_anew_after_each_finish)
{
	struct digest_stream *stream = digest_stream_create();
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	cr_assert_not_null(stream);
	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		for (const char *p = examples[i].text; *p; p++)
			digest_stream_update(stream, p, 1);
		digest_stream_finish(stream, &digest);
		digest_format(&digest, text);
		cr_expect_str_eq(text, examples[i].digest);
	}
	digest_stream_destroy(stream);
}

Test(digest, reads_what_it_writes)
{
	struct digest expected;
	struct digest digest;

	digest_compute("abc", 3, &expected);
	cr_assert_eq(digest_parse("sha256:" ABC_HEX, &digest, NULL), 0);
	cr_expect(digest_equal(&digest, &expected));
}

Test(digest, refuses_other_texts)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "", -EINVAL },
		{ ":", -EINVAL },
		{ ABC_HEX, -EINVAL },
		{ "sha256:", -EINVAL },
		{ "sha256:" ABC_HEX "0", -EINVAL },
		{ "sha256:" ABC_HEX "\n", -EINVAL },
		{ "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410f"
		  "f61f20015ad",
		  -EINVAL },
		{ "sha256:../../../../../../../../../../../../../../../../../.."
		  "/../../../a",
		  -EINVAL },
		{ "SHA256:" ABC_HEX, -ENOTSUP },
		{ "sha512:" ABC_HEX ABC_HEX, -ENOTSUP },
	};
	static const struct digest untouched = { { 1 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct digest digest = untouched;

		cr_expect_eq(digest_parse(cases[i].text, &digest, NULL),
			     cases[i].code, "case: %s", cases[i].text);
		cr_expect(digest_equal(&digest, &untouched), "case: %s",
			  cases[i].text);
	}
}

Test(digest, is_zero_only_when_every_byte_is)
{
	struct digest digest = { 0 };

	cr_expect(digest_is_zero(&digest));
	digest.bytes[DIGEST_SIZE - 1] = 1;
	cr_expect_not(digest_is_zero(&digest));
}

/* Whatever the sizes and however far each stream is within a block. */
Test(digest, advances_two_streams_as_one_after_the_other)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 65, 128, 1000, 70001 };
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	static uint8_t data[2 * 70001 + 64];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8));
	for (size_t i = 0; i < COUNT * COUNT * COUNT; i++) {
		size_t before = sizes[i % COUNT] % 200;
		size_t a_size = sizes[i / COUNT % COUNT];
		size_t b_size = sizes[i / COUNT / COUNT];
		struct digest_stream *a = digest_stream_create();
		struct digest_stream *b = digest_stream_create();
		struct digest wanted;
		struct digest got;

		digest_stream_update(a, data, before);
		digest_stream_update_two(a, data + before, a_size, b, data + 7,
					 b_size);
		digest_compute(data, before + a_size, &wanted);
		digest_stream_finish(a, &got);
		cr_expect(digest_equal(&got, &wanted), "first: %zu + %zu, %zu",
			  before, a_size, b_size);
		digest_compute(data + 7, b_size, &wanted);
		digest_stream_finish(b, &got);
		cr_expect(digest_equal(&got, &wanted), "second: %zu + %zu, %zu",
			  before, a_size, b_size);
		digest_stream_destroy(a);
		digest_stream_destroy(b);
	}
}

/* What it counts beyond 2^32 bits goes into the end of the digest. */
Test(digest, counts_the_bits_of_long_streams)
{
	static uint8_t data[1 << 20];
	struct digest_stream *two[2] = { digest_stream_create(),
					 digest_stream_create() };
	struct digest_stream *one = digest_stream_create();
	struct digest wanted;
	struct digest got;

	for (size_t i = 0; i < 513; i++) {
		digest_stream_update_two(two[0], data, sizeof(data), two[1],
					 data, sizeof(data));
		digest_stream_update(one, data, sizeof(data));
	}
	digest_stream_finish(one, &wanted);
	digest_stream_destroy(one);
	for (size_t i = 0; i < 2; i++) {
		digest_stream_finish(two[i], &got);
		cr_expect(digest_equal(&got, &wanted));
		digest_stream_destroy(two[i]);
	}
}
