/* SPDX-License-Identifier: Apache-2.0 */
/* What may be mounted at last; tests/integration/15-instances.sh has jobs that
 * do. */
#include "run/run_private.h"

#include "run/run_bind.h"
#include "run/run_job.h"
#include "run/run_path.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

static struct run_test_root root;
static int root_fd = -1;

static void set_up(void)
{
	if (!run_test_root_create(&root))
		cr_skip_test("no static /bin/busybox");
	root_fd = open(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(root_fd, 0);
}

static void tear_down(void)
{
	if (root_fd >= 0)
		close(root_fd);
	run_test_root_destroy(&root);
}

TestSuite(run_private, .init = set_up, .fini = tear_down, .timeout = 30);

enum { OMITTED = RUN_STANDARD_TMP | RUN_STANDARD_HOME | RUN_STANDARD_CWD };

/* A contained job with two binds. */
static bool can_wait(const struct run_bind *first,
		     const struct run_bind *second)
{
	const struct run_bind binds[] = { *first, *second };
	const struct run_job job = {
		.binds = binds,
		.bind_count = 2,
		.omitted = OMITTED,
		.has_minimal_dev = true,
	};

	return run_private_can_wait(root_fd, &job, "/");
}

static const struct run_bind memory = { .destination = "/tmp" };

Test(run_private, waits_where_nothing_else_is)
{
	const struct run_bind others[] = {
		{ .destination = "/var/tmp" },
		{ .destination = "/tmp/below" },
		{ .source = "/srv", .destination = "/mnt/new/folder" },
		{ .source = "/srv", .destination = "/tmpx" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		cr_expect(can_wait(&memory, &others[i]), "case %zu", i);
}

Test(run_private, does_not_wait_where_the_order_counts)
{
	const struct run_bind others[] = {
		{ .source = "/srv", .destination = "/tmp" },
		{ .source = "/srv", .destination = "//tmp/" },
		{ .source = "/srv", .destination = "/tmp/below" },
		{ .source = "/srv", .destination = "/" },
		{ .source = "/srv", .destination = "/dev/fuse" },
		{ .source = "/srv", .destination = "/dev" },
		{ .source = "/srv", .destination = "/mnt/../tmp" },
		{ .source = "/srv", .destination = "/./tmp" },
		{ .source = "/srv", .destination = "/link" },
		{ .source = "/srv", .destination = "/link/below" },
		{ .destination = "/link" },
		{ .destination = "/proc/below" },
		{ .destination = "/dev/below" },
	};

	run_test_root_link(&root, "link", "/tmp");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		cr_expect(!can_wait(&memory, &others[i]), "case %zu", i);
}

/* What is in a folder of the host is not known: a link to /tmp, perhaps. */
Test(run_private, does_not_wait_for_binds_in_binds)
{
	const struct run_bind outer = { .source = "/srv",
					.destination = "/data" };
	const struct run_bind inner = { .source = "/srv",
					.destination = "/data/x" };

	cr_expect(!can_wait(&outer, &inner));
	cr_expect(!can_wait(&inner, &outer));
	cr_expect(can_wait(&outer, &outer));
}

Test(run_private, does_not_wait_for_links_to_dev)
{
	const struct run_bind other = { .source = "/srv",
					.destination = "/mnt" };

	run_test_root_link(&root, "dev", "/mnt");
	cr_expect(!can_wait(&memory, &other));
}

Test(run_private, always_waits_without_any)
{
	const struct run_bind binds[] = {
		{ .source = "/srv", .destination = "/tmp/a" },
		{ .source = "/srv", .destination = "/tmp" },
	};
	const struct run_job job = { .binds = binds, .bind_count = 2 };

	cr_expect(run_private_can_wait(root_fd, &job, "/"));
}

Test(run_private, bounds_what_it_compares)
{
	static struct run_bind binds[257];
	struct run_job job = { .binds = binds, .bind_count = 256 };

	binds[0] = memory;
	for (size_t i = 1; i < 257; i++)
		binds[i] = (struct run_bind){ .source = "/srv",
					      .destination = "/mnt" };
	job.omitted = OMITTED;
	cr_expect(run_private_can_wait(root_fd, &job, NULL));
	job.bind_count = 257;
	cr_expect(!run_private_can_wait(root_fd, &job, NULL));
}

Test(run_private, knows_every_place)
{
	const struct run_bind binds[] = {
		memory,
		{ .source = "/srv", .destination = "/new" },
	};
	const struct run_job job = {
		.binds = binds,
		.bind_count = 2,
		.home = "/home/user",
		.omitted = RUN_STANDARD_SYS,
	};
	const char *const expected[] = {
		"/proc", "/dev", "/tmp",       "/var/tmp", "/etc",
		"/etc",	 "/etc", "/home/user", "/work",	   "/new",
	};
	size_t number = 0;

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		cr_expect_str_eq(run_bind_find_place(&job, "/work", &number),
				 expected[i]);
	cr_expect_null(run_bind_find_place(&job, "/work", &number));
	cr_expect_null(run_bind_find_place(&job, "/work", &number));
}
