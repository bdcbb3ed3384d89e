/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/bearer_token.h"

#include "tests/support/token_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW_S = 1000000 };

static const char *const issuers[] = { "https://a.example/",
				       "https://b.example" };
static const char *const base_paths[] = { "/ns", "/other" };

static const struct bearer_token_need need = {
	.path = "/ns/me/a.sif",
	.issuers = issuers,
	.issuer_count = 2,
	.base_paths = base_paths,
	.base_path_count = 2,
};

static const struct {
	const char *label;
	const char *claims;
	enum bearer_token_fault fault;
} cases[] = {
	{ "WLCG",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example\","
	  "\"exp\":1000011,\"nbf\":1000000,\"scope\":\"storage.read:/me\"}",
	  BEARER_TOKEN_GOOD },
	{ "SciToken, the whole namespace",
	  "{\"ver\":\"scitokens:2.0\",\"iss\":\"https://b.example/\","
	  "\"exp\":2000000,\"scope\":\"write:/x read:/\"}",
	  BEARER_TOKEN_GOOD },
	{ "SciToken, a list",
	  "{\"ver\":\"scitoken:2.0\",\"iss\":\"https://b.example\","
	  "\"scp\":[\"read:/x\",\"read:/me/\"]}",
	  BEARER_TOKEN_GOOD },
	{ "expired",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example\","
	  "\"exp\":999999,\"scope\":\"storage.read:/\"}",
	  BEARER_TOKEN_EXPIRED },
	{ "about to expire",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example\","
	  "\"exp\":1000010,\"scope\":\"storage.read:/\"}",
	  BEARER_TOKEN_EXPIRED },
	{ "not yet valid",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example\","
	  "\"nbf\":1000001,\"scope\":\"storage.read:/\"}",
	  BEARER_TOKEN_EXPIRED },
	{ "another issuer",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example.org\","
	  "\"scope\":\"storage.read:/\"}",
	  BEARER_TOKEN_FOREIGN },
	{ "another path",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example\","
	  "\"scope\":\"storage.read:/m storage.create:/me\"}",
	  BEARER_TOKEN_NARROW },
	{ "scope of the path with its base",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example\","
	  "\"scope\":\"storage.read:/ns/me\"}",
	  BEARER_TOKEN_NARROW },
	{ "no scope", "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://a.example\"}",
	  BEARER_TOKEN_NARROW },
	{ "no profile",
	  "{\"iss\":\"https://a.example\",\"scope\":\"storage.read:/\"}",
	  BEARER_TOKEN_UNKNOWN },
	{ "claims of other types",
	  "{\"wlcg.ver\":1,\"iss\":7,\"exp\":\"soon\",\"scope\":[]}",
	  BEARER_TOKEN_FOREIGN },
	{ "no object", "[1,2]", BEARER_TOKEN_UNKNOWN },
};

Test(bearer_token, is_judged_by_its_claims)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bearer_token token = { 0 };
		char text[TOKEN_MAKER_SIZE];

		token_maker_format(cases[i].claims, text);
		cr_assert_eq(bearer_token_parse(text, strlen(text), &token), 0);
		cr_expect_str_eq(token.text, text);
		cr_expect_eq(bearer_token_check(&token, &need, NOW_S),
			     cases[i].fault, "case: %s", cases[i].label);
		bearer_token_fini(&token);
	}
}

Test(bearer_token, may_be_of_any_issuer_when_none_is_told)
{
	const struct bearer_token_need any = { .path = "/x/y" };
	struct bearer_token token = { 0 };
	char text[TOKEN_MAKER_SIZE];

	token_maker_format("{\"ver\":\"scitokens:2.0\",\"scope\":\"read:/x\"}",
			   text);
	cr_assert_eq(bearer_token_parse(text, strlen(text), &token), 0);
	cr_expect_eq(bearer_token_check(&token, &any, NOW_S),
		     BEARER_TOKEN_GOOD);
	bearer_token_fini(&token);
}

Test(bearer_token, says_whom_it_is_for)
{
	static const struct {
		const char *claims;
		const char *audience;
	} audiences[] = {
		{ "{\"aud\":\"https://one\"}", "https://one" },
		{ "{\"aud\":[\"https://one\",7,\"two\"]}", "https://one two" },
		{ "{\"aud\":[]}", "" },
		{ "{\"aud\":7}", "" },
		{ "{}", "" },
	};

	for (size_t i = 0; i < sizeof(audiences) / sizeof(audiences[0]); i++) {
		struct bearer_token token = { 0 };
		char text[TOKEN_MAKER_SIZE];

		token_maker_format(audiences[i].claims, text);
		cr_assert_eq(bearer_token_parse(text, strlen(text), &token), 0);
		cr_expect_str_eq(token.audience, audiences[i].audience,
				 "case: %s", audiences[i].claims);
		bearer_token_fini(&token);
	}
}

Test(bearer_token, is_found_in_what_files_hold)
{
	static const struct {
		const char *text;
		const char *token; /* NULL: there is none */
	} texts[] = {
		{ "abc", "abc" },
		{ " \n\tabc\r\n\n", "abc" },
		{ "{\"access_token\": \"abc\", \"expires_in\": 3}\n", "abc" },
		{ "{\"access_token\": \"a b\"}", NULL },
		{ "{\"token\": \"abc\"}", NULL },
		{ "{", NULL },
		{ "", NULL },
		{ " \n ", NULL },
		{ "a b", NULL },
		{ "a\nb", NULL },
		{ "a\x80", NULL },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct bearer_token token = { 0 };
		int r = bearer_token_parse(texts[i].text, strlen(texts[i].text),
					   &token);

		cr_expect_eq(r, texts[i].token ? 0 : -EINVAL, "case: \"%s\"",
			     texts[i].text);
		if (r == 0)
			cr_expect_str_eq(token.text, texts[i].token);
		bearer_token_fini(&token);
	}
}

Test(bearer_token, is_not_larger_than_a_header_may_be)
{
	char *text = malloc(BEARER_TOKEN_SIZE_MAX + 1);
	struct bearer_token token = { 0 };

	memset(text, 'a', BEARER_TOKEN_SIZE_MAX + 1);
	cr_expect_eq(
		bearer_token_parse(text, BEARER_TOKEN_SIZE_MAX + 1, &token),
		-EFBIG);
	cr_expect_eq(bearer_token_parse(text, BEARER_TOKEN_SIZE_MAX, &token),
		     0);
	bearer_token_fini(&token);
	free(text);
}
