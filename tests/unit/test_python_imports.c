/* SPDX-License-Identifier: Apache-2.0 */
#include "index/python_imports.h"

#include "common/buffer.h"
#include "index/hint_fact.h"

#include <criterion/criterion.h>
#include <string.h>

/* "a.b c d" for `from a.b import c, d`; a line each. */
static char *scan(const char *text, bool is_main)
{
	struct buffer facts = BUFFER_INIT(HINT_FACT_SIZE_MAX);
	struct buffer lines = BUFFER_INIT(1 << 20);
	struct hint_fact fact;
	size_t off = 0;

	cr_assert_eq(python_imports_scan(text, strlen(text), is_main, &facts),
		     0);
	while (hint_fact_next(facts.data, facts.size, &off, &fact)) {
		cr_assert_eq(fact.kind, HINT_FACT_IMPORT);
		for (size_t i = 0; i < fact.size; i++)
			buffer_append(&lines,
				      fact.data[i] ? &fact.data[i]
						   : (const uint8_t *)" ",
				      1);
		buffer_append(&lines, "\n", 1);
	}
	cr_assert_eq(off, facts.size);
	buffer_append(&lines, "", 1);
	buffer_fini(&facts);
	return (char *)lines.data;
}

static const struct {
	const char *label;
	const char *text;
	const char *expected;
} cases[] = {
	{ "several at once", "import a.b as c, d ,e\n", "a.b\nd\ne\n" },
	{ "names", "from a.b import c as x, d\n", "a.b c d\n" },
	{ "relative", "from . import x\nfrom ..a import y\n", ". x\n..a y\n" },
	{ "star", "from a import *\n", "a\n" },
	{ "brackets over lines",
	  "from .x import (  # why\n    y,\n    z as q, # more\n)\nimport w\n",
	  ".x y z\nw\n" },
	{ "backslash", "from a import b, \\\n    c\n", "a b c\n" },
	{ "no end of line", "import a", "a\n" },
	{ "dos lines", "import a\r\nfrom b import c\r\n", "a\nb c\n" },
	{ "in try, but not in except",
	  "try:\n    import fast\nexcept ImportError:\n    import slow\n"
	  "import after\n",
	  "fast\nafter\n" },
	{ "not in a function",
	  "def f(a,\n      b\n) -> int:\n    import no\n\n    x = 1\n"
	  "    from no import no\nimport yes\n",
	  "yes\n" },
	{ "not in a method, but in a class",
	  "class C:\n    import yes\n    def f(self):\n        import no\n"
	  "    import also\n",
	  "yes\nalso\n" },
	{ "not for type checkers",
	  "if typing.TYPE_CHECKING:\n    import no\nelse:\n    import yes\n",
	  "yes\n" },
	{ "not what an environment variable asks for",
	  "if os.environ.get('X'):\n    import no\nelse:\n    import yes\n"
	  "if os.getenv(\"X\"):  # rarely\n    import no\n",
	  "yes\n" },
	{ "but where it is not set, or has a default",
	  "if not os.environ.get('X'):\n    import a\n"
	  "if os.environ.get('X', '1'):\n    import b\n"
	  "if os.environ.get('X') == '1':\n    import c\n",
	  "a\nb\nc\n" },
	{ "not in strings",
	  "\"\"\"Say:\n\nimport no\n\"\"\"\nx = '''\nimport no\n''' # it's\n"
	  "y = '\\'' \"\"\" one line \"\"\"\nimport yes\n",
	  "yes\n" },
	{ "a comment has no quotes", "x = 1 # \"\"\" no string\nimport yes\n",
	  "yes\n" },
	{ "other words", "important = 1\nfrom_ = 2\nimport_x(3)\n", "" },
	{ "not complete", "import\nfrom\nfrom a\nfrom a import (", "a\n" },
	{ "asynchronous", "async def f():\n    import no\nimport yes\n",
	  "yes\n" },
};

Test(python_imports, finds_what_runs_when_a_module_is_loaded)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *found = scan(cases[i].text, false);

		cr_expect_str_eq(found, cases[i].expected, "case: %s",
				 cases[i].label);
		free(found);
	}
}

Test(python_imports, runs_the_main_block_of_a_program_only)
{
	static const char text[] =
		"if __name__ == '__main__':\n    import main\n";
	char *as_main = scan(text, true);
	char *as_module = scan(text, false);

	cr_expect_str_eq(as_main, "main\n");
	cr_expect_str_eq(as_module, "");
	free(as_main);
	free(as_module);
}

Test(python_imports, ends_below_the_limit_of_facts)
{
	char text[64 << 10] = "";
	struct buffer facts = BUFFER_INIT(1000);

	for (size_t i = 0; i + 20 < sizeof(text); i += 13)
		memcpy(text + i, "import abcde\n", 13);
	cr_expect_eq(python_imports_scan(text, strlen(text), false, &facts), 0);
	cr_expect_gt(facts.size, 900);
	cr_expect_leq(facts.size, 1000);
	buffer_fini(&facts);
}

Test(python_imports, cuts_names_that_do_not_fit_a_statement)
{
	static char text[20000];
	char *found;
	size_t len;

	memcpy(text, "from a import x0", 17);
	for (len = strlen(text); len + 10 < sizeof(text); len += 8)
		memcpy(text + len, ", abcdef", 9);
	found = scan(text, false);
	cr_expect(strncmp(found, "a x0 abcdef abcdef", 18) == 0);
	cr_expect_leq(strlen(found), 4097);
	free(found);
}
