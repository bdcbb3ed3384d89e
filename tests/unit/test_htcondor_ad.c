/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/htcondor_ad.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char list[] =
	"[ LocalFileName = \"/s/x.sif\"; Url = \"osdf:///a/x.sif\" ]\n"
	"[\n  url = \"http://h/q?\\\"a\\\\b\\\"\";\n  Extra = { 1, \"];\" };\n"
	"  Nested = [ Url = \"no\"; ];\n  localfilename = \"/s/b\"\n]\n"
	"[ Url = 7; LocalFileName = f(\"x\") ]";

static void expect(size_t *cursor, const char *url, const char *name)
{
	struct htcondor_ad ad;

	cr_assert_eq(htcondor_ad_next(list, cursor, &ad, NULL),
		     HTCONDOR_AD_FOUND);
	cr_expect(list[ad.off] == '[' && list[ad.off + ad.size - 1] == ']');
	cr_expect_eq(*cursor, ad.off + ad.size);
	cr_expect(url ? ad.url && strcmp(ad.url, url) == 0 : !ad.url, "%s",
		  ad.url);
	cr_expect(name ? ad.local_name && strcmp(ad.local_name, name) == 0
		       : !ad.local_name);
	htcondor_ad_fini(&ad);
}

Test(htcondor_ad, reads_a_list)
{
	struct htcondor_ad ad;
	size_t cursor = 0;

	expect(&cursor, "osdf:///a/x.sif", "/s/x.sif");
	expect(&cursor, "http://h/q?\"a\\b\"", "/s/b");
	expect(&cursor, NULL, NULL);
	cr_expect_eq(htcondor_ad_next(list, &cursor, &ad, NULL),
		     HTCONDOR_AD_END);
	cursor = 0;
	cr_expect_eq(htcondor_ad_next(" \n", &cursor, &ad, NULL),
		     HTCONDOR_AD_END);
}

Test(htcondor_ad, refuses_what_is_none)
{
	static const char *const cases[] = {
		"[",
		"[ Url = \"a\"",
		"[ Url = \"a ]",
		"[ Url \"a\" ]",
		"[ = 1 ]",
		"Url = \"a\"",
		"[ Url = ]",
		"[ Url = { \"a\" ]",
		"[ Url = \"a\" } ]",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct htcondor_ad ad;
		struct error err = { 0 };
		size_t cursor = 0;

		cr_expect_eq(htcondor_ad_next(cases[i], &cursor, &ad, &err),
			     -EPROTO, "%s", cases[i]);
		cr_expect_eq(cursor, 0);
		cr_expect(strstr(err.text, "HTCondor's form"));
	}
}

Test(htcondor_ad, finds_strings_of_a_job)
{
	static const char job[] =
		"ClusterId = 7\nContainerImageSource = \"x\"\n"
		" containerimage = \"osdf:///a \\\"b\\\"\"\n"
		"Broken = \"no end\nLast = \"l\"";
	char *text = htcondor_ad_find_string(job, "ContainerImage");

	cr_assert_not_null(text);
	cr_expect_str_eq(text, "osdf:///a \"b\"");
	free(text);
	text = htcondor_ad_find_string(job, "Last");
	cr_expect_str_eq(text, "l");
	free(text);
	cr_expect_null(htcondor_ad_find_string(job, "ClusterId"));
	cr_expect_null(htcondor_ad_find_string(job, "Absent"));
}

Test(htcondor_ad, quotes)
{
	char *text = htcondor_ad_quote("a \"b\" \\ c\nd");

	cr_expect_str_eq(text, "\"a \\\"b\\\" \\\\ c d\"");
	free(text);
}
