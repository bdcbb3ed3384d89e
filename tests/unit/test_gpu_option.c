/* SPDX-License-Identifier: Apache-2.0 */
/* --nv and its like, from options to what a job is started with. */
#include "tools/gpu_option.h"

#include "common/error.h"
#include "gpu/gpu_plan.h"
#include "run/run.h"
#include "tests/support/fake_driver.h"
#include "tools/gpu_setup.h"
#include "tools/job_environment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(gpu_option, reads_gpus_as_docker_does)
{
	static const struct {
		const char *text;
		const char *names; /* NULL: refused */
	} cases[] = {
		{ "all", "all" },
		{ "none", "none" },
		{ "0", "none" },
		{ "3", "0,1,2" },
		{ "count=2", "0,1" },
		{ "-1", "all" },
		{ "device=1", "1" },
		{ "\"device=0,GPU-5a3f\"", "0,GPU-5a3f" },
		{ "device=0,2,capabilities=utility", "0,2" },
		{ "driver=nvidia,count=1", "0" },
		{ "all,capabilities=compute", "all" },
		{ "capabilities=compute", "all" },
		{ "", NULL },
		{ "some", NULL },
		{ "2,3", NULL },
		{ "device=", NULL },
		{ "999999999999", NULL },
		{ "driver=other", NULL },
	};
	char names[GPU_OPTION_NAMES_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };
		int r = gpu_option_parse_gpus(cases[i].text, names, &err);

		cr_expect_eq(r, cases[i].names ? 0 : -EINVAL, "%s",
			     cases[i].text);
		if (cases[i].names)
			cr_expect_str_eq(names, cases[i].names, "%s: %s",
					 cases[i].text, names);
		else
			cr_expect(strstr(err.text, "--gpus"));
	}
}

static struct fake_driver driver;
static struct gpu_setup setup;
static struct run_environment environment;

static void set_up(void)
{
	fake_driver_create(&driver);
	fake_driver_populate(&driver);
	unsetenv("NVIDIA_VISIBLE_DEVICES");
	unsetenv("CUDA_VISIBLE_DEVICES");
	unsetenv("APPTAINERENV_NVIDIA_VISIBLE_DEVICES");
}

static void tear_down(void)
{
	gpu_setup_fini(&setup);
	fake_driver_destroy(&driver);
}

TestSuite(gpu_setup, .init = set_up, .fini = tear_down);

static void apply(struct gpu_option option, struct run_job *job)
{
	const struct gpu_option_image image = { .index = NULL };
	struct gpu_plan *plan = NULL;
	struct error err = { 0 };

	option.driver_root = driver.root;
	gpu_setup_fini(&setup);
	cr_assert_eq(gpu_option_plan(&option, &image, job->has_minimal_dev,
				     &plan, &err),
		     0, "%s", err.text);
	cr_assert_eq(gpu_setup_add(plan, job, &setup, &err), 0);
}

static bool has_bind(const struct run_job *job, const char *destination)
{
	for (size_t i = 0; i < job->bind_count; i++)
		if (strcmp(job->binds[i].destination, destination) == 0)
			return true;
	return false;
}

Test(gpu_setup, does_nothing_unasked)
{
	struct run_bind bind = { .source = "/a", .destination = "/b" };
	struct run_job job = { .binds = &bind, .bind_count = 1 };

	apply((struct gpu_option){ .gpus = NULL }, &job);
	cr_expect_eq(job.binds, &bind);
	cr_expect_eq(job.bind_count, 1);
	cr_expect_eq(gpu_setup_set_environment(&setup, &environment, NULL), 0);
}

Test(gpu_setup, keeps_the_jobs_own_and_puts_its_binds_last)
{
	struct run_bind bind = { .source = "/a", .destination = "/b" };
	struct run_link link = { .path = "/l", .target = "t" };
	struct run_job job = { .binds = &bind,
			       .bind_count = 1,
			       .links = &link,
			       .link_count = 1,
			       .has_minimal_dev = true };

	setenv("NVIDIA_VISIBLE_DEVICES", FAKE_DRIVER_UUID_0, 1);
	apply((struct gpu_option){ .use_nvidia = true }, &job);
	cr_expect_gt(job.bind_count, 5);
	cr_expect_str_eq(job.binds[job.bind_count - 1].destination, "/b");
	cr_expect_str_eq(job.links[0].path, "/l");
	cr_expect_gt(job.link_count, 8);
	cr_expect(has_bind(&job, "/dev/nvidia0"));
	cr_expect_not(has_bind(&job, "/dev/nvidia1"));
}

Test(gpu_setup, prefers_gpus_to_the_environment)
{
	struct run_job job = { .has_minimal_dev = true };

	setenv("NVIDIA_VISIBLE_DEVICES", "void", 1);
	apply((struct gpu_option){ .gpus = "device=1" }, &job);
	cr_expect_not(has_bind(&job, "/dev/nvidia0"));
	cr_expect(has_bind(&job, "/dev/nvidia1"));
	unsetenv("NVIDIA_VISIBLE_DEVICES");
	setenv("APPTAINERENV_NVIDIA_VISIBLE_DEVICES", "0", 1);
	job = (struct run_job){ .has_minimal_dev = true };
	apply((struct gpu_option){ .use_nvidia = true }, &job);
	cr_expect(has_bind(&job, "/dev/nvidia0"));
	cr_expect_not(has_bind(&job, "/dev/nvidia1"));
}

static void set_environment(void)
{
	free(setup.variables);
	free(setup.library_first);
	free(setup.library_last);
	environment = (struct run_environment){ .fixed = NULL };
	cr_assert_eq(gpu_setup_set_environment(&setup, &environment, NULL), 0);
}

Test(gpu_setup, adds_to_the_environment)
{
	struct run_job job = { .argv = NULL };

	apply((struct gpu_option){ .use_nvidia = true }, &job);
	set_environment();
	cr_expect_null(environment.library_first);
	cr_expect_str_eq(environment.library_last, GPU_PLAN_LIBS);
	cr_assert_eq(gpu_plan_add_text(&setup.plan->library_first, "/compat"),
		     0);
	cr_assert_eq(gpu_plan_add_text(&setup.plan->library_first, "/more"), 0);
	cr_assert_eq(gpu_plan_add_text(&setup.plan->environment, "NEW=x"), 0);
	set_environment();
	cr_expect_str_eq(environment.library_first, "/compat:/more");
	cr_expect_str_eq(environment.late[0], "NEW=x");
	cr_expect_null(environment.late[1]);
}
