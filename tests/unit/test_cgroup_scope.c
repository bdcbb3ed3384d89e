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
