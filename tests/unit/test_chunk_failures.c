/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_failures.h"

#include <criterion/criterion.h>
#include <errno.h>

enum { LASTING_MS = 1000 };

static void note(struct chunk_failures *failures, int64_t now_ms,
		 uint32_t number)
{
	struct error err = { 0 };

	error_set(&err, -ETIMEDOUT, "chunk %u", number);
	chunk_failures_note(failures, now_ms + LASTING_MS, number, &err);
}

Test(chunk_failures, are_remembered_for_a_moment)
{
	struct chunk_failures failures = { 0 };
	const struct error *err;

	cr_expect_null(chunk_failures_find(&failures, 5000, 0));
	note(&failures, 5000, 7);
	err = chunk_failures_find(&failures, 5000 + LASTING_MS - 1, 7);
	cr_assert(err);
	cr_expect_eq(err->code, -ETIMEDOUT);
	cr_expect_str_eq(err->text, "chunk 7");
	cr_expect_null(chunk_failures_find(&failures, 5000, 8));
	cr_expect_null(chunk_failures_find(&failures, 5000 + LASTING_MS, 7));
}

Test(chunk_failures, are_bounded)
{
	struct chunk_failures failures = { 0 };

	for (uint32_t i = 0; i <= CHUNK_FAILURES_MAX; i++)
		note(&failures, 5000, i);
	cr_expect_null(chunk_failures_find(&failures, 5000, 0));
	cr_expect(chunk_failures_find(&failures, 5000, 1));
	cr_expect(chunk_failures_find(&failures, 5000, CHUNK_FAILURES_MAX));
}
