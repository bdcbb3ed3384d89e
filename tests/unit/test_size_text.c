/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/size_text.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(size_text, parses_units_as_powers_of_1024)
{
	static const struct {
		const char *text;
		uint64_t size;
	} cases[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "1k", 1024 },
		{ "1.5M", 1572864 },
		{ "2GiB", 2147483648 },
		{ "1 TB", 1099511627776 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t size = 1;

		cr_expect_eq(size_text_parse(cases[i].text, "x", &size, NULL),
			     0, "case: %s", cases[i].text);
		cr_expect_eq(size, cases[i].size, "case: %s", cases[i].text);
	}
}

Test(size_text, refuses_what_is_no_size)
{
	static const char *const cases[] = { "",      "k",   "-1",
					     "0x10",  "inf", "nan",
					     "1e30T", "1 2", "99999999999T" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t size = 1;

		cr_expect_eq(size_text_parse(cases[i], "x", &size, NULL),
			     -EINVAL, "case: %s", cases[i]);
		cr_expect_eq(size, 1, "case: %s", cases[i]);
	}
}

Test(size_text, parses_durations_to_milliseconds)
{
	uint64_t ms = 0;

	cr_expect_eq(size_text_parse_duration("250ms", "x", &ms, NULL), 0);
	cr_expect_eq(ms, 250);
	cr_expect_eq(size_text_parse_duration("5m", "x", &ms, NULL), 0);
	cr_expect_eq(ms, 300000);
	cr_expect_eq(size_text_parse_duration("30", "x", &ms, NULL), 0);
	cr_expect_eq(ms, 30000);
	cr_expect_eq(size_text_parse_duration("1w", "x", &ms, NULL), -EINVAL);
}

Test(size_text, formats_with_three_digits_or_so)
{
	static const struct {
		uint64_t size;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 99900, "99.9 kB" },
		{ 123456, "123 kB" },
		{ 999600, "1.0 MB" },
		{ 2620000000, "2.6 GB" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[SIZE_TEXT_MAX];

		cr_expect_str_eq(size_text_format(cases[i].size, text),
				 cases[i].text);
	}
}
