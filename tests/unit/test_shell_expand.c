/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shell_expand.h"

#include "common/buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* A "shell" that prints the command in angle brackets. */
static int print(void *arg, const char *command,
		 const struct variable_list *variables, struct buffer *ret)
{
	int r;

	(void)arg;
	(void)variables;
	r = buffer_append(ret, "<", 1);
	if (r == 0)
		r = buffer_append(ret, command, strlen(command));
	return r < 0 ? r : buffer_append(ret, ">", 1);
}

static void fill(struct variable_list *variables)
{
	cr_assert_eq(variable_list_set_text(variables, "HOME=/home/ann"), 0);
	cr_assert_eq(variable_list_set_text(variables, "EMPTY="), 0);
	cr_assert_eq(variable_list_set_text(variables, "X_1=a b"), 0);
}

struct example {
	const char *text;
	const char *value; /* NULL: -ENOTSUP; "!": -EINVAL */
};

static void check(const struct example *example, bool is_quoted)
{
	struct variable_list variables = { 0 };
	const struct shell_expand expand = {
		.variables = &variables,
		.substitute = print,
	};
	struct buffer ret = BUFFER_INIT(1 << 16);
	int r;

	fill(&variables);
	r = is_quoted ? shell_expand_quoted(&expand, example->text, &ret)
		      : shell_expand_word(&expand, example->text,
					  strlen(example->text), &ret);
	if (!example->value) {
		cr_expect_eq(r, -ENOTSUP, "case: %s: %d", example->text, r);
	} else if (strcmp(example->value, "!") == 0) {
		cr_expect_eq(r, -EINVAL, "case: %s: %d", example->text, r);
	} else {
		cr_expect_eq(r, 0, "case: %s: %d", example->text, r);
		cr_assert_eq(buffer_terminate(&ret), 0);
		cr_expect_str_eq((char *)ret.data, example->value, "case: %s",
				 example->text);
	}
	buffer_fini(&ret);
	variable_list_fini(&variables);
}

Test(shell_expand, expands_words)
{
	static const struct example examples[] = {
		{ "plain", "plain" },
		{ "'$HOME `x` \"'", "$HOME `x` \"" },
		{ "\"$HOME/x\"", "/home/ann/x" },
		{ "$HOME:${HOME}", "/home/ann:/home/ann" },
		{ "$X_1", "a b" },
		{ "a\\ b\\$c\\\nd", "a b$cd" },
		{ "\"a\\b\\\"\\$\\`\\\\\\\nc\"", "a\\b\"$`\\c" },
		{ "\"it's\"", "it's" },
		{ "${NONE}", "" },
		{ "$NONE", "" },
		{ "${EMPTY-x}${EMPTY:-x}", "x" },
		{ "${NONE-x}${NONE:-y}", "xy" },
		{ "${HOME:+set}${HOME+set}${NONE:+no}${EMPTY:+no}", "setset" },
		{ "${NEW:=v}$NEW", "vv" },
		{ "\"${NONE:-\"a b\"}\"", "a b" },
		{ "\"${NONE:-${EMPTY:-$HOME}}\"", "/home/ann" },
		{ "\"${NONE:-\"\\\"q\\\"\"}\"", "\"q\"" },
		{ "`ls -l`x", "<ls -l>x" },
		{ "`a \\`b\\` \\$c \\d`", "<a `b` $c \\d>" },
		{ "$(id -u)$(echo \")\")", "<id -u><echo \")\">" },
		{ "$(a (b) $(c))", "<a (b) $(c)>" },
		{ "a$", "a$" },
		{ "\"$\"", "$" },
		{ "a\\", "a\\" },
		{ "$'a\\n\\'\\101\\\\'", "a\n'A\\" },
		{ "\"$'a'\"", "$'a'" },
		{ "$'open", "!" },
		{ "$1", NULL },
		{ "\"$@\"", NULL },
		{ "${HOME%/*}", NULL },
		{ "${#HOME}", NULL },
		{ "$((1+1))", NULL },
		{ "~/x", NULL },
		{ "*.c", NULL },
		{ "'open", "!" },
		{ "\"open", "!" },
		{ "`open", "!" },
		{ "${open", "!" },
		{ "$(open", "!" },
	};

	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		check(&examples[i], false);
}

/* What Apptainer 1.4.5 makes of APPTAINERENV_V. */
Test(shell_expand, expands_within_quotes)
{
	static const struct example examples[] = {
		{ "a $HOME `id -u` \"q\" b\\\\c \\$HOME",
		  "a /home/ann <id -u> \"q\" b\\c $HOME" },
		{ "it's *~?", "it's *~?" },
		{ "$(echo hi) ${HOME:-x} ${NO:-dflt}",
		  "<echo hi> /home/ann dflt" },
		{ "\\n\\t", "\\n\\t" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		check(&examples[i], true);
}

Test(shell_expand, runs_no_command_when_it_may_not)
{
	struct variable_list variables = { 0 };
	const struct shell_expand expand = { .variables = &variables };
	struct buffer ret = BUFFER_INIT(16);

	cr_expect_eq(shell_expand_quoted(&expand, "`id`", &ret), -ENOTSUP);
	cr_expect_eq(shell_expand_quoted(&expand, "$(id)", &ret), -ENOTSUP);
	cr_expect_eq(shell_expand_quoted(&expand, "more than 16 bytes", &ret),
		     -EFBIG);
	buffer_fini(&ret);
}

Test(shell_expand, bounds_its_depth)
{
	struct variable_list variables = { 0 };
	const struct shell_expand expand = { .variables = &variables };
	struct buffer ret = BUFFER_INIT(1 << 16);
	char text[4096] = "";

	for (size_t i = 0; i < 1000; i++)
		memcpy(text + 4 * i, "${A-", 4);
	cr_expect_lt(shell_expand_quoted(&expand, text, &ret), 0);
	buffer_fini(&ret);
}

Test(shell_expand, finds_the_end_of_a_word)
{
	static const struct {
		const char *text;
		size_t size;
	} cases[] = {
		{ "", 0 },	    { "a b", 1 },	  { "'a b' c", 5 },
		{ "\"a;b\";c", 5 }, { "$(a b) c", 6 },	  { "`a b`c d", 6 },
		{ "a\\ b c", 4 },   { "${a:-b c} d", 9 }, { "a>b", 1 },
		{ "a\nb", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(shell_expand_skip_word(cases[i].text),
			     cases[i].text + cases[i].size, "case: %s",
			     cases[i].text);
	cr_expect_null(shell_expand_skip_word("'a"));
	cr_expect_null(shell_expand_skip_word("a\"b"));
}
