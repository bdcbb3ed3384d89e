/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shell_script.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The exported variables as "A=1 B=2", in order. */
static int run(const char *text, char *ret, size_t size, struct error *err)
{
	struct variable_list variables = { 0 };
	const struct shell_expand expand = { .variables = &variables };
	size_t len = 0;
	int r;

	ret[0] = '\0';
	cr_assert_eq(variable_list_set_text(&variables, "H=/h"), 0);
	r = shell_script_run(text, &expand, err);
	for (size_t i = 0; i < variables.count && len < size; i++)
		if (variables.variables[i].is_exported)
			len += (size_t)snprintf(ret + len, size - len, "%s%s",
						len ? " " : "",
						variables.variables[i].text);
	variable_list_fini(&variables);
	return r;
}

struct example {
	const char *text;
	const char *result;
};

Test(shell_script, runs_what_environment_scripts_say)
{
	static const struct example examples[] = {
		{ "", "H=/h" },
		{ "#!/bin/sh\n# comment\n\n", "H=/h" },
		{ "A=1\nexport A", "H=/h A=1" },
		{ "export A=\"a b\" B=$H/x\n", "H=/h A=a b B=/h/x" },
		{ "A=1; B=2; export A B # both", "H=/h A=1 B=2" },
		{ "A=1 B=2\nexport B", "H=/h B=2" },
		{ "export A=1\nunset A H", "" },
		{ "unset H \\\n  A", "" },
		{ "export PATH=\"${PATH:-\"/bin\"}\"", "H=/h PATH=/bin" },
		{ "if [ -z \"$X\" ]; then\n export A=1\nelse\n export A=2\nfi",
		  "H=/h A=1" },
		{ "if test -n \"${X:-}\"; then export A=1; fi; export B=1",
		  "H=/h B=1" },
		{ "if [ -n \"$X\" ]; then A=1\nelif [ -d / ]; then A=2\n"
		  "else A=3; fi; export A",
		  "H=/h A=2" },
		{ "if [ -n \"$X\" ]\nthen\nif true; then A=1; fi\nelse "
		  "A=4\nfi\n"
		  "export A",
		  "H=/h A=4" },
		{ "[ -f / ] && export A=1\n[ -d / ] && export B=1",
		  "H=/h B=1" },
		{ "[ \"$H\" = /h ] || export A=1; [ x != y ] && export B=1",
		  "H=/h B=1" },
		{ "! false && export A=1", "H=/h A=1" },
		{ "if ! [ -e /no/such ]; then export A=1; fi", "H=/h A=1" },
		/* In a branch that is not taken, anything may stand. */
		{ "if test -n \"$X\"; then\n  echo \"fi\"; . /x \"$@\"\n  for "
		  "i in a; "
		  "do echo $i; done\n  if a | b; then c; fi\n  exit 1\nfi\n"
		  "export A=1",
		  "H=/h A=1" },
		{ "true || echo $(ls) ; export A=1", "H=/h A=1" },
		{ "export A='x'\\''y'\"z\"", "H=/h A=x'yz" },
		{ "export A=\"two\nlines\"", "H=/h A=two\nlines" },
		{ "readonly A=1\nexport A", "H=/h A=1" },
		{ "export NOVALUE", "H=/h" },
		{ ": ignored words", "H=/h" },
	};
	char result[1024];

	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct error err = { 0 };

		cr_expect_eq(
			run(examples[i].text, result, sizeof(result), &err), 0,
			"case: %s: %s", examples[i].text, err.text);
		cr_expect_str_eq(result, examples[i].result, "case: %s",
				 examples[i].text);
	}
}

Test(shell_script, leaves_the_rest_to_a_shell)
{
	static const struct example examples[] = {
		{ "export A=1\necho hi", "line 2" },
		{ ". /etc/profile", "line 1" },
		{ "for i in 1; do A=1; done", "line 1" },
		{ "export A=$(ls)", "line 1" },
		{ "export A=1 > /dev/null", "line 1" },
		{ "A=1 && ls | cat", "line 1" },
		{ "if ls; then A=1; fi", "line 1" },
		{ "[ -z $X ]", "line 1" },
		{ "[ 1 -lt 2 ]", "line 1" },
		{ "f() { A=1; }", "line 1" },
		{ "A=1 env", "line 1" },
		{ "case x in x) A=1 ;; esac", "line 1" },
		{ "unset -f x", "line 1" },
		{ "{ A=1; }", "line 1" },
		{ "\n\nA=1 &", "line 3" },
	};
	char result[1024];

	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct error err = { 0 };

		cr_expect_eq(
			run(examples[i].text, result, sizeof(result), &err),
			-ENOTSUP, "case: %s: %s", examples[i].text, err.text);
		cr_expect(strstr(err.text, examples[i].result), "case: %s: %s",
			  examples[i].text, err.text);
		/* and nothing is half done */
		cr_expect_str_eq(result, "H=/h", "case: %s", examples[i].text);
	}
}

Test(shell_script, notices_what_is_never_closed)
{
	static const char *const cases[] = {
		"A='x",
		"if true; then A=1",
		"if true; A=1; fi",
		"if false; then A=1; else",
		"export A=\"${B",
	};
	char result[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(run(cases[i], result, sizeof(result), NULL),
			     -EINVAL, "case: %s", cases[i]);
}
