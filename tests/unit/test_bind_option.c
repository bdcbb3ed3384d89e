/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bind_option.h"

#include "common/error.h"
#include "run/run.h"
#include "tools/option.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int parse(const char *text, struct run_bind **ret, size_t *ret_count,
		 struct error *err)
{
	const struct option_list list = { .values = &text, .count = 1 };

	return bind_option_parse(&list, ret, ret_count, err);
}

Test(bind_option, understands_every_form)
{
	static const struct {
		const char *text;
		size_t count;
		const char *source;
		const char *destination;
		bool is_read_only;
	} cases[] = {
		{ "/a", 1, "/a", "/a", false },
		{ "/a:/b", 1, "/a", "/b", false },
		{ "/a:/b:ro", 1, "/a", "/b", true },
		{ "/a:/b:rw", 1, "/a", "/b", false },
		{ "/a:/b:ro,/c:/d", 2, "/a", "/b", true },
		{ "/a,/b,/c:/d:ro", 3, "/a", "/a", false },
		{ "/a\\:1:/b\\,2", 1, "/a:1", "/b,2", false },
		{ "/back\\slash:/b", 1, "/back\\slash", "/b", false },
		{ "/a:/b:ro,rw", 1, "/a", "/b", false },
		{ "/a:/b:rw,ro,/c", 2, "/a", "/b", true },
		{ "/a:/b:ro,ro:/c", 2, "/a", "/b", true },
		{ "/a,ro", 2, "/a", "/a", false },
		{ "/a:/b:", 1, "/a", "/b", false },
		{ "/a,", 1, "/a", "/a", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run_bind *binds = NULL;
		size_t count = 0;

		cr_assert_eq(parse(cases[i].text, &binds, &count, NULL), 0,
			     "case: %s", cases[i].text);
		cr_expect_eq(count, cases[i].count, "case: %s", cases[i].text);
		cr_expect_str_eq(binds[0].source, cases[i].source);
		cr_expect_str_eq(binds[0].destination, cases[i].destination);
		cr_expect_eq(binds[0].is_read_only, cases[i].is_read_only,
			     "case: %s", cases[i].text);
		bind_option_free(binds, count);
	}
}

Test(bind_option, takes_a_relative_source_from_the_working_directory)
{
	struct run_bind *binds = NULL;
	size_t count = 0;

	cr_assert_eq(chdir("/usr"), 0);
	cr_assert_eq(parse("lib:/b", &binds, &count, NULL), 0);
	cr_expect_str_eq(binds[0].source, "/usr/lib");
	bind_option_free(binds, count);
}

Test(bind_option, refuses_what_it_cannot_mean)
{
	static const char *const cases[] = {
		":/b",		"/a:",	      "/a:/b:wx",
		"/a:relative",	"/a:/b:ro:x", "/a:/b:image-src=/x",
		"/a:/b:ro,/c:d"
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run_bind *binds = NULL;
		struct error err = { 0 };
		size_t count = 0;

		cr_expect_eq(parse(cases[i], &binds, &count, &err), -EINVAL,
			     "case: %s", cases[i]);
		cr_expect_not_null(strstr(err.text, "--bind"), "case: %s",
				   cases[i]);
		bind_option_free(binds, count);
	}
}

static int parse_mount(const char *text, struct run_bind **ret,
		       size_t *ret_count, struct error *err)
{
	const struct option_list list = { .values = &text, .count = 1 };

	return bind_option_parse_mounts(&list, ret, ret_count, err);
}

Test(bind_option, understands_mounts)
{
	static const struct {
		const char *text;
		const char *source;
		const char *destination;
		bool is_read_only;
	} cases[] = {
		{ "type=bind,src=/a,dst=/b", "/a", "/b", false },
		{ "dst=/b,type=bind,source=/a,ro", "/a", "/b", true },
		{ "src=/a,dst=/b", "/a", "/b", false },
		{ "type=bind,src=/a,target=/b,readonly", "/a", "/b", true },
		{ "type=bind,src=/a,dst=/b,ro=false", "/a", "/b", false },
		{ "type=bind,\"src=/a,1\",dst=/b", "/a,1", "/b", false },
		{ "type=bind,\"src=/a\"\"1\",dst=/b", "/a\"1", "/b", false },
		{ "type=bind,src=/a:1,dst=/b", "/a:1", "/b", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run_bind *binds = NULL;
		size_t count = 0;

		cr_assert_eq(parse_mount(cases[i].text, &binds, &count, NULL),
			     0, "case: %s", cases[i].text);
		cr_assert_eq(count, 1, "case: %s", cases[i].text);
		cr_expect_str_eq(binds[0].source, cases[i].source);
		cr_expect_str_eq(binds[0].destination, cases[i].destination);
		cr_expect_eq(binds[0].is_read_only, cases[i].is_read_only,
			     "case: %s", cases[i].text);
		bind_option_free(binds, count);
	}
}

Test(bind_option, refuses_mounts_that_are_no_binds)
{
	static const char *const cases[] = {
		"type=volume,src=a,dst=/b",
		"type=bind,src=/a",
		"type=bind,dst=/b",
		"type=bind,src=/a,dst=b",
		"type=bind,src=/a,dst=/b,x",
		"type=bind,src=/a,dst=/b,x=y",
		"",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run_bind *binds = NULL;
		struct error err = { 0 };
		size_t count = 0;

		cr_expect_eq(parse_mount(cases[i], &binds, &count, &err),
			     -EINVAL, "case: %s", cases[i]);
		cr_expect_not_null(strstr(err.text, "--mount"), "case: %s",
				   cases[i]);
		bind_option_free(binds, count);
	}
}
