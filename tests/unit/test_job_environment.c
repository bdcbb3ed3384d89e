/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_environment.h"

#include "common/error.h"
#include "tools/option.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const nothing[] = { NULL };
static const struct option_list none;

static struct job_environment_options plain(void)
{
	return (struct job_environment_options){
		.caller = nothing,
		.extra = &none,
		.home = "/home/me",
		.image_reference = "docker://x/y:1",
		.command = "exec",
	};
}

static struct job_environment fill(
	const struct job_environment_options *options)
{
	struct job_environment environment = { 0 };
	struct error err = { 0 };

	cr_assert_eq(job_environment_fill(options, &environment, &err), 0, "%s",
		     err.text);
	return environment;
}

static const char *find(const struct variable_list *list, const char *name)
{
	return variable_list_find(list, name, strlen(name));
}

Test(job_environment, says_what_runs)
{
	struct job_environment_options options = plain();
	const struct run_bind binds[] = {
		{ .source = "/a", .destination = "/b" },
		{ .source = "/c", .destination = "/d" },
	};
	struct job_environment environment;

	options.image_path = "/images/x.sif";
	options.binds = binds;
	options.bind_count = 2;
	environment = fill(&options);
	cr_expect_str_eq(find(&environment.fixed, "HOME"), "/home/me");
	cr_expect_str_eq(find(&environment.fixed, "LAZYRUN_IMAGE"),
			 "docker://x/y:1");
	cr_expect_str_eq(find(&environment.fixed, "APPTAINER_NAME"), "x.sif");
	cr_expect_str_eq(find(&environment.fixed, "SINGULARITY_CONTAINER"),
			 "/images/x.sif");
	cr_expect_str_eq(find(&environment.fixed, "SINGULARITY_BIND"), "/b,/d");
	cr_expect_str_eq(find(&environment.fixed, "APPTAINER_COMMAND"), "exec");
	cr_expect_null(environment.run.image);
	cr_expect_not(environment.run.evaluates_forced);
	job_environment_fini(&environment);
}

Test(job_environment, passes_what_does_not_describe_the_host)
{
	static const char *const caller[] = { "A=a $HOME `id` \"b\"\n=\xff",
					      "PATH=/host",
					      "LD_LIBRARY_PATH=/host",
					      "LD_PRELOAD=/x",
					      "HOME=/h",
					      "APPTAINER_BIND=/b",
					      "SINGULARITY_SHELL=/s",
					      "APPTAINERENV_B=1",
					      "BASH_FUNC_x%%=() { :; }",
					      "1X=2",
					      "EMPTY=",
					      NULL };
	struct job_environment_options options = plain();
	struct job_environment environment;

	options.caller = caller;
	environment = fill(&options);
	cr_expect_eq(environment.caller.count, 2);
	cr_expect_str_eq(find(&environment.caller, "A"), caller[0] + 2);
	cr_expect_str_eq(find(&environment.caller, "EMPTY"), "");
	job_environment_fini(&environment);
}

Test(job_environment, passes_only_the_terminal_and_proxies_when_clean)
{
	static const char *const caller[] = { "TERM=xterm", "SECRET=1",
					      "LANG=de", "https_proxy=p",
					      NULL };
	struct job_environment_options options = plain();
	struct job_environment environment;

	options.caller = caller;
	options.is_clean = true;
	environment = fill(&options);
	cr_expect_eq(environment.caller.count, 3);
	cr_expect_str_eq(find(&environment.caller, "TERM"), "xterm");
	cr_expect_str_eq(find(&environment.caller, "https_proxy"), "p");
	cr_expect_str_eq(find(&environment.caller, "LANG"), "C");
	job_environment_fini(&environment);
}

Test(job_environment, orders_what_the_user_sets)
{
	static const char *const caller[] = {
		"APPTAINERENV_A=apptainer", "SINGULARITYENV_A=singularity",
		"APPTAINERENV_B=apptainer", "SINGULARITYENV_C=singularity",
		"APPTAINERENV_=nameless",   "APPTAINERENV_D=d",
		"APPTAINERENV_E=e",	    NULL
	};
	const char *texts[] = { "D=1,E=2", "F=a,b", "G=a,b c,H=1" };
	const char *exacts[] = { "I=1,J=2" };
	const struct option_list extra = { .values = texts, .count = 3 };
	const struct option_list exact = { .values = exacts, .count = 1 };
	struct job_environment_options options = plain();
	struct job_environment environment;

	options.caller = caller;
	options.extra = &extra;
	options.exact = &exact;
	environment = fill(&options);
	cr_expect_str_eq(find(&environment.forced, "A"), "apptainer");
	cr_expect_str_eq(find(&environment.forced, "B"), "apptainer");
	cr_expect_str_eq(find(&environment.forced, "C"), "singularity");
	cr_expect_str_eq(find(&environment.forced, "D"), "1");
	cr_expect_str_eq(find(&environment.forced, "E"), "2");
	cr_expect_str_eq(find(&environment.forced, "F"), "a,b");
	cr_expect_str_eq(find(&environment.forced, "G"), "a,b c");
	cr_expect_str_eq(find(&environment.forced, "H"), "1");
	cr_expect_str_eq(find(&environment.forced, "I"), "1,J=2");
	cr_expect_eq(environment.forced.count, 9);
	job_environment_fini(&environment);
}

Test(job_environment, lets_nobody_set_apptainers_home)
{
	const char *texts[] = { "HOME=/x" };
	const struct option_list extra = { .values = texts, .count = 1 };
	struct job_environment_options options = plain();
	struct job_environment environment;

	options.extra = &extra;
	environment = fill(&options);
	cr_expect_str_eq(find(&environment.forced, "HOME"), "/x");
	job_environment_fini(&environment);
	options.is_apptainer = true;
	environment = fill(&options);
	cr_expect_null(find(&environment.forced, "HOME"));
	job_environment_fini(&environment);
}

Test(job_environment, passes_the_callers_value_of_a_bare_name)
{
	const char *texts[] = { "JOB_ENVIRONMENT_TEST", "NOT_SET_ANYWHERE" };
	const struct option_list extra = { .values = texts, .count = 2 };
	struct job_environment_options options = plain();
	struct job_environment environment;

	setenv("JOB_ENVIRONMENT_TEST", "there", 1);
	options.extra = &extra;
	environment = fill(&options);
	cr_expect_str_eq(find(&environment.forced, "JOB_ENVIRONMENT_TEST"),
			 "there");
	cr_expect_eq(environment.forced.count, 1);
	job_environment_fini(&environment);
}

static void write_file(char path[32], const char *text)
{
	FILE *file;

	snprintf(path, 32, "/tmp/env-file-XXXXXX");
	file = fdopen(mkstemp(path), "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

Test(job_environment, reads_files_as_a_shell_does)
{
	static const char *const caller[] = { "HOST=h", "SAME=same", NULL };
	char path[32];
	const char *paths[] = { path };
	const struct option_list files = { .values = paths, .count = 1 };
	struct job_environment_options options = plain();
	struct job_environment environment;

	write_file(path, "# comment\nA=\"q r\"\nexport B=$HOST-$A\n"
			 "C=`printf sub`\nSAME=same\nD='$A'\n");
	options.caller = caller;
	options.files = &files;
	environment = fill(&options);
	cr_expect_str_eq(find(&environment.forced, "A"), "q r");
	cr_expect_str_eq(find(&environment.forced, "B"), "h-q r");
	cr_expect_str_eq(find(&environment.forced, "C"), "sub");
	cr_expect_str_eq(find(&environment.forced, "D"), "$A");
	cr_expect_str_eq(find(&environment.forced, "SAME"), "same");
	cr_expect_null(find(&environment.forced, "HOST"));
	job_environment_fini(&environment);
	unlink(path);
}

Test(job_environment, refuses_what_it_cannot_mean)
{
	char path[32];
	const char *paths[] = { path };
	const char *texts[] = { "=value" };
	const struct option_list files = { .values = paths, .count = 1 };
	const struct option_list extra = { .values = texts, .count = 1 };
	struct job_environment_options options = plain();
	struct job_environment environment = { 0 };
	struct error err = { 0 };

	options.extra = &extra;
	cr_expect_eq(job_environment_fill(&options, &environment, &err),
		     -EINVAL);
	cr_expect_not_null(strstr(err.text, "=value"));
	job_environment_fini(&environment);
	environment = (struct job_environment){ 0 };
	options.extra = &none;
	options.files = &files;
	write_file(path, "A=1\nrm -rf x\n");
	cr_expect_eq(job_environment_fill(&options, &environment, &err),
		     -EINVAL);
	cr_expect_not_null(strstr(err.text, "line 2"), "%s", err.text);
	job_environment_fini(&environment);
	unlink(path);
	environment = (struct job_environment){ 0 };
	cr_expect_eq(job_environment_fill(&options, &environment, &err),
		     -ENOENT);
	job_environment_fini(&environment);
}
