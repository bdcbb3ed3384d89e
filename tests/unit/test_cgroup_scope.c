/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cgroup_scope.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static char text[2048];

static int format(struct cgroup_scope scope)
{
	struct cgroup_scope_properties properties;
	struct error err = { 0 };
	size_t n = 0;
	int r = cgroup_scope_format(&scope, &properties, &err);

	text[0] = '\0';
	for (size_t i = 0; r == 0 && i < properties.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
				      n ? " " : "", properties.texts[i]);
	if (r < 0)
		snprintf(text, sizeof(text), "%s", err.text);
	return r;
}

Test(cgroup_scope, writes_what_systemd_reads)
{
	cr_expect_eq(format((struct cgroup_scope){ 0 }), 0);
	cr_expect_str_eq(text, "");
	cr_expect_eq(format((struct cgroup_scope){ .memory = 1 << 20,
						   .memory_reservation = 1000,
						   .memory_swap = "3M",
						   .cpus = "1.5",
						   .cpu_shares = 1024,
						   .blkio_weight = 1000,
						   .cpuset_cpus = "0-3,5",
						   .cpuset_mems = "0",
						   .pids_limit = 7 }),
		     0, "%s", text);
	cr_expect_str_eq(text, "MemoryMax=1048576 MemoryLow=1000 TasksMax=7 "
			       "MemorySwapMax=2097152 CPUQuota=150% "
			       "CPUWeight=39 IOWeight=10000 AllowedCPUs=0-3,5 "
			       "AllowedMemoryNodes=0");
	cr_expect_eq(format((struct cgroup_scope){ .memory_swap = "-1" }), 0);
	cr_expect_str_eq(text, "MemorySwapMax=infinity");
	cr_expect_eq(format((struct cgroup_scope){ .cpu_shares = 2,
						   .blkio_weight = 10 }),
		     0);
	cr_expect_str_eq(text, "CPUWeight=1 IOWeight=1");
}

Test(cgroup_scope, names_the_option_that_is_wrong)
{
	static const struct {
		struct cgroup_scope scope;
		const char *option;
	} cases[] = {
		{ { .memory_swap = "1M" }, "--memory-swap" },
		{ { .memory = 2 << 20, .memory_swap = "1M" }, "--memory-swap" },
		{ { .memory = 1, .memory_swap = "x" }, "--memory-swap" },
		{ { .cpus = "" }, "--cpus" },
		{ { .cpus = "0" }, "--cpus" },
		{ { .cpus = "nan" }, "--cpus" },
		{ { .cpus = "1x" }, "--cpus" },
		{ { .cpu_shares = 1 }, "--cpu-shares" },
		{ { .cpu_shares = 262145 }, "--cpu-shares" },
		{ { .blkio_weight = 9 }, "--blkio-weight" },
		{ { .cpuset_cpus = "0 1" }, "--cpuset-cpus" },
		{ { .cpuset_cpus = "" }, "--cpuset-cpus" },
		{ { .cpuset_mems = "a" }, "--cpuset-mems" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(format(cases[i].scope), -EINVAL, "case %zu", i);
		cr_expect(strstr(text, cases[i].option), "case %zu: %s", i,
			  text);
	}
}

Test(cgroup_scope, notices_limits_that_do_nothing)
{
	static const struct {
		const char *label;
		const char *cgroups;
		const char *controllers;
		int expected;
	} cases[] = {
		{ "v2, delegated", "0::/user.slice/run-r1.scope\n",
		  "cpu memory pids\n", 0 },
		{ "v2, a controller is missing",
		  "0::/user.slice/run-r1.scope\n", "memory pids\n", -ENOTSUP },
		{ "v2, none", "0::/user.slice/run-r1.scope\n", "\n", -ENOTSUP },
		{ "v2, unknown", "0::/user.slice/run-r1.scope\n", NULL, 0 },
		{ "v1, root's scope",
		  "4:memory:/system.slice/run-r1.scope\n"
		  "1:cpu,cpuacct:/system.slice/run-r1.scope\n0::/x\n",
		  "\n", 0 },
		{ "v1, a user's scope",
		  "4:memory:/user.slice/user-5.slice/user@5.service\n"
		  "1:cpu:/\n0::/user.slice/app.slice/run-r1.scope\n",
		  "hugetlb\n", -ENOTSUP },
		{ "nonsense", ":\n::\n\n4\n", "cpu memory", 0 },
		{ "no line", "", "", -ENOTSUP },
	};
	const struct cgroup_scope scope = { .memory = 1 << 20, .cpus = "1" };
	const struct cgroup_scope none = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };

		cr_expect_eq(cgroup_scope_check(&scope, cases[i].cgroups,
						cases[i].controllers, &err),
			     cases[i].expected, "case: %s", cases[i].label);
		cr_expect_eq(cgroup_scope_check(&none, cases[i].cgroups,
						cases[i].controllers, &err),
			     0, "case: %s", cases[i].label);
	}
}
