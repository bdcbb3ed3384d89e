/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/deferred_source.h"

#include "common/clock.h"
#include "common/error.h"
#include "fetch/range_source.h"
#include "tests/support/fault_source.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char blob[] = "0123456789";

struct opener {
	unsigned count;
	unsigned fail; /* so many times */
	int code;
	uint32_t number;
	struct range_source *opened; /* borrowed */
};

struct answer {
	unsigned count;
	int result;
	char text[ERROR_TEXT_SIZE];
};

static int open_blob(void *arg, uint32_t number, struct range_source **ret,
		     struct error *err)
{
	struct opener *opener = arg;

	opener->count++;
	opener->number = number;
	if (opener->fail) {
		opener->fail--;
		return error_set(err, opener->code, "no way there");
	}
	opener->opened = fault_source_create(blob, sizeof(blob) - 1);
	cr_assert_not_null(opener->opened);
	fault_source_set_inline(opener->opened);
	*ret = opener->opened;
	return 0;
}

static void note_answer(void *arg, int result, uint8_t *data,
			const struct error *err)
{
	struct answer *answer = arg;

	answer->count++;
	answer->result = result;
	if (result == 0)
		memcpy(answer->text, data, 3);
	else
		snprintf(answer->text, sizeof(answer->text), "%s", err->text);
	free(data);
}

static void fetch(struct range_source *source, struct answer *ret)
{
	*ret = (struct answer){ 0 };
	range_source_fetch(source, 3, 3, clock_ms() + 1000, note_answer, ret);
	cr_assert_eq(ret->count, 1);
}

Test(deferred_source, is_opened_once_by_the_first_fetch)
{
	struct opener opener = { 0 };
	struct range_source *source =
		deferred_source_create(10, open_blob, &opener, 7);
	struct answer answer;

	cr_assert_not_null(source);
	cr_expect_eq(source->size, 10);
	cr_expect_eq(opener.count, 0);
	for (unsigned i = 0; i < 2; i++) {
		fetch(source, &answer);
		cr_expect_eq(answer.result, 0);
		cr_expect_str_eq(answer.text, "345");
	}
	cr_expect_eq(opener.count, 1);
	cr_expect_eq(opener.number, 7);
	range_source_destroy(source);
}

Test(deferred_source, may_be_destroyed_unopened)
{
	struct opener opener = { 0 };

	range_source_destroy(deferred_source_create(10, open_blob, &opener, 0));
	cr_expect_eq(opener.count, 0);
}

Test(deferred_source, answers_what_opening_said_and_tries_again)
{
	struct opener opener = { .fail = 1, .code = -EHOSTUNREACH };
	struct range_source *source =
		deferred_source_create(10, open_blob, &opener, 0);
	struct answer answer;

	fetch(source, &answer);
	cr_expect_eq(answer.result, -EIO);
	cr_expect_str_eq(answer.text, "no way there");
	fetch(source, &answer);
	cr_expect_eq(answer.result, 0);
	cr_expect_eq(opener.count, 2);
	range_source_destroy(source);
}

Test(deferred_source, reports_bad_ranges_to_what_it_opened)
{
	struct opener opener = { 0 };
	struct range_source *source =
		deferred_source_create(10, open_blob, &opener, 0);
	struct answer answer;

	range_source_report_bad(source, 0, 1);
	fetch(source, &answer);
	range_source_report_bad(source, 0, 1);
	cr_expect_eq(fault_source_bad_count(opener.opened), 1);
	range_source_destroy(source);
}
