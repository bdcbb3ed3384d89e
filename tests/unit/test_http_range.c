/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_range.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

Test(http_range, reads_the_forms_of_the_standard)
{
	struct http_range range;

	cr_assert_eq(http_range_parse("bytes 42-1233/1234", &range), 0);
	cr_assert(range.is_satisfied && range.has_total);
	cr_assert_eq(range.first, 42);
	cr_assert_eq(range.last, 1233);
	cr_assert_eq(range.total, 1234);
	cr_assert_eq(http_range_parse(" Bytes  0-0/* ", &range), 0);
	cr_assert(range.is_satisfied && !range.has_total);
	cr_assert_eq(range.last, 0);
	cr_assert_eq(http_range_parse("bytes */1234", &range), 0);
	cr_assert(!range.is_satisfied && range.has_total);
	cr_assert_eq(range.total, 1234);
}

Test(http_range, refuses_everything_else)
{
	static const char *const values[] = {
		"",
		"bytes",
		"bytes ",
		"bytes 1",
		"bytes 1-",
		"bytes 1-2",
		"bytes 1-2/",
		"bytes -2/3",
		"bytes 2-1/3",
		"bytes 6--1/9",
		"bytes 0-9/9",
		"bytes 0-9/9x",
		"bytes 0-9/10, 11-12/13",
		"bytes */*",
		"bytes=0-9/10",
		"items 0-9/10",
		"bytes 0-99999999999999999999/*",
		"bytes 0-9/0x10",
		"bytes +0-9/10",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct http_range range;

		cr_expect_eq(http_range_parse(values[i], &range), -EPROTO,
			     "case: %s", values[i]);
	}
}

Test(http_range, checks_an_answer_against_the_question)
{
	static const struct {
		const char *value;
		uint64_t total;
		int result;
		const char *words;
	} cases[] = {
		{ "bytes 10-19/100", 100, 0, "" },
		{ "bytes 10-19/100", 0, 0, "" },
		{ "bytes 10-19/*", 100, 0, "" },
		{ "bytes 10-19/101", 100, -EPROTO, "101 bytes" },
		{ "bytes 11-20/100", 100, -EPROTO, "10-19, got 11-20" },
		{ "bytes 10-20/100", 100, -EPROTO, "got 10-20" },
		{ "bytes 10-18/100", 100, -EPROTO, "got 10-18" },
		{ "bytes */100", 100, -EPROTO, "malformed" },
		{ "nonsense", 100, -EPROTO, "malformed" },
		{ NULL, 100, -EPROTO, "no Content-Range" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = { 0 };

		cr_expect_eq(http_range_check(cases[i].value, 10, 10,
					      cases[i].total, &err),
			     cases[i].result, "case: %s", cases[i].value);
		cr_expect(strstr(err.text, cases[i].words), "case: %s: %s",
			  cases[i].value, err.text);
	}
}

Test(http_range, reads_a_length_of_digits_only)
{
	static const char *const bad[] = {
		"", " ", "-1", "1,1", "0x10", "1.0", "9999999999999999999999"
	};
	uint64_t size = 0;

	cr_assert_eq(http_range_parse_size(" 1234 ", &size), 0);
	cr_assert_eq(size, 1234);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(http_range_parse_size(bad[i], &size), -EPROTO,
			     "case: %s", bad[i]);
}
