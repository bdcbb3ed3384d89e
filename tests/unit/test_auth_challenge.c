/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/auth_challenge.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

Test(auth_challenge, reads_what_a_registry_sends)
{
	const char *cursor = "Bearer realm=\"https://auth.docker.io/token\","
			     "service=\"registry.docker.io\","
			     "scope=\"repository:a/b:pull,push\"";
	struct auth_challenge challenge;

	cr_assert_eq(auth_challenge_next(&cursor, &challenge),
		     AUTH_CHALLENGE_FOUND);
	cr_assert_eq(challenge.scheme, AUTH_SCHEME_BEARER);
	cr_assert_str_eq(challenge.realm, "https://auth.docker.io/token");
	cr_assert_str_eq(challenge.service, "registry.docker.io");
	cr_assert_str_eq(challenge.scope, "repository:a/b:pull,push");
	cr_assert_str_eq(challenge.error, "");
	cr_assert_eq(auth_challenge_next(&cursor, &challenge),
		     AUTH_CHALLENGE_NONE);
}

Test(auth_challenge, ignores_case_and_blanks_and_unquotes)
{
	const char *cursor = " ,, bEARER  REALM = \"a\\\"b\\\\\" , "
			     "Scope=x,other=\"y,z\",Error = invalid_token ,";
	struct auth_challenge challenge;

	cr_assert_eq(auth_challenge_next(&cursor, &challenge),
		     AUTH_CHALLENGE_FOUND);
	cr_assert_eq(challenge.scheme, AUTH_SCHEME_BEARER);
	cr_assert_str_eq(challenge.realm, "a\"b\\");
	cr_assert_str_eq(challenge.scope, "x");
	cr_assert_str_eq(challenge.error, "invalid_token");
}

Test(auth_challenge, parts_a_list_of_challenges)
{
	const char *cursor =
		"Negotiate, NTLM TlRMTVNTUAAB==, "
		"Basic realm=\"a, Bearer realm=b\", "
		"Digest qop=\"auth,auth-int\", nonce=1, Bearer x=y";
	static const enum auth_scheme schemes[] = {
		AUTH_SCHEME_OTHER, AUTH_SCHEME_OTHER, AUTH_SCHEME_BASIC,
		AUTH_SCHEME_OTHER, AUTH_SCHEME_BEARER
	};
	struct auth_challenge challenge;

	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(auth_challenge_next(&cursor, &challenge),
			     AUTH_CHALLENGE_FOUND, "challenge %zu", i);
		cr_assert_eq(challenge.scheme, schemes[i], "challenge %zu", i);
	}
	cr_assert_eq(auth_challenge_next(&cursor, &challenge),
		     AUTH_CHALLENGE_NONE);
}

Test(auth_challenge, refuses_malformed_values)
{
	static const char *const values[] = {
		"Bearer realm=",
		"Bearer realm=\"open",
		"Bearer realm=\"a\\",
		"Bearer realm=\"a\" junk=b",
		"=x",
		"Bearer=x",
		"\"Bearer\"",
		"Bearer realm=\"a\x01\"",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct auth_challenge challenge;
		const char *cursor = values[i];
		int r = auth_challenge_next(&cursor, &challenge);

		/* "realm=" alone may also be taken for a token68. */
		if (i == 0)
			cr_expect(r == -EPROTO || !*challenge.realm);
		else
			cr_expect_eq(r, -EPROTO, "case: %s", values[i]);
	}
}

Test(auth_challenge, refuses_a_realm_that_does_not_fit)
{
	struct auth_challenge challenge;
	char value[2048];
	const char *cursor = value;

	snprintf(value, sizeof(value), "Bearer realm=\"%01500d\"", 1);
	cr_assert_eq(auth_challenge_next(&cursor, &challenge), -EPROTO);
}

Test(auth_challenge, chooses_bearer_before_basic)
{
	static const char *const both[] = { "Basic realm=b", "junk \"",
					    "Bearer realm=t", NULL };
	static const char *const basic[] = { "Negotiate, Basic realm=b", NULL };
	static const char *const other[] = { "Negotiate", "Digest a=b", NULL };
	static const char *const none[] = { NULL };
	struct auth_challenge challenge;

	cr_assert_eq(auth_challenge_choose(both, &challenge),
		     AUTH_CHALLENGE_FOUND);
	cr_assert_eq(challenge.scheme, AUTH_SCHEME_BEARER);
	cr_assert_str_eq(challenge.realm, "t");
	cr_assert_eq(auth_challenge_choose(basic, &challenge),
		     AUTH_CHALLENGE_FOUND);
	cr_assert_eq(challenge.scheme, AUTH_SCHEME_BASIC);
	cr_assert_eq(auth_challenge_choose(other, &challenge),
		     AUTH_CHALLENGE_NONE);
	cr_assert_eq(auth_challenge_choose(none, &challenge),
		     AUTH_CHALLENGE_NONE);
}
