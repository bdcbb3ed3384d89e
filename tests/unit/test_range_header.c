/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/range_header.h"

#include <criterion/criterion.h>
#include <stddef.h>

static const struct {
	const char *text;
	uint64_t size;
	enum range_header_kind kind;
	uint64_t off;
	uint64_t part_size;
} cases[] = {
	{ NULL, 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "bytes=0-0", 10, RANGE_HEADER_PART, 0, 1 },
	{ "bytes=2-4", 10, RANGE_HEADER_PART, 2, 3 },
	{ "Bytes=2-4", 10, RANGE_HEADER_PART, 2, 3 },
	{ "bytes=0-9", 10, RANGE_HEADER_PART, 0, 10 },
	{ "bytes=9-10", 10, RANGE_HEADER_PART, 9, 1 },
	{ "bytes=3-99999999999999999999999", 10, RANGE_HEADER_PART, 3, 7 },
	{ "bytes=4-", 10, RANGE_HEADER_PART, 4, 6 },
	{ "bytes=-3", 10, RANGE_HEADER_PART, 7, 3 },
	{ "bytes=-11", 10, RANGE_HEADER_PART, 0, 10 },
	{ "bytes=10-", 10, RANGE_HEADER_UNSATISFIABLE, 0, 0 },
	{ "bytes=10-20", 10, RANGE_HEADER_UNSATISFIABLE, 0, 0 },
	{ "bytes=99999999999999999999-", 10, RANGE_HEADER_UNSATISFIABLE, 0, 0 },
	{ "bytes=-0", 10, RANGE_HEADER_UNSATISFIABLE, 0, 0 },
	{ "bytes=0-", 0, RANGE_HEADER_UNSATISFIABLE, 0, 0 },
	{ "bytes=-1", 0, RANGE_HEADER_UNSATISFIABLE, 0, 0 },
	{ "bytes=4-2", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "bytes=0-1,3-4", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "bytes=", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "bytes=-", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "bytes=a-b", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "bytes=+1-2", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "bytes= 1-2", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "items=0-1", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "0-1", 10, RANGE_HEADER_WHOLE, 0, 0 },
	{ "", 10, RANGE_HEADER_WHOLE, 0, 0 },
};

Test(range_header, takes_single_ranges_and_ignores_the_rest)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t off = 0;
		uint64_t size = 0;

		cr_expect_eq(range_header_parse(cases[i].text, cases[i].size,
						&off, &size),
			     cases[i].kind, "case: %s", cases[i].text);
		cr_expect_eq(off, cases[i].off, "case: %s", cases[i].text);
		cr_expect_eq(size, cases[i].part_size, "case: %s",
			     cases[i].text);
	}
}
