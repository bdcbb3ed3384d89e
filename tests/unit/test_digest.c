/* SPDX-License-Identifier: Apache-2.0 */
#include "common/digest.h"

#include <criterion/criterion.h>
#include <string.h>

/* FIPS 180-4's examples: one block, two blocks, nothing. */
static const struct {
	const char *text;
	const char *digest;
} cases[] = {
	{ "abc", "sha256:ba7816bf8f01cfea414140de5dae2223"
		 "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "sha256:248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
	{ "", "sha256:e3b0c44298fc1c149afbf4c8996fb924"
	      "27ae41e4649b934ca495991b7852b855" },
};
enum { CASE_COUNT = sizeof(cases) / sizeof(cases[0]) };

Test(digest, is_sha256)
{
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	for (size_t i = 0; i < CASE_COUNT; i++) {
		digest_compute(cases[i].text, strlen(cases[i].text), &digest);
		digest_format(&digest, text);
		cr_expect_str_eq(text, cases[i].digest);
	}
}

Test(digest, streams_in_pieces_and_starts_anew_after_each_finish)
{
	struct digest_stream *stream = digest_stream_create();
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	cr_assert_not_null(stream);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		for (const char *p = cases[i].text; *p; p++)
			digest_stream_update(stream, p, 1);
		digest_stream_finish(stream, &digest);
		digest_format(&digest, text);
		cr_expect_str_eq(text, cases[i].digest);
	}
	digest_stream_destroy(stream);
}
