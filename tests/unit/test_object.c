/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_A, CACHE_B, ORIGIN, NOBODY = -1 };

static struct object *object;

static void set_up(void)
{
	object = object_create(NULL, "osdf:///ns/a");
	cr_assert(object);
	cr_assert_eq(object_add_server(object, "https://a/ns/a", false), 0);
	cr_assert_eq(object_add_server(object, "https://b/ns/a", false), 0);
	cr_assert_eq(object_add_server(object, "https://o/ns/a", true), 0);
}

static void tear_down(void)
{
	object_unref(object);
}

TestSuite(object, .init = set_up, .fini = tear_down);

static int choose(uint32_t tried, int64_t now_ms)
{
	struct object_choice choice = { .server = NOBODY };
	int r = object_choose_server(object, tried, now_ms, &choice);

	cr_assert(r == 0 || r == OBJECT_NO_SERVER);
	free(choice.url);
	return choice.server;
}

static void fail(int server, unsigned count, int64_t now_ms)
{
	while (count-- > 0)
		object_judge(object, server, OBJECT_SERVER_FAILED, now_ms);
}

Test(object, asks_the_caches_in_their_order_and_then_the_origin)
{
	cr_expect_eq(choose(0, 1000), CACHE_A);
	cr_expect_eq(choose(1 << CACHE_A, 1000), CACHE_B);
	cr_expect_eq(choose(1 << CACHE_A | 1 << CACHE_B, 1000), ORIGIN);
	cr_expect_eq(choose(7, 1000), NOBODY);
}

Test(object, asks_a_cache_that_fails_after_all_others)
{
	fail(CACHE_A, 1, 1000);
	cr_expect_eq(choose(0, 1000), CACHE_A);
	fail(CACHE_A, 1, 1000);
	cr_expect_eq(choose(0, 1000), CACHE_B);
	/* the origin comes first, or a reader would wait for each cache that
	 * hangs at every range anew */
	fail(CACHE_B, 2, 1000);
	cr_expect_eq(choose(0, 1000), ORIGIN);
	cr_expect_eq(choose(1 << ORIGIN, 1000), CACHE_A);
	fail(ORIGIN, 2, 1000);
	cr_expect_eq(choose(0, 1000), CACHE_A);
}

Test(object, rests_twice_as_long_each_time)
{
	static const int64_t rests_ms[] = { 30000, 60000, 120000, 240000,
					    240000 };
	int64_t now_ms = 1000;

	fail(CACHE_A, 1, now_ms);
	for (size_t i = 0; i < sizeof(rests_ms) / sizeof(rests_ms[0]); i++) {
		fail(CACHE_A, 5, now_ms); /* at once: they make one rest */
		cr_expect_eq(choose(0, now_ms + rests_ms[i] - 1), CACHE_B,
			     "rest %zu", i);
		now_ms += rests_ms[i];
		cr_expect_eq(choose(0, now_ms), CACHE_A, "rest %zu", i);
	}
	object_judge(object, CACHE_A, OBJECT_SERVER_GOOD, now_ms);
	fail(CACHE_A, 2, now_ms);
	cr_expect_eq(choose(0, now_ms + 29999), CACHE_B);
	cr_expect_eq(choose(0, now_ms + 30000), CACHE_A);
}

Test(object, asks_no_cache_again_that_gave_wrong_bytes)
{
	object_note_served(object, CACHE_A, 0, 100);
	object_report_bad(object, 0, 100);
	cr_expect_eq(choose(0, 1000), CACHE_B);
	object_note_served(object, CACHE_B, 0, 100);
	object_report_bad(object, 0, 100);
	cr_expect_eq(choose(0, 1000), ORIGIN);
	cr_expect_eq(choose(1 << ORIGIN, 1000), NOBODY);
}

Test(object, says_what_to_do_when_nobody_is_left)
{
	struct error err = { 0 };

	for (int i = CACHE_A; i <= ORIGIN; i++)
		object_judge(object, i, OBJECT_SERVER_UNFIT, 1000);
	cr_expect_eq(choose(0, 1000), NOBODY);
	cr_expect_eq(object_explain_none(object, &err), -EIO);
	cr_expect(strstr(err.text, "no server is left to ask"), "%s", err.text);
	cr_expect(strstr(err.text, "index it anew"), "%s", err.text);
}

Test(object, carries_a_token_to_its_servers_alone)
{
	static const struct {
		const char *url;
		bool is_carried;
	} cases[] = {
		{ "https://a/ns/a", true },
		{ "https://a/elsewhere", true },
		{ "https://other/ns/a", false },
		{ "https://a:444/ns/a", false },
		{ "http://a/ns/a", false },
	};

	cr_assert_eq(
		object_set_authorization(object, "Bearer t", INT64_MAX, "note"),
		0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *value = NULL;

		cr_assert_eq(object_copy_authorization(object, CACHE_A,
						       cases[i].url, &value),
			     0);
		cr_expect_eq(value != NULL, cases[i].is_carried, "case: %s",
			     cases[i].url);
		free(value);
	}
}
