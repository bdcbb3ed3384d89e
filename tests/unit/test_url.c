/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/url.h"

#include "common/buffer.h"
#include "common/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

Test(url, splits_host_and_port)
{
	static const struct {
		const char *text;
		const char *scheme;
		const char *host;
		unsigned port;
	} cases[] = {
		{ "http://Example.ORG/x", "http", "example.org", 80 },
		{ "https://u:p@h:8443/", "https", "h", 8443 },
		{ "HTTPS://h", "https", "h", 443 },
		{ "http://[::1]:5000/v2/", "http", "::1", 5000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url url = { 0 };

		cr_assert_eq(url_parse(cases[i].text, &url), 0, "case: %s",
			     cases[i].text);
		cr_expect_str_eq(url.scheme, cases[i].scheme);
		cr_expect_str_eq(url.host, cases[i].host);
		cr_expect_eq(url.port, cases[i].port);
		url_fini(&url);
	}
}

Test(url, refuses_what_is_not_the_web)
{
	static const char *const texts[] = {
		"",	    "x",       "file:///etc/passwd",
		"ftp://h/", "http://", "http://h:99999/"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct url url = { 0 };

		cr_expect_eq(url_parse(texts[i], &url), -EINVAL, "case: %s",
			     texts[i]);
		cr_expect_null(url.host);
	}
}

static bool is_same(const char *a_text, const char *b_text)
{
	struct url a = { 0 };
	struct url b = { 0 };
	bool is_equal;

	cr_assert_eq(url_parse(a_text, &a), 0);
	cr_assert_eq(url_parse(b_text, &b), 0);
	is_equal = url_is_same_origin(&a, &b);
	url_fini(&a);
	url_fini(&b);
	return is_equal;
}

Test(url, compares_origins)
{
	cr_expect(is_same("http://h/a", "http://H:80/b"));
	cr_expect(!is_same("http://h/a", "https://h/a"));
	cr_expect(!is_same("http://h/a", "http://h:81/a"));
	cr_expect(!is_same("http://h/a", "http://h.evil/a"));
	cr_expect(!is_same("http://h/a", "http://h@evil/a"));
}

Test(url, knows_loopback)
{
	static const char *const inside[] = { "localhost",   "LocalHost",
					      "a.localhost", "127.0.0.1",
					      "127.9.9.9",   "::1" };
	static const char *const outside[] = { "localhost.example.org",
					       "127.0.0.1.example.org",
					       "128.0.0.1",
					       "::2",
					       "10.0.0.1",
					       "",
					       ".localhost",
					       "notlocalhost" };

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		cr_expect(url_host_is_loopback(inside[i]), "case: %s",
			  inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		cr_expect(!url_host_is_loopback(outside[i]), "case: %s",
			  outside[i]);
}

Test(url, hides_what_may_be_secret)
{
	static const struct {
		const char *text;
		const char *shown;
	} cases[] = {
		{ "https://u:geheim@h:1/p?sig=geheim#geheim", "https://h:1/p" },
		{ "https://h?token=geheim", "https://h" },
		{ "https://h/a@b", "https://h/a@b" },
		{ "https://u@geheim@h/", "https://h/" },
		{ "h/p?q", "h/p" },
		{ "", "" },
	};
	char shown[URL_REDACTED_SIZE];
	char longest[4096];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		url_redact(cases[i].text, shown);
		cr_expect_str_eq(shown, cases[i].shown);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	url_redact(longest, shown);
	cr_expect_eq(strlen(shown), URL_REDACTED_SIZE - 1);
}

Test(url, resolves_a_location)
{
	static const struct {
		const char *location;
		const char *resolved;
	} cases[] = {
		{ "/b?c", "https://h:1/b?c" },
		{ "b", "https://h:1/v2/b" },
		{ "//other/x", "https://other/x" },
		{ "http://other/x", "http://other/x" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autofree char *resolved = NULL;

		cr_assert_eq(url_resolve("https://h:1/v2/a", cases[i].location,
					 &resolved),
			     0);
		cr_expect_str_eq(resolved, cases[i].resolved);
	}
}

Test(url, finds_query_parameters)
{
	const char *text = "https://h/p?ab=1&A=x%2Fy%zz&a=2&empty=#a=3";
	char value[16];

	cr_assert(url_find_query(text, "a", value, sizeof(value)));
	cr_assert_str_eq(value, "x/y%zz");
	cr_assert(url_find_query(text, "AB", value, sizeof(value)));
	cr_assert_str_eq(value, "1");
	cr_assert(url_find_query(text, "empty", value, sizeof(value)) &&
		  !*value);
	cr_assert(!url_find_query(text, "b", value, sizeof(value)));
	cr_assert(!url_find_query(text, "a", value, 4), "does not fit");
	cr_assert(!url_find_query("https://h/p", "a", value, sizeof(value)));
	cr_assert(!url_find_query("https://h/p?", "a", value, sizeof(value)));
}

Test(url, joins_parameters)
{
	CLEANUP(buffer_fini) struct buffer buffer = BUFFER_INIT(64);

	cr_assert_eq(url_append_parameter(&buffer, "a", "x y"), 0);
	cr_assert_eq(url_append_parameter(&buffer, "b", "\xc3\xa4&="), 0);
	cr_assert_eq(buffer_terminate(&buffer), 0);
	cr_assert_str_eq((char *)buffer.data, "a=x%20y&b=%C3%A4%26%3D");
	cr_assert_eq(
		url_append_parameter(&buffer, "c",
				     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		-EFBIG);
}
