/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_spec.h"

#include "common/buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const char *const argv[] = { "sh", "-c", "", "a b\nc", NULL };
static const char *const envp[] = { "A=1", "B=", NULL };
static const struct run_bind binds[] = {
	{ .source = "/a", .destination = "/b", .is_read_only = true },
	{ .source = "/c", .destination = "/d", .is_optional = true },
	{ .destination = "/e",
	  .mode = 0750,
	  .is_standard = true,
	  .is_own = true },
};
static const struct run_link links[] = {
	{ .path = "/lib/x.so.1", .target = "../hidden/x.so.1.2" },
};
static const struct run_file files[] = {
	{ .path = "/e", .text = "text\n" },
	{ .path = "/proc/f", .text = "", .is_mask = true },
};
static const char *const overlays[] = { NULL, "/layer", NULL };
static const struct run_job job = {
	.argv = argv,
	.envp = envp,
	.home = "/home/ann",
	.binds = binds,
	.links = links,
	.link_count = 1,
	.files = files,
	.file_count = 2,
	.bind_count = 3,
	.omitted = RUN_STANDARD_TMP,
	.has_minimal_dev = true,
	.cwd_is_required = true,
	.is_writable = true,
	.writable_size = 1ull << 40,
	.hot_tree = "/cache/hot",
	.hot_tree_is_whole = true,
	.overlays = overlays,
	.overlay_count = 3,
	.mark_variable = "SCRATCH",
	.mark_name = ".launched",
};

Test(run_spec, carries_everything_over)
{
	struct buffer buffer = BUFFER_INIT(1 << 16);
	struct run_spec spec = { 0 };

	cr_assert_eq(run_spec_encode(&job, &buffer, NULL), 0);
	cr_assert_eq(run_spec_decode(buffer.data, buffer.size, &spec), 0);
	for (size_t i = 0; i < 4; i++)
		cr_expect_str_eq(spec.job.argv[i], argv[i]);
	cr_expect_null(spec.job.argv[4]);
	cr_expect_str_eq(spec.job.envp[1], "B=");
	cr_expect_null(spec.job.envp[2]);
	cr_expect_null(spec.job.cwd);
	cr_expect_str_eq(spec.job.home, "/home/ann");
	cr_expect_str_eq(spec.job.mark_variable, "SCRATCH");
	cr_expect_str_eq(spec.job.mark_name, ".launched");
	cr_assert_eq(spec.job.bind_count, 3);
	cr_expect_str_eq(spec.job.binds[0].source, "/a");
	cr_expect(spec.job.binds[0].is_read_only);
	cr_expect_not(spec.job.binds[0].is_optional);
	cr_expect_str_eq(spec.job.binds[1].destination, "/d");
	cr_expect(spec.job.binds[1].is_optional);
	cr_assert_eq(spec.job.link_count, 1);
	cr_expect_str_eq(spec.job.links[0].path, "/lib/x.so.1");
	cr_expect_str_eq(spec.job.links[0].target, "../hidden/x.so.1.2");
	cr_assert_eq(spec.job.file_count, 2);
	cr_expect_str_eq(spec.job.files[0].text, "text\n");
	cr_expect_not(spec.job.files[0].is_mask);
	cr_expect_str_eq(spec.job.files[1].path, "/proc/f");
	cr_expect(spec.job.files[1].is_mask);
	cr_expect_not(spec.job.binds[1].is_own);
	cr_expect_null(spec.job.binds[2].source);
	cr_expect_eq(spec.job.binds[2].mode, 0750);
	cr_expect(spec.job.binds[2].is_standard);
	cr_expect(spec.job.binds[2].is_own);
	cr_expect(spec.job.cwd_is_required);
	cr_expect(spec.job.is_writable);
	cr_expect_eq(spec.job.omitted, RUN_STANDARD_TMP);
	cr_expect(spec.job.has_minimal_dev);
	cr_expect_eq(spec.job.writable_size, 1ull << 40);
	cr_assert_eq(spec.job.overlay_count, 3);
	cr_expect_null(spec.job.overlays[0]);
	cr_expect_str_eq(spec.job.overlays[1], "/layer");
	cr_expect_null(spec.job.overlays[2]);
	cr_expect_str_eq(spec.job.hot_tree, "/cache/hot");
	cr_expect(spec.job.hot_tree_is_whole);
	run_spec_fini(&spec);
	buffer_fini(&buffer);
}

Test(run_spec, refuses_every_truncation)
{
	struct buffer buffer = BUFFER_INIT(1 << 16);

	cr_assert_eq(run_spec_encode(&job, &buffer, NULL), 0);
	for (size_t size = 0; size < buffer.size; size++) {
		uint8_t *copy = malloc(size ? size : 1);
		struct run_spec spec = { 0 };

		memcpy(copy, buffer.data, size);
		cr_expect_eq(run_spec_decode(copy, size, &spec), -EPROTO,
			     "cut to %zu bytes", size);
		run_spec_fini(&spec);
		free(copy);
	}
	buffer_fini(&buffer);
}

Test(run_spec, refuses_counts_beyond_its_bytes)
{
	struct buffer buffer = BUFFER_INIT(1 << 16);

	cr_assert_eq(run_spec_encode(&job, &buffer, NULL), 0);
	for (size_t off = 16; off < 36; off += 4) {
		struct run_spec spec = { 0 };
		uint8_t *copy = malloc(buffer.size);

		memcpy(copy, buffer.data, buffer.size);
		memset(copy + off, 0xff, 4);
		cr_expect_eq(run_spec_decode(copy, buffer.size, &spec), -EPROTO,
			     "count at %zu", off);
		run_spec_fini(&spec);
		free(copy);
	}
	buffer_fini(&buffer);
}

Test(run_spec, says_when_a_job_is_too_large)
{
	struct buffer buffer = BUFFER_INIT(16);

	cr_expect_eq(run_spec_encode(&job, &buffer, NULL), -EFBIG);
	buffer_fini(&buffer);
}
