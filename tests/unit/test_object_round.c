/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_round.h"

#include "common/error.h"
#include "fetch/object.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct object_round round_;

static void set_up(void)
{
	object_round_reset(&round_);
}

TestSuite(object_round, .init = set_up);

static void note(int code, const char *text, int64_t retry_after_ms)
{
	struct error err = { 0 };

	error_set(&err, code, "%s", text);
	object_round_note(&round_, code, &err, retry_after_ms);
}

static int explain(struct error *err)
{
	struct object *object = object_create(NULL, "osdf:///ns/a");
	int r;

	cr_assert(object);
	cr_assert_eq(object_set_authorization(object, "Bearer x", INT64_MAX,
					      "the token was refused"),
		     0);
	r = object_round_explain(&round_, object, err);
	object_unref(object);
	return r;
}

Test(object_round, names_all_that_failed)
{
	struct error err = { 0 };

	cr_expect_eq(round_.code, 0);
	note(-EIO, "a: broken", -1);
	note(-ETIMEDOUT, "b: silent", -1);
	cr_expect_eq(explain(&err), -ETIMEDOUT);
	cr_expect_str_eq(err.text, "a: broken; b: silent");
}

Test(object_round, is_final_only_when_all_say_so)
{
	note(-ENOENT, "a: no such object", -1);
	cr_expect_eq(round_.code, -ENOENT);
	note(-EIO, "b: broken", -1);
	cr_expect_eq(round_.code, -EIO);
	note(-ENOENT, "c: no such object", -1);
	cr_expect_eq(round_.code, -EIO);
}

Test(object_round, says_once_what_to_do_about_a_token)
{
	struct error err = { 0 };

	note(-EACCES, "a: refused", -1);
	note(-EACCES, "b: refused", -1);
	cr_expect_eq(explain(&err), -EACCES);
	cr_expect_str_eq(err.text,
			 "a: refused; b: refused; the token was refused");
}

/* What is missing says itself what to do. */
Test(object_round, gives_no_second_advice_to_who_has_no_token)
{
	struct object *other = object_create(NULL, "other");
	struct error err = { 0 };

	note(-EACCES, "a: refused", -1);
	cr_expect_eq(object_round_explain(&round_, other, &err), -EACCES);
	cr_expect_str_eq(err.text,
			 "a: refused; check the name, or ask for access");
	note(-EACCES, "a token is needed; get one", -1);
	cr_expect_eq(object_round_explain(&round_, other, &err), -EACCES);
	cr_expect_str_eq(err.text, "a: refused; a token is needed; get one");
	object_unref(other);
}

Test(object_round, says_what_to_do_once)
{
	struct error err = { 0 };

	note(-ENOENT, "a: none; check the name", -1);
	note(-ENOENT, "b: none; check the name", -1);
	note(-EIO, "c: fails; try later", -1);
	note(-EIO, "d: is silent", -1);
	cr_expect_eq(explain(&err), -EIO);
	cr_expect_str_eq(err.text, "a: none; b: none; check the name; c: "
				   "fails; try later; d: is silent");
}

Test(object_round, names_a_cause_once)
{
	struct error err = { 0 };

	note(-ESTALE, "x was replaced (by y); start again", -1);
	note(-ESTALE, "x was replaced (by y); start again", -1);
	note(-ESTALE, "x was replaced", -1);
	cr_expect_eq(explain(&err), -ESTALE);
	cr_expect_str_eq(err.text, "x was replaced (by y); start again; x was "
				   "replaced");
	object_round_reset(&round_);
	note(-EIO, "a: broken", -1);
	note(-EIO, "a: broken", -1);
	cr_expect_eq(explain(&err), -EIO);
	cr_expect_str_eq(err.text, "a: broken");
}

Test(object_round, keeps_the_longest_pause_that_was_wished_for)
{
	note(-EBUSY, "a: busy", 2000);
	note(-EBUSY, "b: busy", 500);
	note(-EIO, "c: broken", -1);
	cr_expect_eq(round_.retry_after_ms, 2000);
	object_round_reset(&round_);
	cr_expect_eq(round_.retry_after_ms, -1);
}

Test(object_round, keeps_what_to_do_when_the_trail_is_full)
{
	struct error err = { 0 };
	char text[400];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 20; i++)
		note(-EACCES, text, -1);
	cr_expect_eq(explain(&err), -EACCES);
	cr_expect(strstr(err.text, "; the token was refused"), "%s", err.text);
}
