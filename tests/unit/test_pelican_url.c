/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pelican_url.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	const char *federation; /* configured; NULL: none */
	const char *its;	/* federation */
	const char *path;
	const char *escaped;
	const char *token;
	const char *name;
	bool is_direct;
} good[] = {
	{ "osdf:///ns/a", NULL, "osg-htc.org", "/ns/a", "/ns/a", NULL,
	  "osdf:///ns/a", false },
	{ "OSDF://ns/a", NULL, "osg-htc.org", "/ns/a", "/ns/a", NULL,
	  "osdf:///ns/a", false },
	{ "stash:///ns/a?directread", NULL, "osg-htc.org", "/ns/a", "/ns/a",
	  NULL, "osdf:///ns/a", true },
	{ "osdf:///ns/a", "https://fed.example:8444",
	  "https://fed.example:8444", "/ns/a", "/ns/a", NULL,
	  "pelican://fed.example:8444/ns/a", false },
	{ "pelican://fed.example:8444/ns/a?skipstat&prefercached=1", "other",
	  "fed.example:8444", "/ns/a", "/ns/a", NULL,
	  "pelican://fed.example:8444/ns/a", false },
	{ "pelican://osg-htc.org/ns/a", NULL, "osg-htc.org", "/ns/a", "/ns/a",
	  NULL, "osdf:///ns/a", false },
	{ "igwn+osdf:///ns/a", NULL, "osg-htc.org", "/ns/a", "/ns/a", "igwn",
	  "osdf:///ns/a", false },
	{ "my_site+v2+osdf:///ns/a", NULL, "osg-htc.org", "/ns/a", "/ns/a",
	  "my.site+v2", "osdf:///ns/a", false },
	{ "osdf:///ns//./b/../a%20b%C3%A4", NULL, "osg-htc.org",
	  "/ns/a b\xc3\xa4", "/ns/a%20b%C3%A4", NULL, "osdf:///ns/a%20b%C3%A4",
	  false },
	{ "osdf:///../../ns/a/", NULL, "osg-htc.org", "/ns/a", "/ns/a", NULL,
	  "osdf:///ns/a", false },
	{ "osdf:///ns/100%", NULL, "osg-htc.org", "/ns/100%", "/ns/100%25",
	  NULL, "osdf:///ns/100%25", false },
	{ "osdf:///ns/a#b", NULL, "osg-htc.org", "/ns/a", "/ns/a", NULL,
	  "osdf:///ns/a", false },
};

Test(pelican_url, reads_every_form)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct pelican_url url = { 0 };
		struct error err = { 0 };

		cr_assert(pelican_url_is_one(good[i].text), "case: %s",
			  good[i].text);
		cr_assert_eq(pelican_url_parse(good[i].text, good[i].federation,
					       &url, &err),
			     0, "case: %s: %s", good[i].text, err.text);
		cr_expect_str_eq(url.federation, good[i].its, "case: %s",
				 good[i].text);
		cr_expect_str_eq(url.path, good[i].path, "case: %s: %s",
				 good[i].text, url.path);
		cr_expect_str_eq(url.escaped_path, good[i].escaped,
				 "case: %s: %s", good[i].text,
				 url.escaped_path);
		cr_expect_str_eq(url.name, good[i].name, "case: %s: %s",
				 good[i].text, url.name);
		cr_expect_eq(url.is_direct, good[i].is_direct, "case: %s",
			     good[i].text);
		if (good[i].token)
			cr_expect_str_eq(url.token_name, good[i].token,
					 "case: %s", good[i].text);
		else
			cr_expect_null(url.token_name, "case: %s",
				       good[i].text);
		pelican_url_fini(&url);
	}
}

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ "pelican:///ns/a", "federation's host" },
	{ "osdf:///", "names no object" },
	{ "osdf://", "names no object" },
	{ "pelican://fed.example", "names no object" },
	{ "osdf:///ns/..", "names no object" },
	{ "osdf:///ns/a?recursive", "recursive" },
	{ "osdf:///ns/a?directread&directread", "twice" },
	{ "osdf:///ns/a%0ab", "control character" },
	{ "pelican://user@fed/ns/a", "no federation" },
	{ "pelican://fed example/ns/a", "no federation" },
	{ "https://a/b", "not the URL" },
	{ "/ns/a", "not the URL" },
};

Test(pelican_url, says_what_is_wrong_with_others)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pelican_url url = { 0 };
		struct error err = { 0 };

		cr_expect_eq(pelican_url_parse(bad[i].text, NULL, &url, &err),
			     -EINVAL, "case: %s", bad[i].text);
		cr_expect(strstr(err.text, bad[i].words), "case: %s: %s",
			  bad[i].text, err.text);
	}
}
