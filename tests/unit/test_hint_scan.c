/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_scan.h"

#include "index/hint_fact.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct hint_scan *scan;

static void setup(void)
{
	scan = hint_scan_create();
	cr_assert(scan);
}

static void teardown(void)
{
	hint_scan_destroy(scan);
}

TestSuite(hint_scan, .init = setup, .fini = teardown);

/* The facts of a file that comes in portions: "KIND:text" each. */
static const char *facts_of(const char *path, const char *text, size_t portion)
{
	static char ret[4096];
	size_t size = strlen(text);
	struct hint_fact fact;
	size_t off = 0;

	ret[0] = '\0';
	hint_scan_begin(scan, path, size);
	for (size_t at = 0; at < size; at += portion)
		cr_assert_eq(hint_scan_feed(scan, at, text + at,
					    size - at < portion ? size - at
								: portion),
			     0);
	cr_assert_eq(hint_scan_end(scan), 0);
	while (hint_fact_next(scan->facts.data, scan->facts.size, &off, &fact))
		snprintf(ret + strlen(ret), sizeof(ret) - strlen(ret),
			 "%d:%.*s|", fact.kind, (int)fact.size, fact.data);
	return ret;
}

static const struct {
	const char *label;
	const char *path;
	const char *text;
	const char *expected;
} cases[] = {
	{ "source", "usr/lib/python3/x/mod.py", "import a\n", "1:mod|2:a|" },
	{ "source without a folder", "./mod.py", "import a\n", "1:mod|2:a|" },
	{ "script", "bin/run", "#! /bin/sh -e\nimport a\n", "6:/bin/sh|7:-e|" },
	{ "Python script", "bin/run",
	  "#!/usr/bin/env python3\nif __name__ == '__main__':\n  import a\n",
	  "6:/usr/bin/env|7:python3|2:a|" },
	{ "script without an end", "bin/run", "#!/bin/true", "6:/bin/true|" },
	{ "script of nothing", "bin/run", "#!  \n\n\n", "" },
	{ "loader's configuration", "etc/ld.so.conf.d/a.conf", "/opt/lib\n",
	  "9:/opt/lib\n|" },
	{ "others' configuration", "opt/ld.so.conf.d/a.conf", "/opt/lib\n",
	  "" },
	{ "test", "usr/lib/python3/x/tests/mod.py", "import a\n", "" },
	{ "other text", "README", "import a\n", "" },
};

Test(hint_scan, tells_files_by_name_and_bytes)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t portion = 1; portion < 100; portion += 11)
			cr_expect_str_eq(
				facts_of(cases[i].path, cases[i].text, portion),
				cases[i].expected, "case: %s, portions of %zu",
				cases[i].label, portion);
}

Test(hint_scan, looks_at_nothing_behind_a_hole)
{
	hint_scan_begin(scan, "a.py", 100);
	cr_expect_eq(hint_scan_feed(scan, 0, "import a\n", 9), 0);
	cr_expect_eq(hint_scan_feed(scan, 50, "import b\n", 9), 0);
	cr_expect_eq(hint_scan_end(scan), 0);
	cr_expect_eq(scan->facts.size, 0);
}

Test(hint_scan, leaves_large_texts_alone)
{
	hint_scan_begin(scan, "a.py", HINT_SCAN_TEXT_SIZE_MAX + 1);
	cr_expect_eq(hint_scan_feed(scan, 0, "import a\n", 9), 0);
	cr_expect_eq(hint_scan_end(scan), 0);
	cr_expect_eq(scan->facts.size, 0);
}

Test(hint_scan, forgets_the_file_before)
{
	cr_expect_str_eq(facts_of("a.py", "import a\n", 100), "1:a|2:a|");
	cr_expect_str_eq(facts_of("b", "nothing here", 100), "");
}
