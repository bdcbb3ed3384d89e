/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_idmap.h"

#include <criterion/criterion.h>

static const struct run_user user = { .uid = 1001, .name = "u1" };

Test(run_idmap, finds_a_user_by_name_or_number)
{
	static const struct {
		const char *text;
		unsigned start; /* 0: none */
		unsigned count;
	} cases[] = {
		{ "u1:100000:65536\n", 100000, 65536 },
		{ "other:1:2\n1001:7:8", 7, 8 },
		{ "# u1\n\nu1:100000:65536", 100000, 65536 },
		{ "u1:5:6\nu1:100000:65536\n", 5, 6 },
		{ "", 0, 0 },
		{ "u11:100000:65536\n", 0, 0 },
		{ "u:100000:65536\n", 0, 0 },
		{ "10010:100000:65536\n", 0, 0 },
		{ "u1", 0, 0 },
		{ "u1:", 0, 0 },
		{ "u1::65536\n", 0, 0 },
		{ "u1:100000:\n", 0, 0 },
		{ "u1:100000\n", 0, 0 },
		{ "u1:0:65536\n", 0, 0 }, /* root's own */
		{ "u1:100000:0\n", 0, 0 },
		{ "u1:-5:6\n", 0, 0 },
		{ "u1:99999999999:6\n", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned start = 0;
		unsigned count = 0;

		cr_expect_eq(
			run_idmap_parse(cases[i].text, &user, &start, &count),
			cases[i].start != 0, "case: %s", cases[i].text);
		cr_expect_eq(start, cases[i].start, "case: %s", cases[i].text);
		cr_expect_eq(count, cases[i].count, "case: %s", cases[i].text);
	}
}
