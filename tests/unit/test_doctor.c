/* SPDX-License-Identifier: Apache-2.0 */
/* What `lazyrun doctor` says of hosts that are made up. */
#include "tools/doctor_report.h"

#include "tests/support/fake_driver.h"
#include "tools/doctor_cache.h"
#include "tools/doctor_gpu.h"
#include "tools/doctor_host.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct fake_driver host;
static struct doctor_report report;

static void set_up(void)
{
	fake_driver_create(&host);
	fake_driver_write(&host, "/proc/self/ns/user", "");
	fake_driver_write(&host, "/proc/sys/user/max_user_namespaces",
			  "15000\n");
	fake_driver_write(&host, "/proc/filesystems",
			  "nodev\ttmpfs\nnodev\tfuse\nnodev\toverlay\n");
	fake_driver_write(&host, "/dev/fuse", "");
}

static void tear_down(void)
{
	doctor_report_fini(&report);
	fake_driver_destroy(&host);
}

TestSuite(doctor, .init = set_up, .fini = tear_down);

static void set_mode(const char *path, mode_t mode)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", host.root, path);
	cr_assert_eq(chmod(whole, mode), 0);
}

static void check_host(void)
{
	doctor_report_fini(&report);
	set_mode("/dev/fuse", 0666);
	doctor_host_check(&report, host.root);
}

/* The worst finding of a topic that has @words in its text or fix. */
static void expect(const char *topic, enum doctor_level level,
		   const char *words)
{
	for (size_t i = 0; i < report.count; i++) {
		const struct doctor_finding *finding = &report.findings[i];

		if (strcmp(finding->topic, topic) != 0 ||
		    finding->level != level)
			continue;
		if (strstr(finding->text, words) ||
		    (finding->fix && strstr(finding->fix, words)))
			return;
	}
	cr_expect(false, "no \"%s\" of level %d with \"%s\"", topic, level,
		  words);
}

/* Nothing that is wrong is without what to do. */
static void expect_fixes(void)
{
	for (size_t i = 0; i < report.count; i++)
		cr_expect(report.findings[i].level < DOCTOR_WARN ||
				  report.findings[i].fix,
			  "%s: %s", report.findings[i].topic,
			  report.findings[i].text);
}

Test(doctor, finds_nothing_wrong_with_a_good_host)
{
	check_host();
	expect("user namespaces", DOCTOR_OK, "15000");
	expect("/dev/fuse", DOCTOR_OK, "everyone");
	expect("overlay", DOCTOR_OK, "");
	cr_expect_null(doctor_report_find(&report, "AppArmor"));
	cr_expect_null(doctor_report_find(&report, "/proc"));
}

Test(doctor, knows_what_keeps_namespaces_away)
{
	fake_driver_write(&host, "/proc/sys/user/max_user_namespaces", "0\n");
	fake_driver_write(&host, "/proc/sys/kernel/unprivileged_userns_clone",
			  "0\n");
	fake_driver_write(
		&host, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
		"1\n");
	check_host();
	expect("user namespaces", DOCTOR_FAIL, "max_user_namespaces=15000");
	expect("user namespaces", DOCTOR_FAIL, "unprivileged_userns_clone=1");
	expect("AppArmor", DOCTOR_FAIL, "/apparmor/lazyrun");
	expect_fixes();
	fake_driver_write(&host, "/proc/self/attr/current",
			  "lazyrun (unconfined)\n");
	fake_driver_write(&host, "/proc/sys/user/max_user_namespaces", "9\n");
	check_host();
	expect("AppArmor", DOCTOR_OK, "profile");
	expect("user namespaces", DOCTOR_WARN, "takes two");
	fake_driver_remove(&host, "/proc/self/ns/user");
	check_host();
	expect("user namespaces", DOCTOR_FAIL, "CONFIG_USER_NS");
}

Test(doctor, knows_what_keeps_fuse_away)
{
	fake_driver_write(&host, "/proc/filesystems",
			  "nodev\ttmpfs\nnodev\tfusectl\nnodev\toverlayfs\n");
	doctor_host_check(&report, host.root);
	expect("fuse", DOCTOR_FAIL, "modprobe fuse");
	expect("overlay", DOCTOR_FAIL, "modprobe overlay");
	expect("tmpfs", DOCTOR_OK, "");
	expect("/dev/fuse", DOCTOR_FAIL, "chmod 666");
	fake_driver_remove(&host, "/dev/fuse");
	doctor_host_check(&report, host.root);
	expect("/dev/fuse", DOCTOR_FAIL, "modprobe fuse");
	expect_fixes();
}

Test(doctor, notes_a_masked_proc)
{
	fake_driver_write(&host, "/proc/self/mountinfo",
			  "1 2 0:5 / /proc rw - proc proc rw\n"
			  "3 1 0:6 / /proc/kcore rw - tmpfs tmpfs rw\n"
			  "4 1 0:6 / /proc/keys rw - tmpfs tmpfs rw\n");
	check_host();
	expect("/proc", DOCTOR_NOTE, "2 of its files");
}

Test(doctor, knows_kernels)
{
	static const struct {
		const char *release;
		enum doctor_level level;
	} cases[] = {
		{ "6.6.0", DOCTOR_OK },
		{ "6.18.1-x", DOCTOR_OK },
		{ "7.0", DOCTOR_OK },
		{ "6.1.0-13-amd64", DOCTOR_NOTE },
		{ "5.12.0", DOCTOR_NOTE },
		{ "5.11.9", DOCTOR_FAIL },
		{ "4.18.0-513.el8", DOCTOR_FAIL },
		{ "odd", DOCTOR_NOTE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		doctor_report_fini(&report);
		doctor_host_check_kernel(&report, cases[i].release);
		cr_expect_eq(doctor_report_worst(&report), cases[i].level, "%s",
			     cases[i].release);
	}
}

Test(doctor, says_whether_the_cache_is_of_use)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/new/cache", host.root);
	doctor_cache_check(&report, dir);
	cr_expect_eq(report.findings[0].level, DOCTOR_OK, "%s",
		     report.findings[0].text);
	doctor_report_fini(&report);
	fake_driver_write(&host, "/file", "");
	snprintf(dir, sizeof(dir), "%s/file/cache", host.root);
	doctor_cache_check(&report, dir);
	expect("cache", DOCTOR_FAIL, "cache-dir = DIR");
}

Test(doctor, finds_a_whole_driver)
{
	fake_driver_populate(&host);
	fake_driver_add_slice(&host, 1, 7, 0, 66, 67);
	doctor_gpu_check(&report, host.root, host.root);
	expect("NVIDIA driver", DOCTOR_OK, "550.54.14");
	expect("libcuda.so.1", DOCTOR_OK, "libcuda.so.550.54.14");
	expect("GPU", DOCTOR_OK, FAKE_DRIVER_UUID_1);
	expect("GPU", DOCTOR_OK, "1 MIG slices");
	expect("/dev/nvidia0", DOCTOR_OK, "");
	expect("/dev/nvidia-caps/nvidia-cap67", DOCTOR_OK, "");
	expect("AMD GPUs", DOCTOR_NOTE, "none");
	expect("libcudadebugger.so.1", DOCTOR_NOTE, "no debugger");
	cr_expect_leq(doctor_report_worst(&report), DOCTOR_NOTE);
}

Test(doctor, finds_what_a_driver_lacks)
{
	fake_driver_populate(&host);
	fake_driver_write(&host, "/sys/module/nvidia/version", "560.1.2\n");
	fake_driver_remove(&host, "/dev/nvidia-uvm");
	fake_driver_remove(&host, "/dev/nvidia1");
	fake_driver_write(&host, "/etc/cdi/broken.json", "{");
	fake_driver_write(&host, "/dev/kfd", "");
	doctor_gpu_check(&report, host.root, host.root);
	expect("libcuda.so.1", DOCTOR_WARN, "the kernel's driver is 560.1.2");
	expect("/dev/nvidia-uvm", DOCTOR_WARN, "nvidia-modprobe");
	expect("/dev/nvidia1", DOCTOR_WARN, "is not there");
	expect("CDI file", DOCTOR_WARN, "broken.json");
	expect("/dev/kfd", DOCTOR_OK, "");
	expect_fixes();
}

Test(doctor, finds_no_driver)
{
	doctor_gpu_check(&report, host.root, host.root);
	expect("NVIDIA GPUs", DOCTOR_NOTE, "none");
	expect("NVIDIA driver", DOCTOR_NOTE, "none");
	doctor_report_fini(&report);
	doctor_gpu_check(&report, "/no/such", NULL);
	expect("driver root", DOCTOR_FAIL, "/no/such");
}
