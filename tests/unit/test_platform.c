/* SPDX-License-Identifier: Apache-2.0 */
#include "image/platform.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static void expect_variants(const char *text, unsigned cpu_level,
			    const char *expected)
{
	struct platform platform;
	char found[128] = "";
	const char *variant;

	cr_assert_eq(platform_parse(text, &platform, NULL), 0);
	platform.cpu_level = cpu_level;
	for (size_t i = 0; (variant = platform_variant(&platform, i)); i++) {
		cr_assert_lt(i, 10);
		if (i)
			strncat(found, " ", sizeof(found) - strlen(found) - 1);
		strncat(found, *variant ? variant : "-",
			sizeof(found) - strlen(found) - 1);
	}
	cr_expect_str_eq(found, expected, "case: %s %u", text, cpu_level);
}

Test(platform, walks_variants_from_best_to_least)
{
	expect_variants("linux/amd64", 0, "- v1");
	expect_variants("linux/amd64", 1, "- v1");
	expect_variants("linux/amd64", 3, "- v3 v2 v1");
	expect_variants("linux/amd64/v2", 0, "v2 v1 -");
	expect_variants("linux/arm/v7", 0, "v7 v6 v5 -");
	expect_variants("linux/arm", 0, "- v7 v6 v5");
	expect_variants("linux/arm64/v8", 0, "v8 -");
	expect_variants("linux/arm64", 0, "- v8");
	expect_variants("linux/arm64/v9", 0, "v9 v8 -");
	expect_variants("linux/riscv64", 0, "-");
	expect_variants("linux/riscv64/rva23", 0, "rva23 -");
	expect_variants("linux/arm64/v42", 0, "v42 -");
}

Test(platform, parses_and_formats)
{
	static const char *const good[] = { "linux/amd64", "linux/arm/v7",
					    "windows/amd64",
					    "linux/riscv64/rva23" };
	char text[PLATFORM_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct platform platform;

		cr_assert_eq(platform_parse(good[i], &platform, NULL), 0);
		platform_format(&platform, text);
		cr_expect_str_eq(text, good[i]);
		cr_expect_eq(platform.cpu_level, 0);
	}
}

Test(platform, refuses_what_is_not_a_platform)
{
	static const char *const bad[] = {
		"",
		"linux",
		"linux/",
		"/amd64",
		"linux/amd64/",
		"linux/amd64/v1/x",
		"linux/AMD64",
		"linux//v7",
		"linux/abcdefghijklmnop",
		"linux/arm/v7 ",
		"linux/arm/v2345678",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct platform platform = { .os = "untouched" };
		struct error err = { 0 };

		cr_expect_eq(platform_parse(bad[i], &platform, &err), -EINVAL,
			     "case: %s", bad[i]);
		cr_expect(strstr(err.text, "linux/amd64"));
		cr_expect_str_eq(platform.os, "untouched");
	}
}

Test(platform, knows_the_host)
{
	struct platform platform;

	platform_get_host(&platform);
	cr_expect_str_eq(platform.os, "linux");
	cr_expect_neq(platform.architecture[0], '\0');
#if defined(__x86_64__)
	cr_expect_str_eq(platform.architecture, "amd64");
	cr_expect(platform.cpu_level >= 1 && platform.cpu_level <= 4);
#endif
}
