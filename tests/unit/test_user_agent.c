/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/user_agent.h"

#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[TEMP_DIR_SIZE];

static void set_up(void)
{
	temp_dir_create(folder);
	cr_assert_eq(chdir(folder), 0);
	unsetenv("_CONDOR_JOB_AD");
}

static void tear_down(void)
{
	cr_assert_eq(chdir("/"), 0);
	temp_dir_remove(folder);
}

TestSuite(user_agent, .init = set_up, .fini = tear_down);

static void write_ad(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

static void expect_end(const char *end)
{
	char text[USER_AGENT_SIZE];
	size_t len;

	user_agent_format(text);
	len = strlen(text);
	cr_expect_eq(strncmp(text, "lazyrun/", 8), 0, "%s", text);
	if (!*end)
		cr_expect_null(strchr(text, ' '), "%s", text);
	else
		cr_expect(len > strlen(end) &&
				  strcmp(text + len - strlen(end), end) == 0,
			  "%s", text);
}

Test(user_agent, names_the_project_of_a_job)
{
	expect_end("");
	write_ad(".job.ad", "Owner = \"a\"\nProjectName = \"Chem_1\"\n");
	expect_end(" project/Chem_1");
	write_ad("other.ad", "ProjectName = \"B\"\n");
	setenv("_CONDOR_JOB_AD", "other.ad", 1);
	expect_end(" project/B");
	setenv("_CONDOR_JOB_AD", "none.ad", 1);
	expect_end("");
}

Test(user_agent, lets_no_project_write_headers)
{
	write_ad(".job.ad", "ProjectName = \"a b/c: d\"\n");
	expect_end(" project/a_b_c__d");
	write_ad(".job.ad", "ProjectName = 5\n");
	expect_end("");
}
