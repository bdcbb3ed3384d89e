/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_etc.h"

#include "common/buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static const char line[] = "ann:x:1001:1001::/home/ann:/bin/sh";

static const struct {
	const char *label;
	const char *old;
	const char *merged;
} cases[] = {
	{ "empty file", "", "ann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "at the end", "root:x:0:0::/:/bin/sh\n",
	  "root:x:0:0::/:/bin/sh\nann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "last line without newline", "root:x:0:0::/:/bin/sh",
	  "root:x:0:0::/:/bin/sh\nann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "in front of the same id", "root:x:0:0::/:\nbob:x:1001:9::/:\nz:x:3:",
	  "root:x:0:0::/:\nann:x:1001:1001::/home/ann:/bin/sh\n"
	  "bob:x:1001:9::/:\nz:x:3:" },
	{ "in front of the same name", "ann:x:5:5::/:\n",
	  "ann:x:1001:1001::/home/ann:/bin/sh\nann:x:5:5::/:\n" },
	{ "ids by whole fields", "bob:x:11001:1001::/:\nb:x:100:1::/:\n",
	  "bob:x:11001:1001::/:\nb:x:100:1::/:\n"
	  "ann:x:1001:1001::/home/ann:/bin/sh\n" },
	{ "lines that are none", "\n::::\nann\n",
	  "\n::::\nann:x:1001:1001::/home/ann:/bin/sh\nann\n" },
};

Test(run_etc, puts_the_line_where_it_is_found_first)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer buffer = BUFFER_INIT(1 << 16);

		cr_assert_eq(run_etc_merge(cases[i].old, line, &buffer), 0);
		cr_assert_eq(buffer_terminate(&buffer), 0);
		cr_expect_str_eq((const char *)buffer.data, cases[i].merged,
				 "case: %s", cases[i].label);
		buffer_fini(&buffer);
	}
}

Test(run_etc, keeps_to_the_limit)
{
	struct buffer buffer = BUFFER_INIT(sizeof(line));

	cr_expect_eq(run_etc_merge("root:x:0:0::/:\n", line, &buffer), -EFBIG);
	buffer_fini(&buffer);
}
