/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/cache_preference.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

Test(cache_preference, reads_lists)
{
	struct cache_preference list = { 0 };

	cr_assert_eq(cache_preference_parse(
			     "cache.example:8443, https://b/ http://c:1\t+",
			     &list, NULL),
		     0);
	cr_assert_eq(list.count, 3);
	cr_expect_str_eq(list.bases[0], "https://cache.example:8443");
	cr_expect_str_eq(list.bases[1], "https://b");
	cr_expect_str_eq(list.bases[2], "http://c:1");
	cr_expect(list.adds_directors);
	cache_preference_fini(&list);
	cr_assert_eq(cache_preference_parse("a,a", &list, NULL), 0);
	cr_expect_eq(list.count, 2);
	cr_expect_not(list.adds_directors);
	cache_preference_fini(&list);
	cr_assert_eq(cache_preference_parse(" , ", &list, NULL), 0);
	cr_expect_eq(list.count, 0);
}

Test(cache_preference, says_what_is_wrong)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{ "+ a", "last" },	   { "a + b", "last" },
		{ "+", "alone" },	   { "root://a", "root://a" },
		{ "https://", "address" }, { "a b c d e f g h i", "more than" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cache_preference list = { 0 };
		struct error err = { 0 };

		cr_expect_eq(cache_preference_parse(cases[i].text, &list, &err),
			     -EINVAL, "case: %s", cases[i].text);
		cr_expect(strstr(err.text, cases[i].words), "case: %s: %s",
			  cases[i].text, err.text);
	}
}

Test(cache_preference, prefers_the_newest_variable)
{
	struct cache_preference list = { 0 };
	struct error err = { 0 };

	setenv("OSG_NEAREST_CACHE", "a", 1);
	setenv("NEAREST_CACHE", "b", 1);
	setenv("PELICAN_NEAREST_CACHE", "c", 1);
	setenv("PELICAN_CLIENT_PREFERREDCACHES", "d", 1);
	cr_assert_eq(cache_preference_load(&list, NULL), 0);
	cr_expect_str_eq(list.bases[0], "https://d");
	cache_preference_fini(&list);
	setenv("PELICAN_CLIENT_PREFERREDCACHES", "", 1);
	unsetenv("PELICAN_NEAREST_CACHE");
	cr_assert_eq(cache_preference_load(&list, NULL), 0);
	cr_expect_str_eq(list.bases[0], "https://b");
	cache_preference_fini(&list);
	setenv("NEAREST_CACHE", "+", 1);
	cr_expect_eq(cache_preference_load(&list, &err), -EINVAL);
	cr_expect(strstr(err.text, "NEAREST_CACHE: "), "%s", err.text);
}
