/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <string.h>

static struct run_test_root root;
static struct run_test_result result;

static const char *const envp[] = { "PATH=/bin", NULL };

static void setup(void)
{
	cr_assert(run_test_root_create(&root), "no static busybox is here");
}

static void teardown(void)
{
	run_test_root_destroy(&root);
}

TestSuite(run_dev, .init = setup, .fini = teardown, .timeout = 30);

static void run_contained(const struct run_options *options, struct run_job job,
			  const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	job.argv = argv;
	job.envp = envp;
	job.cwd = "/";
	job.has_minimal_dev = true;
	job.omitted |= RUN_STANDARD_TMP | RUN_STANDARD_CWD;
	run_test_root_run(&root, RUN_TEST_USER, options, &job, &result);
	cr_expect_eq(result.code, 0, "%s", result.text);
}

Test(run_dev, shows_little)
{
	run_contained(NULL, (struct run_job){ 0 }, "ls /dev");
	cr_expect_str_eq(result.output,
			 "fd\nnull\nptmx\npts\nrandom\nshm\nstderr\n"
			 "stdin\nstdout\ntty\nurandom\nzero\n");
}

Test(run_dev, works)
{
	run_contained(NULL, (struct run_job){ 0 },
		      "set -e; echo x >/dev/null; echo y >/dev/shm/y; "
		      "head -c 3 /dev/zero | wc -c; test -c /dev/ptmx; "
		      "ls /dev/pts; exec 3<>/dev/ptmx; ls /dev/pts; "
		      "readlink /dev/stdout");
	cr_expect_str_eq(result.output, "3\nptmx\n0\nptmx\n/proc/self/fd/1\n");
}

Test(run_dev, lacks_terminals_when_asked_to)
{
	run_contained(NULL, (struct run_job){ .omitted = RUN_STANDARD_DEVPTS },
		      "ls /dev | grep pt");
	cr_expect_str_eq(result.output, "");
}

Test(run_dev, has_message_queues_with_an_ipc_namespace)
{
	const struct run_options options = { .use_ipc_namespace = true };

	run_contained(&options, (struct run_job){ 0 },
		      "grep -c ' /dev/mqueue ' /proc/self/mounts");
	cr_expect_str_eq(result.output, "1\n");
}

/* What the image has there leads a mount nowhere else. */
Test(run_dev, follows_a_link_within_the_root_only)
{
	run_test_root_link(&root, "dev", "../../../made");
	run_contained(NULL, (struct run_job){ 0 }, "ls /made /dev/null");
	cr_expect(strstr(result.output, "urandom"), "%s", result.output);
	cr_expect(strstr(result.output, "/dev/null"), "%s", result.output);
}

Test(run_dev, is_left_out_where_a_file_is_in_its_place)
{
	run_test_root_remove(&root, "dev");
	run_test_root_write(&root, "dev", "file");
	run_contained(NULL, (struct run_job){ 0 }, "cat /dev");
	cr_expect_str_eq(result.output, "file");
}

/* What belongs to the job takes mount points; what is the host's does not. */
Test(run_dev, takes_binds_below_and_so_do_tmpfs)
{
	const struct run_bind binds[] = {
		{ .destination = "/tmp", .mode = 01777 },
		{ .destination = "/tmp/a/b", .mode = 0750 },
		{ .source = "/dev/null", .destination = "/dev/mine" },
		{ .source = "/etc/hostname", .destination = "/tmp/a/file" },
	};

	run_contained(NULL, (struct run_job){ .binds = binds, .bind_count = 4 },
		      "stat -c %a /tmp /tmp/a/b; test -c /dev/mine && "
		      "test -s /tmp/a/file; echo $?");
	cr_expect_str_eq(result.output, "1777\n750\n0\n");
}

Test(run_dev, makes_no_mount_point_on_the_host)
{
	const struct run_bind binds[] = {
		{ .source = root.outside, .destination = "/m" },
		{ .source = "/etc/hostname", .destination = "/m/file" },
	};
	const char *const argv[] = { "true", NULL };
	const struct run_job job = {
		.argv = argv,
		.envp = envp,
		.binds = binds,
		.bind_count = 2,
	};

	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_lt(result.code, 0);
	cr_expect(strstr(result.text, "make it there first"), "%s",
		  result.text);
}

Test(run_dev, makes_mount_points_in_the_jobs_own_directory)
{
	const struct run_bind binds[] = {
		{ .source = root.outside, .destination = "/m", .is_own = true },
		{ .source = "/etc/hostname", .destination = "/m/a/file" },
	};

	run_contained(NULL, (struct run_job){ .binds = binds, .bind_count = 2 },
		      "test -s /m/a/file; echo $?");
	cr_expect_str_eq(result.output, "0\n");
}
