/* SPDX-License-Identifier: Apache-2.0 */
#include "common/error.h"
#include "tools/option.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct values {
	bool flag;
	const char *text;
	struct option_list list;
	uint64_t size;
	uint64_t time_ms;
	uint64_t number;
	bool twin;
};

#define OPT(member) offsetof(struct values, member)

static const struct option table[] = {
	{ "flag", 'f', OPTION_FLAG, NULL, "", NULL, OPT(flag) },
	{ "text", 't', OPTION_TEXT, "T", "", "OPTION_TEST_TEXT", OPT(text) },
	{ "list", 'l', OPTION_LIST, "L", "", NULL, OPT(list) },
	{ "size", 0, OPTION_SIZE, "S", "", "OPTION_TEST_SIZE", OPT(size) },
	{ "time", 0, OPTION_DURATION, "D", "", NULL, OPT(time_ms) },
	{ "number", 'n', OPTION_NUMBER, "N", "", NULL, OPT(number) },
	{ "twin", 'w', OPTION_FLAG, NULL, "", NULL, OPT(twin),
	  .twins = "TEST_A TEST_B" },
	{ "twins", 0, OPTION_LIST, "L", "", NULL, OPT(list),
	  .twins = "TEST_L TEST_M" },
	{ "refused", 'r', OPTION_REFUSED, NULL, "the reason", NULL, 0,
	  .twins = "TEST_R" },
	{ "refused-text", 0, OPTION_REFUSED, "X", "the reason", NULL, 0 },
	{ 0 },
};

static bool is_digit(const char *word)
{
	return word[0] >= '0' && word[0] <= '9';
}

/* Letters that mean something else in front of a digit. */
static const struct option first_table[] = {
	{ "first", 'f', OPTION_TEXT, "N", "", NULL, OPT(text),
	  .is_form = is_digit },
	{ 0 },
};

static const struct option *const tables[] = { table, NULL };

static int parse(struct values *values, bool stop_early, const char **argv,
		 int *ret_count, struct error *err)
{
	return option_parse(tables, values, stop_early, (char **)argv,
			    ret_count, err);
}

static int load_both(struct values *values)
{
	int r = option_load_environment(tables, false, values, NULL);

	return r < 0 ? r : option_load_environment(tables, true, values, NULL);
}

Test(option, takes_every_spelling_of_a_value)
{
	const char *argv[] = { "--text=a", "-tb",      "--text", "c",
			       "-ft",	   "d",	       "--size", "2M",
			       "--time",   "3s",       "-n",	 "7",
			       "x",	   "--list=1", "-l2",	 NULL };
	struct values values = { 0 };
	int count = 0;

	cr_assert_eq(parse(&values, false, argv, &count, NULL), 0);
	cr_expect_eq(count, 1);
	cr_expect_str_eq(argv[0], "x");
	cr_expect_null(argv[1]);
	cr_expect(values.flag);
	cr_expect_str_eq(values.text, "d");
	cr_expect_eq(values.size, 2 << 20);
	cr_expect_eq(values.time_ms, 3000);
	cr_expect_eq(values.number, 7);
	cr_assert_eq(values.list.count, 2);
	cr_expect_str_eq(values.list.values[1], "2");
	option_list_fini(&values.list);
}

Test(option, leaves_the_words_behind_the_first_operand_alone)
{
	const char *argv[] = {
		"-f", "image", "cmd", "-t", "--flag", "--", NULL
	};
	struct values values = { 0 };
	int count = 0;

	cr_assert_eq(parse(&values, true, argv, &count, NULL), 0);
	cr_expect_eq(count, 5);
	cr_expect_str_eq(argv[2], "-t");
	cr_expect_str_eq(argv[4], "--");
	cr_expect_null(values.text);
}

Test(option, two_dashes_end_the_options)
{
	const char *argv[] = { "--", "-f", NULL };
	struct values values = { 0 };
	int count = 0;

	cr_assert_eq(parse(&values, false, argv, &count, NULL), 0);
	cr_expect_eq(count, 1);
	cr_expect_not(values.flag);
}

Test(option, names_what_is_wrong)
{
	enum { UNKNOWN_COUNT = 2 };
	static const struct {
		const char *words[3];
		const char *text;
	} cases[] = {
		{ { "--nothing" }, "--nothing" },
		{ { "-z" }, "-z" },
		/* these are known */
		{ { "--text" }, "--text" },
		{ { "-t" }, "-t" },
		{ { "--size", "lots" }, "lots" },
		{ { "-n", "-1" }, "-1" },
		{ { "-n", "1x" }, "1x" },
		{ { "--flag=maybe" }, "maybe" },
		{ { "--time", "1y" }, "1y" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *argv[] = { cases[i].words[0], cases[i].words[1],
				       NULL };
		struct values values = { 0 };
		struct error err = { 0 };
		int count = 0;

		cr_expect_eq(parse(&values, false, argv, &count, &err),
			     i < UNKNOWN_COUNT ? -ENOPROTOOPT : -EINVAL,
			     "case: %s", cases[i].words[0]);
		cr_expect_not_null(strstr(err.text, cases[i].text),
				   "case: %s: %s", cases[i].words[0], err.text);
	}
}

Test(option, reads_the_environment)
{
	struct values values = { 0 };
	struct error err = { 0 };

	setenv("OPTION_TEST_TEXT", "from there", 1);
	setenv("OPTION_TEST_SIZE", "1k", 1);
	cr_assert_eq(load_both(&values), 0);
	cr_expect_str_eq(values.text, "from there");
	cr_expect_eq(values.size, 1024);
	setenv("OPTION_TEST_SIZE", "much", 1);
	cr_expect_eq(option_load_environment(tables, false, &values, &err),
		     -EINVAL);
	cr_expect_not_null(strstr(err.text, "OPTION_TEST_SIZE"));
}

Test(option, sets_by_name_as_a_file_does)
{
	struct values values = { 0 };

	cr_expect_eq(option_set(tables, &values, "flag", "yes", NULL), 0);
	cr_expect(values.flag);
	cr_expect_eq(option_set(tables, &values, "none", "yes", NULL), -ENOENT);
}

Test(option, takes_variables_of_apptainer_and_singularity)
{
	struct values values = { 0 };

	setenv("SINGULARITY_TEST_B", "T", 1);
	setenv("APPTAINER_TEST_L", "1", 1);
	setenv("SINGULARITY_TEST_L", "not this", 1);
	setenv("SINGULARITY_TEST_M", "2", 1);
	cr_assert_eq(load_both(&values), 0);
	cr_expect(values.twin);
	cr_assert_eq(values.list.count, 2);
	cr_expect_str_eq(values.list.values[0], "1");
	cr_expect_str_eq(values.list.values[1], "2");
	option_list_fini(&values.list);
	values = (struct values){ 0 };
	setenv("APPTAINER_TEST_A", "false", 1);
	unsetenv("SINGULARITY_TEST_B");
	cr_assert_eq(load_both(&values), 0);
	cr_expect_not(values.twin);
	option_list_fini(&values.list);
}

Test(option, refuses_with_the_reason)
{
	static const char *const cases[] = { "-r", "--refused",
					     "--refused-text=1" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *argv[] = { cases[i], "image", NULL };
		struct values values = { 0 };
		struct error err = { 0 };
		int count = 0;

		cr_expect_eq(parse(&values, true, argv, &count, &err),
			     -ENOTSUP);
		cr_expect_not_null(strstr(err.text, "the reason"), "%s",
				   err.text);
	}
	setenv("APPTAINER_TEST_R", "1", 1);
	cr_expect_eq(option_load_environment(tables, false,
					     &(struct values){ 0 }, NULL),
		     -ENOTSUP);
}

Test(option, gives_a_letter_the_meaning_of_the_next_words_form)
{
	static const struct option *const both[] = { first_table, table, NULL };
	const char *with_digit[] = { "-f", "7", "image", NULL };
	const char *without[] = { "-f", "image", NULL };
	struct values values = { 0 };
	int count = 0;

	cr_assert_eq(option_parse(both, &values, true, (char **)with_digit,
				  &count, NULL),
		     0);
	cr_expect_str_eq(values.text, "7");
	cr_expect_not(values.flag);
	cr_expect_eq(count, 1);
	values = (struct values){ 0 };
	cr_assert_eq(option_parse(both, &values, true, (char **)without, &count,
				  NULL),
		     0);
	cr_expect(values.flag);
	cr_expect_eq(count, 1);
}

Test(option, knows_which_words_have_their_value_behind_them)
{
	static const char *const yes[] = { "--text", "-t", "-ft", "--list" };
	static const char *const no[] = { "--text=a", "-ta", "-f", "--flag",
					  "--none",   "x",   "-",  "--" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		cr_expect(option_takes_next(tables, yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		cr_expect_not(option_takes_next(tables, no[i]), "%s", no[i]);
}

/* All but lists. */
static const struct option plain_table[] = {
	{ "flag", 'f', OPTION_FLAG, NULL, "", NULL, OPT(flag) },
	{ "twin", 'w', OPTION_FLAG, NULL, "", NULL, OPT(twin) },
	{ "text", 't', OPTION_TEXT, "T", "", NULL, OPT(text) },
	{ "size", 0, OPTION_SIZE, "S", "", NULL, OPT(size) },
	{ "time", 0, OPTION_DURATION, "D", "", NULL, OPT(time_ms) },
	{ "number", 'n', OPTION_NUMBER, "N", "", NULL, OPT(number) },
	{ "refused", 'r', OPTION_REFUSED, NULL, "the reason", NULL, 0 },
	{ 0 },
};

static const struct option *const plain_tables[] = { plain_table, NULL };

Test(option, formats_words_that_parse_to_the_same_values)
{
	const struct values given = {
		.flag = true,
		.text = "a b=c",
		.size = 12345,
		.time_ms = 1500,
		.number = 7,
	};
	struct values values = { 0 };
	char **words = NULL;
	char **copy;
	int count;

	cr_assert_eq(option_format(plain_tables, &given, &words), 0);
	copy = calloc(8, sizeof(*copy));
	for (count = 0; words[count]; count++)
		copy[count] = words[count];
	cr_expect_eq(count, 5);
	cr_expect_eq(
		option_parse(plain_tables, &values, false, copy, &count, NULL),
		0);
	cr_expect_eq(count, 0);
	cr_expect(values.flag);
	cr_expect_not(values.twin);
	cr_expect_str_eq(values.text, given.text);
	cr_expect_eq(values.size, given.size);
	cr_expect_eq(values.time_ms, given.time_ms);
	cr_expect_eq(values.number, given.number);
	free(copy);
	option_free_words(words);
}

Test(option, formats_nothing_of_values_that_are_not_set)
{
	const struct values given = { 0 };
	char **words = NULL;

	cr_assert_eq(option_format(plain_tables, &given, &words), 0);
	cr_expect_null(words[0]);
	option_free_words(words);
	option_free_words(NULL);
}
