/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/link_header.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *label;
	const char *value;
	const char *url; /* of the first; NULL: there is none */
	const char *rel;
	unsigned pri;
	unsigned depth;
	unsigned count; /* of all */
} cases[] = {
	{ "as directors write it",
	  "<https://a:8443/ns/x>; rel=\"duplicate\"; pri=2; depth=3, "
	  "<https://b/ns/x>; rel=\"duplicate\"; pri=1; depth=3",
	  "https://a:8443/ns/x", "duplicate", 2, 3, 2 },
	{ "a comma in the URL", "<https://a/x?y=a,b>; rel=duplicate; pri=1",
	  "https://a/x?y=a,b", "duplicate", 1, 0, 1 },
	{ "a comma in quotes",
	  "<https://a/x>; title=\"a, <b>\"; rel=duplicate; pri=7, <https://b>",
	  "https://a/x", "duplicate", 7, 0, 2 },
	{ "an escaped quote", "<https://a/x>; title=\"\\\",\"; pri=4",
	  "https://a/x", "", 4, 0, 1 },
	{ "no blanks", "<https://a/x>;rel=duplicate;pri=1;depth=2,<https://b>",
	  "https://a/x", "duplicate", 1, 2, 2 },
	{ "odd blanks and cases",
	  " , <https://a/x> ;\tREL = \"duplicate\" ; Pri = 5 ,,", "https://a/x",
	  "duplicate", 5, 0, 1 },
	{ "no parameters", "<https://a/x>", "https://a/x", "", 999999, 0, 1 },
	{ "only the first rel counts", "<https://a>; rel=a; rel=b", "https://a",
	  "a", 999999, 0, 1 },
	{ "a number that is none", "<https://a>; pri=x; depth=-1", "https://a",
	  "", 999999, 0, 1 },
	{ "a number that is too large", "<https://a>; pri=99999999999999999999",
	  "https://a", "", 999999, 0, 1 },
	{ "garbage before a good one",
	  "x=y, \"a\", <>, <https://a b>, <https://c>", "https://c", "", 999999,
	  0, 1 },
	{ "empty", "", NULL, "", 0, 0, 0 },
	{ "no end", "<https://a", NULL, "", 0, 0, 0 },
	{ "a quote without end", "<https://a>; title=\"x", "https://a", "",
	  999999, 0, 1 },
	{ "brackets alone", "><><", NULL, "", 0, 0, 0 },
};

Test(link_header, reads_links_as_rfc_8288_has_them)
{
	struct link_header *link = malloc(sizeof(*link));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *cursor = cases[i].value;
		unsigned count = 0;

		while (link_header_next(&cursor, link) == LINK_HEADER_FOUND) {
			if (count++ > 0)
				continue;
			cr_expect_str_eq(link->url, cases[i].url, "case: %s",
					 cases[i].label);
			cr_expect_str_eq(link->rel, cases[i].rel, "case: %s",
					 cases[i].label);
			cr_expect_eq(link->pri, cases[i].pri, "case: %s",
				     cases[i].label);
			cr_expect_eq(link->depth, cases[i].depth, "case: %s",
				     cases[i].label);
		}
		cr_expect_eq(count, cases[i].count, "case: %s: %u",
			     cases[i].label, count);
		cr_expect_eq(*cursor, '\0');
	}
	free(link);
}

Test(link_header, passes_over_a_url_that_is_too_long)
{
	static char value[LINK_HEADER_URL_SIZE + 100];
	struct link_header *link = malloc(sizeof(*link));
	const char *cursor = value;

	memset(value, 'a', LINK_HEADER_URL_SIZE + 1);
	value[0] = '<';
	snprintf(value + LINK_HEADER_URL_SIZE + 1, 64, ">; pri=1, <https://b>");
	cr_assert_eq(link_header_next(&cursor, link), LINK_HEADER_FOUND);
	cr_expect_str_eq(link->url, "https://b");
	free(link);
}
