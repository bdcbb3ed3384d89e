/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct run_test_root root;
static struct run_test_result result;

static void setup(void)
{
	cr_assert(run_test_root_create(&root), "no static busybox is here");
	run_test_root_mkdir(&root, ".singularity.d");
	run_test_root_mkdir(&root, ".singularity.d/env");
}

static void teardown(void)
{
	run_test_root_destroy(&root);
}

TestSuite(run_environment, .init = setup, .fini = teardown, .timeout = 30);

static void write_script(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), ".singularity.d/env/%s", name);
	run_test_root_write(&root, path, text);
}

/* Those variables that a test cares for, sorted. */
static void run_env(const struct run_environment *environment)
{
	const char *const argv[] = { "/bin/busybox", "sh", "-c",
				     "env | sort | grep -vE "
				     "'^(SHLVL|_|PWD|OLDPWD)='",
				     NULL };
	const char *const nothing[] = { NULL };
	const struct run_job job = {
		.argv = argv,
		.envp = nothing,
		.environment = environment,
		.cwd = "/",
		.omitted =
			RUN_STANDARD_TMP | RUN_STANDARD_HOME | RUN_STANDARD_CWD,
	};

	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, 0, "%s", result.text);
}

#define DEFAULT_PATH                                                           \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"

Test(run_environment, puts_image_user_and_caller_in_order)
{
	static const char *const fixed[] = { "HOME=/h", NULL };
	static const char *const image[] = { "HOME=/image", "A=image",
					     "B=image", "EMPTY=", NULL };
	static const char *const forced[] = { "B=forced", "D=$A", NULL };
	static const char *const caller[] = { "A=caller", "C=caller",
					      "EMPTY=caller", NULL };
	const struct run_environment environment = {
		.fixed = fixed,
		.image = image,
		.forced = forced,
		.caller = caller,
	};

	run_env(&environment);
	cr_expect_str_eq(result.output, "A=image\nB=forced\nC=caller\nD=$A\n"
					"HOME=/h\n" DEFAULT_PATH);
}

Test(run_environment, runs_scripts_by_name_and_the_users_own_behind_the_base)
{
	static const char *const forced[] = { "A=$A-forced", "Z=forced", NULL };
	const struct run_environment environment = {
		.forced = forced,
		.evaluates_forced = true,
	};

	write_script("10-first.sh", "export A=first B=\"$A!\"\n");
	write_script("90-second.sh", "A=second\nexport PATH=/img:$PATH\n");
	write_script("99-base.sh",
		     "if [ -z \"${LD_LIBRARY_PATH:-}\" ]; then\n"
		     "    LD_LIBRARY_PATH=\"/.singularity.d/libs\"\nelse\n"
		     "    LD_LIBRARY_PATH=\"$LD_LIBRARY_PATH:/x\"\nfi\n"
		     "export LD_LIBRARY_PATH\n");
	write_script("99-runtime.sh", "export C=\"$Z\"\n");
	write_script("ignored.txt", "export NO=1\n");
	run_env(&environment);
	cr_expect_str_eq(
		result.output,
		"A=second-forced\nB=first!\nC=forced\n"
		"LD_LIBRARY_PATH=/.singularity.d/libs\n"
		"PATH=/img:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin\nZ=forced\n");
}

Test(run_environment, changes_paths_as_asked)
{
	static const char *const forced[] = { "PREPEND_PATH=/pre",
					      "APPEND_PATH=/app",
					      "LD_LIBRARY_PATH=/own", NULL };
	static const char *const late[] = { "GPU=1", NULL };
	const struct run_environment environment = {
		.forced = forced,
		.late = late,
		.library_first = "/compat",
		.library_last = "/gpu:/.singularity.d/libs",
	};

	run_env(&environment);
	cr_expect_str_eq(
		result.output,
		"GPU=1\nLD_LIBRARY_PATH=/compat:/own:/.singularity.d/libs:"
		"/gpu\nPATH=/pre:/usr/local/sbin:/usr/local/bin:/usr/sbin:"
		"/usr/bin:/sbin:/bin:/app\n");
}

Test(run_environment, names_the_base_library_once)
{
	const struct run_environment environment = { .has_base_library = true };

	run_env(&environment);
	cr_expect_str_eq(result.output,
			 "LD_LIBRARY_PATH=/.singularity.d/libs\n" DEFAULT_PATH);
	write_script("99-base.sh",
		     "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}"
		     "/.singularity.d/libs\nexport LD_LIBRARY_PATH\n");
	run_env(&environment);
	cr_expect_str_eq(result.output,
			 "LD_LIBRARY_PATH=/.singularity.d/libs\n" DEFAULT_PATH);
	write_script("90-environment.sh", "export LD_LIBRARY_PATH=/image\n");
	run_env(&environment);
	cr_expect_str_eq(
		result.output,
		"LD_LIBRARY_PATH=/image:/.singularity.d/libs\n" DEFAULT_PATH);
}

Test(run_environment, asks_the_images_shell_where_it_has_to)
{
	static const char *const forced[] = { "F=`echo $A`", NULL };
	const struct run_environment environment = {
		.forced = forced,
		.evaluates_forced = true,
	};

	write_script("90-environment.sh",
		     "echo noise\nfor i in 1 2; do export L$i=\"$i 'q' $\"; "
		     "done\nexport A=$(echo 'two  words\n\n')\nunset UNSET\n");
	write_script("91-more.sh", "export B=\"$A\" C=`echo c`\n");
	run_env(&environment);
	cr_expect_str_eq(result.output,
			 "noise\nA=two  words\nB=two  words\nC=c\n"
			 "F=two words\nL1=1 'q' $\nL2=2 'q' $\n" DEFAULT_PATH);
}

Test(run_environment, has_a_prompt_when_asked_to)
{
	static const char *const forced[] = { "PS1=slot$ ", NULL };
	struct run_environment environment = { .has_prompt = true };

	run_env(&environment);
	cr_expect_str_eq(result.output, DEFAULT_PATH
			 "PROMPT_COMMAND=PS1=\"Apptainer> \"; unset "
			 "PROMPT_COMMAND\nPS1=Apptainer> \n");
	environment.forced = forced;
	run_env(&environment);
	cr_expect(strstr(result.output, "PS1=\"slot$ \"; unset"), "%s",
		  result.output);
}

Test(run_environment, fails_when_a_script_ends_its_shell)
{
	const struct run_environment environment = { 0 };
	const char *const argv[] = { "true", NULL };
	const struct run_job job = { .argv = argv,
				     .envp = argv + 1,
				     .environment = &environment };

	write_script("90-environment.sh", "echo no; exit 3\n");
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_lt(result.code, 0);
	cr_expect(strstr(result.text, "90-environment.sh ended its shell"),
		  "%s", result.text);
}

Test(run_environment, is_not_kept_waiting_by_files_that_are_no_scripts)
{
	const struct run_environment environment = { 0 };

	run_test_root_mkdir(&root, ".singularity.d/env/10-folder.sh");
	run_test_root_run(&root, RUN_TEST_USER, NULL,
			  &(const struct run_job){
				  .argv = (const char *const[]){ "true", NULL },
				  .envp = (const char *const[]){ NULL },
				  .environment = &environment,
			  },
			  &result);
	cr_expect_lt(result.code, 0);
	cr_expect(strstr(result.text, "cannot be read"), "%s", result.text);
}
