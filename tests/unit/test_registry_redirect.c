/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_redirect.h"

#include <criterion/criterion.h>

/* 2026-11-21T19:58:20Z */
enum { NOW_S = 1795291100 };

Test(registry_redirect, reads_the_life_of_a_signature)
{
	static const struct {
		const char *url;
		int64_t life_s;
	} cases[] = {
		{ "https://s3/x?X-Amz-Date=20261121T195820Z&X-Amz-Expires=1200",
		  1200 },
		{ "https://s3/x?a=b&x-amz-expires=600&x-amz-date="
		  "20261121T195720Z",
		  540 },
		{ "https://cf/x?Expires=1795291400&Signature=s", 300 },
		{ "https://az/x?se=2026-11-21T20%3A08%3A20Z&sig=s", 600 },
		{ "https://az/x?se=2026-11-21T20:08:20Z", 600 },
		/* Over already, though just given out: the clocks differ. */
		{ "https://cf/x?Expires=1795291000", 60 },
		{ "https://cf/x?Expires=soon", 60 },
		{ "https://s3/x?X-Amz-Expires=1200", 60 },
		{ "https://s3/x?X-Amz-Date=yesterday&X-Amz-Expires=1200", 60 },
		{ "https://plain/x", 60 },
		{ "https://cf/x?Expires=99999999999999", 43200 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(
			registry_redirect_life_s(cases[i].url, NOW_S),
			cases[i].life_s, "case: %s gives %d", cases[i].url,
			(int)registry_redirect_life_s(cases[i].url, NOW_S));
}

Test(registry_redirect, is_forgotten_a_little_before_its_end)
{
	struct registry_redirect redirect = { 0 };

	cr_assert_null(registry_redirect_find(&redirect, 0));
	registry_redirect_set(&redirect, "https://x/?Expires=1795291400", 5000,
			      NOW_S);
	cr_assert_str_eq(registry_redirect_find(&redirect, 5000),
			 "https://x/?Expires=1795291400");
	cr_assert(registry_redirect_find(&redirect, 5000 + 290000 - 1));
	cr_assert_null(registry_redirect_find(&redirect, 5000 + 290000));
	registry_redirect_set(&redirect, "https://y/", 0, NOW_S);
	cr_assert_str_eq(registry_redirect_find(&redirect, 0), "https://y/");
	registry_redirect_fini(&redirect);
	cr_assert_null(registry_redirect_find(&redirect, 0));
}

Test(registry_redirect, never_leaves_https_for_http)
{
	static const struct {
		const char *from;
		const char *to;
		bool is_allowed;
	} cases[] = {
		{ "https://r/v2/", "https://storage/x", true },
		{ "http://r/v2/", "http://storage/x", true },
		{ "http://r/v2/", "https://storage/x", true },
		{ "https://r/v2/", "http://storage/x", false },
		{ "https://r/v2/", "file:///etc/passwd", false },
		{ "http://r/v2/", "ftp://storage/x", false },
		{ "https://r/v2/", "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(registry_redirect_is_allowed(cases[i].from,
							  cases[i].to),
			     cases[i].is_allowed, "%s to %s", cases[i].from,
			     cases[i].to);
}
