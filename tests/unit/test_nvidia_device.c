/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/nvidia_device.h"

#include "common/error.h"
#include "gpu/gpu_host.h"
#include "tests/support/fake_driver.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct fake_driver driver;
static struct gpu_host host = GPU_HOST_INIT;
static struct nvidia_device_set set;
static char chosen[256];

static void set_up(void)
{
	fake_driver_create(&driver);
	fake_driver_populate(&driver);
	cr_assert_eq(gpu_host_open(driver.root, &host, NULL), 0);
}

static void tear_down(void)
{
	nvidia_device_set_fini(&set);
	gpu_host_close(&host);
	fake_driver_destroy(&driver);
}

TestSuite(nvidia_device, .init = set_up, .fini = tear_down);

/* "0 1" or "0:7/0": minors, and behind a colon the slices */
static const char *describe(void)
{
	size_t n = 0;

	chosen[0] = '\0';
	for (size_t i = 0; i < set.count; i++) {
		if (!set.items[i].is_chosen)
			continue;
		n += (size_t)snprintf(chosen + n, sizeof(chosen) - n, "%s%u",
				      n ? " " : "", set.items[i].minor);
		for (size_t j = 0; j < set.items[i].slice_count; j++)
			if (set.items[i].slices[j].is_chosen)
				n += (size_t)snprintf(
					chosen + n, sizeof(chosen) - n,
					":%u/%u",
					set.items[i].slices[j].gpu_instance,
					set.items[i]
						.slices[j]
						.compute_instance);
	}
	return chosen;
}

/* As NVML would. */
static int find_slice(void *arg, const char *uuid, unsigned *ret_minor,
		      unsigned *ret_gpu_instance,
		      unsigned *ret_compute_instance)
{
	(void)arg;
	if (strcmp(uuid, "MIG-broken") == 0)
		return -EIO;
	if (strcmp(uuid, "MIG-known") != 0 && strcmp(uuid, "MIG-gone") != 0)
		return -ENOENT;
	*ret_minor = 1;
	*ret_gpu_instance = strcmp(uuid, "MIG-known") == 0 ? 7 : 8;
	*ret_compute_instance = 0;
	return 0;
}

static void expect(const char *names, const char *expected)
{
	struct error err = { 0 };

	nvidia_device_set_fini(&set);
	cr_assert_eq(nvidia_device_load(&host, &set), 0);
	cr_expect_eq(nvidia_device_choose(&set, names, find_slice, NULL, &err),
		     0, "%s: %s", names, err.text);
	cr_expect_str_eq(describe(), expected, "%s: %s", names, chosen);
}

static void expect_refusal(const char *names)
{
	struct error err = { 0 };

	nvidia_device_set_fini(&set);
	cr_assert_eq(nvidia_device_load(&host, &set), 0);
	cr_expect_eq(nvidia_device_choose(&set, names, find_slice, NULL, &err),
		     -ENODEV, "%s", names);
	cr_expect(strstr(err.text, "of the 2 GPUs"), "%s", err.text);
}

Test(nvidia_device, chooses_by_index_and_uuid)
{
	expect("all", "0 1");
	expect("none", "");
	expect("0", "0");
	expect("1", "1");
	expect(" 1 ,0", "0 1");
	expect(FAKE_DRIVER_UUID_1, "1");
	expect("GPU-bbbb", "1");
	expect("GPU-aaaa1111," FAKE_DRIVER_UUID_1, "0 1");
	expect_refusal("2");
	expect_refusal("GPU-cccc");
	expect_refusal("GPU-");
	expect_refusal("aaaa1111");
	expect_refusal("0,GPU-cccc");
	expect_refusal("1x");
}

Test(nvidia_device, numbers_by_bus_not_by_minor)
{
	fake_driver_add_gpu(&driver, 5, "0000:00:02.0", "GPU-eeee");
	expect("0", "5");
	expect("1", "0");
	expect("2", "1");
}

Test(nvidia_device, refuses_a_beginning_that_two_have)
{
	fake_driver_add_gpu(&driver, 0, "0000:01:00.0", "GPU-same-1");
	fake_driver_add_gpu(&driver, 1, "0000:81:00.0", "GPU-same-12");
	expect_refusal("GPU-same");
	expect("GPU-same-1", "0");
}

Test(nvidia_device, chooses_slices)
{
	fake_driver_add_slice(&driver, 1, 7, 0, 66, 67);
	fake_driver_add_slice(&driver, 1, 2, 0, 30, 31);
	expect("1", "1:2/0:7/0");
	expect("1:0", "1:2/0");
	expect("1:1", "1:7/0");
	expect("MIG-" FAKE_DRIVER_UUID_1 "/7/0", "1:7/0");
	expect("MIG-known", "1:7/0");
	expect("0,MIG-known", "0 1:7/0");
	expect("MIG-broken", "1:2/0:7/0");
	expect_refusal("MIG-12345678-0000-4000-8000-000000000000");
	expect_refusal("MIG-gone");
	expect("0,1:1", "0 1:7/0");
	expect_refusal("1:2");
	expect_refusal("0:0");
	expect_refusal("MIG-" FAKE_DRIVER_UUID_1 "/7/1");
	expect_refusal("MIG-" FAKE_DRIVER_UUID_1 "/7");
	expect_refusal("MIG-GPU-cccc/7/0");
}

Test(nvidia_device, takes_nodes_where_proc_says_nothing)
{
	fake_driver_remove(&driver,
			   "/proc/driver/nvidia/gpus/0000:01:00.0/information");
	fake_driver_remove(&driver,
			   "/proc/driver/nvidia/gpus/0000:81:00.0/information");
	fake_driver_write(&driver, "/dev/nvidia10", "");
	expect("all", "0 1 10");
	expect("2", "10");
	nvidia_device_set_fini(&set);
	cr_assert_eq(nvidia_device_load(&host, &set), 0);
	cr_expect_str_eq(set.items[0].uuid, "");
}
