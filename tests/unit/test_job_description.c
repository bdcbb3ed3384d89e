/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_description.h"

#include "common/error.h"
#include "image/image_config.h"
#include "image/image_ref.h"
#include "tools/job.h"
#include "tools/job_hot.h"
#include "tools/job_image.h"
#include "tools/job_layers.h"
#include "tools/job_mounts.h"
#include "tools/job_options.h"

#include <criterion/criterion.h>
#include <string.h>

static char words[][16] = { "/srv", "/home/u", "node", "/work" };
static const char *const argv[] = { "true", NULL };

struct fixture {
	struct job_options options;
	struct job job;
	struct image_ref ref;
	struct image_config config;
	struct job_image image;
	struct job_mounts mounts;
	struct job_layers layers;
	struct job_hot hot;
	struct job_description description;
	struct run_job run_job;
};

static void fill(struct fixture *f)
{
	static char *no_arguments[] = { NULL };
	const struct job_description_parts parts = {
		.job = &f->job,
		.ref = &f->ref,
		.image = &f->image,
		.mounts = &f->mounts,
		.layers = &f->layers,
		.hot = &f->hot,
		.argv = argv,
	};
	struct error err = { 0 };

	f->job.options = &f->options;
	f->job.command = "exec";
	f->job.arguments = no_arguments;
	f->image.config = &f->config;
	f->image.dir_fd = -1;
	f->ref.kind = IMAGE_REF_DOCKER;
	f->ref.text = words[2];
	cr_assert_eq(job_description_fill(&parts, &f->description, &f->run_job,
					  &err),
		     0, "%s", err.text);
}

Test(job_description, of_a_job_that_asks_for_nothing)
{
	struct fixture f = { 0 };

	fill(&f);
	cr_expect_eq(f.run_job.argv, argv);
	cr_expect_null(f.run_job.cwd);
	cr_expect_eq(f.run_job.file_count, 0);
	cr_expect(!f.run_job.is_writable);
	cr_expect(!f.run_job.has_minimal_dev);
	cr_expect_null(f.run_job.mark_variable);
	cr_expect_eq(f.run_job.environment, &f.description.environment.run);
	job_description_fini(&f.description);
}

Test(job_description, of_a_host_name)
{
	struct fixture f = { .options = { .hostname = words[2] } };

	fill(&f);
	cr_expect_str_eq(f.run_job.hostname, "node");
	cr_assert_eq(f.run_job.file_count, 1);
	cr_expect_str_eq(f.run_job.files[0].path, "/etc/hostname");
	cr_expect_str_eq(f.run_job.files[0].text, "node\n");
	cr_expect(f.run_job.files[0].is_mask);
	job_description_fini(&f.description);
}

Test(job_description, prefers_directories_in_order)
{
	struct fixture f = { 0 };

	/* the image's only where it is preferred */
	f.config.working_dir = words[0];
	fill(&f);
	cr_expect_null(f.run_job.cwd);
	job_description_fini(&f.description);
	f.description = (struct job_description){ 0 };
	f.job.prefers_image_cwd = true;
	f.mounts.cwd = words[1];
	fill(&f);
	cr_expect_str_eq(f.run_job.cwd, "/srv");
	cr_expect(!f.run_job.cwd_is_required);
	job_description_fini(&f.description);
	f.description = (struct job_description){ 0 };
	f.options.cwd = words[3];
	fill(&f);
	cr_expect_str_eq(f.run_job.cwd, "/work");
	cr_expect(f.run_job.cwd_is_required);
	job_description_fini(&f.description);
}

Test(job_description, of_roots_that_are_written_to)
{
	struct fixture f = { .options = { .writable_tmpfs = true,
					  .writable_size = 7 } };
	struct fixture kept = { 0 };

	fill(&f);
	cr_expect(f.run_job.is_writable);
	cr_expect(!f.run_job.writes_image);
	cr_expect_eq(f.run_job.writable_size, 7);
	job_description_fini(&f.description);
	kept.mounts.overlays.upper = words[0];
	fill(&kept);
	cr_expect(kept.run_job.is_writable);
	cr_expect_str_eq(kept.run_job.overlay_upper, "/srv");
	job_description_fini(&kept.description);
}
