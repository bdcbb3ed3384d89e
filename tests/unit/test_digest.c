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
