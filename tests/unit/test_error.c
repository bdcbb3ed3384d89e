/* SPDX-License-Identifier: Apache-2.0 */
#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static char long_text[2 * ERROR_TEXT_SIZE];

static void fill_long_text(void)
{
	memset(long_text, 'x', sizeof(long_text) - 1);
}

TestSuite(error, .init = fill_long_text);

Test(error, keeps_code_and_sentence)
{
	struct error err = { 0 };

	cr_expect_eq(error_set(&err, -EPROTO, "layer %d is odd", 3), -EPROTO);
	cr_expect_eq(err.code, -EPROTO);
	cr_expect_str_eq(err.text, "layer 3 is odd");
}

Test(error, returns_the_code_where_nobody_listens)
{
	cr_expect_eq(error_set(NULL, -EIO, "text"), -EIO);
	cr_expect_eq(error_prefix(NULL, -EIO, "text"), -EIO);
	cr_expect_eq(error_set_errno(NULL, -EIO, "text"), -EIO);
}

Test(error, makes_control_characters_harmless)
{
	struct error err = { 0 };

	error_set(&err, -EIO, "a\nb\tc\033[0m\177 \303\251");
	cr_expect_str_eq(err.text, "a?b?c?[0m? \303\251");
}

Test(error, cuts_what_is_too_long)
{
	struct error err = { 0 };

	error_set(&err, -EIO, "%s", long_text);
	cr_expect_eq(strlen(err.text), ERROR_TEXT_SIZE - 1);
	error_set_errno(&err, -EIO, "%s", long_text);
	cr_expect_not_null(strstr(err.text, "x: Input/output error"));
}

Test(error, puts_context_in_front)
{
	struct error err = { 0 };

	error_set(&err, -EIO, "short read");
	cr_expect_eq(error_prefix(&err, -EBADMSG, "layer %d", 3), -EBADMSG);
	cr_expect_eq(err.code, -EBADMSG);
	cr_expect_str_eq(err.text, "layer 3: short read");
}

Test(error, keeps_some_of_both_when_context_is_long)
{
	struct error err = { 0 };

	error_set(&err, -EIO, "short read");
	error_prefix(&err, -EIO, "%s", long_text);
	cr_expect_eq(err.text[0], 'x');
	cr_expect_not_null(strstr(err.text, "x: short read"));
}

Test(error, says_what_an_errno_means)
{
	struct error err = { 0 };

	cr_expect_eq(error_set_errno(&err, -ENOENT, "cannot open %s", "a"),
		     -ENOENT);
	cr_expect_str_eq(err.text, "cannot open a: No such file or directory");
}
