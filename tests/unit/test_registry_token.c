/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_token.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/auth_challenge.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static int parse(const char *text, struct registry_token *ret)
{
	struct error err = { 0 };

	return registry_token_parse((const uint8_t *)text, strlen(text), 1000,
				    ret, &err);
}

Test(registry_token, reads_token_and_life)
{
	static const struct {
		const char *text;
		const char *token;
		int64_t life_ms;
		int64_t margin_ms;
	} cases[] = {
		{ "{\"token\":\"a\",\"expires_in\":300}", "a", 300000, 10000 },
		{ "{\"access_token\":\"b\"}", "b", 60000, 10000 },
		{ "{\"token\":\"a\",\"access_token\":\"b\"}", "a", 60000,
		  10000 },
		{ "{\"token\":\"\",\"access_token\":\"b\"}", "b", 60000,
		  10000 },
		{ "{\"token\":\"a\",\"expires_in\":2}", "a", 2000, 400 },
		{ "{\"token\":\"a\",\"expires_in\":-5}", "a", 60000, 10000 },
		{ "{\"token\":\"a\",\"expires_in\":1e300}", "a", 86400000,
		  10000 },
		{ "{\"token\":\"a\",\"expires_in\":\"9\"}", "a", 60000, 10000 },
		{ "{\"token\":\"a\",\"issued_at\":\"1970-01-01T00:00:00Z\"}",
		  "a", 60000, 10000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(registry_token_fini)
		struct registry_token token = { 0 };

		cr_assert_eq(parse(cases[i].text, &token), 0, "case: %s",
			     cases[i].text);
		cr_expect_str_eq(token.text, cases[i].token);
		cr_expect_eq(token.until_ms, 1000 + cases[i].life_ms,
			     "case: %s", cases[i].text);
		cr_expect_eq(token.renew_ms,
			     token.until_ms - cases[i].margin_ms, "case: %s",
			     cases[i].text);
		cr_expect(registry_token_is_valid(&token, token.until_ms - 1));
		cr_expect(!registry_token_is_valid(&token, token.until_ms));
	}
}

Test(registry_token, refuses_what_is_no_token)
{
	static const char *const texts[] = {
		"",
		"nonsense",
		"[]",
		"{}",
		"{\"token\":1}",
		"{\"token\":\"a b\"}",
		"{\"token\":\"a\\r\\nX: y\"}",
		"{\"token\":\"\\u00e4\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct registry_token token = { 0 };

		cr_expect_eq(parse(texts[i], &token), -EPROTO, "case: %s",
			     texts[i]);
		cr_expect_null(token.text);
	}
}

Test(registry_token, is_not_valid_when_there_is_none)
{
	const struct registry_token none = { 0 };

	cr_assert(!registry_token_is_valid(&none, 0));
}

Test(registry_token, asks_with_everything_escaped)
{
	CLEANUP(buffer_fini) struct buffer url = BUFFER_INIT(4096);
	const struct auth_challenge challenge = {
		.scheme = AUTH_SCHEME_BEARER,
		.realm = "https://auth.example/token?x=1",
		.service = "a b&c",
		.scope = "repository:n/m:pull",
	};

	cr_assert_eq(registry_token_build_url(&challenge, "me@x", &url), 0);
	cr_assert_str_eq((char *)url.data,
			 "https://auth.example/token?x=1&service=a%20b%26c"
			 "&scope=repository%3An%2Fm%3Apull&client_id=lazyrun"
			 "&account=me%40x");
}

Test(registry_token, asks_without_what_the_challenge_lacks)
{
	CLEANUP(buffer_fini) struct buffer url = BUFFER_INIT(4096);
	CLEANUP(buffer_fini) struct buffer form = BUFFER_INIT(4096);
	const struct auth_challenge challenge = {
		.scheme = AUTH_SCHEME_BEARER,
		.realm = "https://auth.example/token",
	};

	cr_assert_eq(registry_token_build_url(&challenge, NULL, &url), 0);
	cr_assert_str_eq((char *)url.data,
			 "https://auth.example/token?client_id=lazyrun");
	cr_assert_eq(registry_token_build_form(&challenge, "r+t", &form), 0);
	cr_assert_str_eq((char *)form.data,
			 "grant_type=refresh_token&client_id=lazyrun"
			 "&refresh_token=r%2Bt");
}
