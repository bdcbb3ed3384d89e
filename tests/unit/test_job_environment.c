/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_environment.h"

#include "common/error.h"
#include "tools/option.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

static const char *const nothing[] = { NULL };

static char **create(const char *const *caller, const char *const *image,
		     const struct option_list *extra, bool is_clean)
{
	static const struct option_list none;
	const struct job_environment_options options = {
		.caller = caller,
		.image = image,
		.extra = extra ? extra : &none,
		.home = "/home/me",
		.image_reference = "docker://x/y:1",
		.is_clean = is_clean,
	};
	char **environment = NULL;

	cr_assert_eq(job_environment_create(&options, &environment, NULL), 0);
	return environment;
}

static const char *find(char **environment, const char *name)
{
	size_t len = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, len) == 0 &&
		    (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

Test(job_environment, gives_a_path_and_a_home_to_an_empty_one)
{
	char **environment = create(nothing, nothing, NULL, false);

	cr_expect_not_null(strstr(find(environment, "PATH"), "/usr/bin"));
	cr_expect_str_eq(find(environment, "HOME"), "/home/me");
	cr_expect_str_eq(find(environment, "LAZYRUN_IMAGE"), "docker://x/y:1");
	job_environment_destroy(environment);
}

Test(job_environment, lets_the_image_overrule_the_caller)
{
	static const char *const caller[] = { "A=caller", "B=caller",
					      "PATH=/host",
					      "LD_LIBRARY_PATH=/host", NULL };
	static const char *const image[] = { "A=image", "PATH=/image",
					     "no-equals-sign", "=nameless",
					     NULL };
	char **environment = create(caller, image, NULL, false);

	cr_expect_str_eq(find(environment, "A"), "image");
	cr_expect_str_eq(find(environment, "B"), "caller");
	cr_expect_str_eq(find(environment, "PATH"), "/image");
	cr_expect_null(find(environment, "LD_LIBRARY_PATH"));
	cr_expect_null(find(environment, "no-equals-sign"));
	job_environment_destroy(environment);
}

Test(job_environment, passes_only_harmless_variables_when_clean)
{
	static const char *const caller[] = { "TERM=xterm", "SECRET=1",
					      "https_proxy=http://p:1", NULL };
	char **environment = create(caller, nothing, NULL, true);

	cr_expect_str_eq(find(environment, "TERM"), "xterm");
	cr_expect_str_eq(find(environment, "https_proxy"), "http://p:1");
	cr_expect_null(find(environment, "SECRET"));
	job_environment_destroy(environment);
}

Test(job_environment, keeps_values_byte_for_byte)
{
	const char *values[] = { "ODD=a $HOME `id` \"b\"\n=\xff", "HOME=/x" };
	const struct option_list extra = { .values = values, .count = 2 };
	char **environment = create(nothing, nothing, &extra, false);

	cr_expect_str_eq(find(environment, "ODD"), values[0] + 4);
	cr_expect_str_eq(find(environment, "HOME"), "/x");
	job_environment_destroy(environment);
}

Test(job_environment, passes_the_callers_value_of_a_bare_name)
{
	const char *values[] = { "JOB_ENVIRONMENT_TEST", "NOT_SET_ANYWHERE" };
	const struct option_list extra = { .values = values, .count = 2 };
	char **environment;

	setenv("JOB_ENVIRONMENT_TEST", "there", 1);
	environment = create(nothing, nothing, &extra, true);
	cr_expect_str_eq(find(environment, "JOB_ENVIRONMENT_TEST"), "there");
	cr_expect_null(find(environment, "NOT_SET_ANYWHERE"));
	job_environment_destroy(environment);
}

Test(job_environment, refuses_a_variable_without_a_name)
{
	const char *values[] = { "=value" };
	const struct option_list extra = { .values = values, .count = 1 };
	const struct job_environment_options options = {
		.caller = nothing,
		.image = nothing,
		.extra = &extra,
		.image_reference = "x",
	};
	struct error err = { 0 };
	char **environment = NULL;

	cr_expect_eq(job_environment_create(&options, &environment, &err),
		     -EINVAL);
	cr_expect_not_null(strstr(err.text, "=value"));
}
