/* SPDX-License-Identifier: Apache-2.0 */
/* --nv and --rocm on a fake host: what the plan has, and what not. */
#include "gpu/gpu.h"

#include "common/error.h"
#include "gpu/gpu_image.h"
#include "gpu/gpu_plan.h"
#include "tests/support/fake_driver.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DIR_64 "/usr/lib/x86_64-linux-gnu"

static struct fake_driver driver;
static struct gpu_plan *plan;
static struct error err;
static const char *image_files[8]; /* paths; a directory's names, too */

static bool image_has(void *arg, const char *path)
{
	(void)arg;
	for (size_t i = 0; image_files[i]; i++)
		if (strcmp(image_files[i], path) == 0)
			return true;
	return false;
}

static int image_list(void *arg, const char *path, gpu_image_visit_fn *visit,
		      void *visit_arg)
{
	size_t len = strlen(path);
	int r = 0;

	(void)arg;
	for (size_t i = 0; r == 0 && image_files[i]; i++)
		if (strncmp(image_files[i], path, len) == 0 &&
		    image_files[i][len] == '/')
			r = visit(visit_arg, image_files[i] + len + 1);
	return r;
}

static const struct gpu_image image = { .has = image_has, .list = image_list };

static void set_up(void)
{
	fake_driver_create(&driver);
	fake_driver_populate(&driver);
}

static void tear_down(void)
{
	gpu_plan_destroy(plan);
	fake_driver_destroy(&driver);
}

TestSuite(gpu, .init = set_up, .fini = tear_down);

static int make(struct gpu_options options)
{
	gpu_plan_destroy(plan);
	plan = NULL;
	err = (struct error){ 0 };
	options.driver_root = driver.root;
	return gpu_make_plan(&options, &image, &plan, &err);
}

static void make_nvidia(bool has_own_dev, const char *visible)
{
	cr_assert_eq(make((struct gpu_options){ .use_nvidia = true,
						.has_own_dev = has_own_dev,
						.visible_devices = visible }),
		     0, "%s", err.text);
}

/* The host's file that a link in the libraries' directory leads to, below the
 * fake root; NULL without a link. */
static const char *library(const char *name)
{
	static char found[PATH_MAX];
	char path[PATH_MAX];
	const char *target;
	size_t index;
	int n = 0;

	snprintf(path, sizeof(path), GPU_PLAN_LIBS "/%s", name);
	target = gpu_plan_find_link(plan, path);
	if (!target)
		return NULL;
	cr_assert_eq(sscanf(target, GPU_PLAN_DIR "/%zu%n", &index, &n), 1);
	cr_assert_lt(index, plan->library_dirs.count);
	snprintf(found, sizeof(found), "%s%s",
		 plan->library_dirs.values[index] + strlen(driver.root),
		 target + n);
	return found;
}

static const struct gpu_plan_bind *bind_at(const char *destination)
{
	for (size_t i = 0; i < plan->bind_count; i++)
		if (strcmp(plan->binds[i].destination, destination) == 0)
			return &plan->binds[i];
	return NULL;
}

static size_t count_devices(void)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->bind_count; i++)
		count += plan->binds[i].is_device;
	return count;
}

static bool has_text(const struct gpu_plan_texts *texts, const char *part)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strstr(texts->values[i], part))
			return true;
	return false;
}

Test(gpu, selects_the_drivers_version)
{
	make_nvidia(false, NULL);
	cr_expect_str_eq(library("libcuda.so.1"),
			 DIR_64 "/libcuda.so.550.54.14");
	cr_expect_str_eq(library("libcuda.so"), DIR_64 "/libcuda.so.550.54.14");
	cr_expect_str_eq(library("libnvidia-glcore.so.550.54.14"),
			 DIR_64 "/libnvidia-glcore.so.550.54.14");
	cr_expect_str_eq(library("libGLX_indirect.so.0"),
			 DIR_64 "/libGLX_nvidia.so.550.54.14");
	cr_expect_not_null(library("libnvidia-egl-wayland.so.1"),
			   "a version that is not a driver's");
	cr_expect_null(library("libnvoptix.so.1"), "of an old driver");
	cr_expect_null(library("libm.so.6"), "not of the list");
	cr_expect_eq(plan->notes.count, 0);
}

Test(gpu, prefers_the_loaded_driver_to_an_older_library)
{
	driver.count = 0;
	fake_driver_install(&driver, "/usr/lib/old/libcuda.so.470.10.1",
			    "libcuda.so.1");
	fake_driver_add_entry(&driver, "libcuda.so.1", DIR_64 "/libcuda.so.1");
	fake_driver_write_cache(&driver);
	make_nvidia(false, NULL);
	cr_expect_str_eq(library("libcuda.so.1"),
			 DIR_64 "/libcuda.so.550.54.14");
	/* when the kernel does not say, the first libcuda does */
	fake_driver_remove(&driver, "/sys/module/nvidia/version");
	make_nvidia(false, NULL);
	cr_expect_str_eq(library("libcuda.so.1"),
			 "/usr/lib/old/libcuda.so.470.10.1");
}

Test(gpu, takes_neutral_libraries_only_where_the_image_has_none)
{
	make_nvidia(false, NULL);
	cr_expect_str_eq(library("libGL.so.1"), DIR_64 "/libGL.so.1.7.0");
	cr_expect_str_eq(library("libOpenCL.so.1"),
			 DIR_64 "/libOpenCL.so.1.0.0");
	image_files[0] = "/usr/lib64/libOpenCL.so.1";
	image_files[1] = "/usr/lib64/libEGL.so.1";
	make_nvidia(false, NULL);
	cr_expect_null(library("libOpenCL.so.1"));
	cr_expect_null(library("libEGL.so.1"));
	cr_expect_not_null(library("libGL.so.1"));
	/* the driver's own stays, whatever the image has */
	image_files[0] = "/usr/lib64/libcuda.so.1";
	make_nvidia(false, NULL);
	cr_expect_not_null(library("libcuda.so.1"));
}

Test(gpu, takes_libgl_of_a_driver_before_glvnd)
{
	fake_driver_install(&driver, DIR_64 "/libGL.so.550.54.14",
			    "libGL.so.1");
	fake_driver_write_cache(&driver);
	image_files[0] = "/usr/lib64/libGL.so.1";
	make_nvidia(false, NULL);
	cr_expect_str_eq(library("libGL.so.1"), DIR_64 "/libGL.so.550.54.14");
}

Test(gpu, mounts_few_things)
{
	make_nvidia(false, NULL);
	cr_expect_eq(plan->library_dirs.count, 1);
	cr_expect_gt(plan->link_count, 8);
	cr_expect_leq(plan->bind_count, 4);
	cr_expect(bind_at(GPU_PLAN_DIR "/0")->is_read_only);
	cr_expect_eq(plan->library_last.count, 1);
	cr_expect_str_eq(plan->library_last.values[0], GPU_PLAN_LIBS);
}

Test(gpu, binds_programs_files_and_sockets)
{
	const struct gpu_plan_bind *smi;

	make_nvidia(false, NULL);
	smi = bind_at("/usr/bin/nvidia-smi");
	cr_assert_not_null(smi);
	cr_expect_str_eq(smi->source + strlen(driver.root),
			 "/opt/nvidia/nvidia-smi", "links followed");
	cr_expect(smi->is_read_only);
	cr_expect_not_null(bind_at("/usr/share/nvidia/nvoptix.bin"));
	cr_expect_not_null(bind_at("/var/run/nvidia-persistenced/socket"));
	cr_expect_null(bind_at("/usr/bin/nvidia-debugdump"));
}

Test(gpu, gives_nodes_only_to_a_dev_of_its_own)
{
	make_nvidia(false, NULL);
	cr_expect_eq(count_devices(), 0);
	make_nvidia(true, NULL);
	cr_expect_not_null(bind_at("/dev/nvidiactl"));
	cr_expect_not_null(bind_at("/dev/nvidia-uvm"));
	cr_expect_not_null(bind_at("/dev/nvidia0"));
	cr_expect_not_null(bind_at("/dev/nvidia1"));
	cr_expect_not_null(bind_at("/dev/dri/renderD129"));
	cr_expect_eq(count_devices(), 8);
}

Test(gpu, limits_nodes_to_the_jobs_gpus)
{
	make_nvidia(true, FAKE_DRIVER_UUID_1);
	cr_expect_null(bind_at("/dev/nvidia0"));
	cr_expect_null(bind_at("/dev/dri/renderD128"));
	cr_expect_not_null(bind_at("/dev/nvidia1"));
	cr_expect_not_null(bind_at("/dev/nvidiactl"));
	make_nvidia(true, "none");
	cr_expect_null(bind_at("/dev/nvidia1"));
	cr_expect_not_null(bind_at("/dev/nvidiactl"));
	cr_expect_not_null(library("libcuda.so.1"));
	make_nvidia(true, "void");
	cr_expect_eq(plan->bind_count + plan->link_count, 0);
	cr_expect_eq(make((struct gpu_options){ .use_nvidia = true,
						.visible_devices = "GPU-zz" }),
		     -ENODEV);
	cr_expect(strstr(err.text, "GPU-zz"), "%s", err.text);
}

Test(gpu, minds_cuda_visible_devices)
{
	struct gpu_options options = { .use_nvidia = true,
				       .has_own_dev = true };

	options.cuda_devices = "GPU-bbbb2222";
	cr_assert_eq(make(options), 0);
	cr_expect_null(bind_at("/dev/nvidia0"));
	cr_expect_not_null(bind_at("/dev/nvidia1"));
	/* when both say the same, CUDA counts what is left */
	options.cuda_devices = "1";
	options.visible_devices = "1";
	cr_assert_eq(make(options), 0);
	cr_expect_null(bind_at("/dev/nvidia0"));
	cr_expect(has_text(&plan->environment,
			   "CUDA_VISIBLE_DEVICES=" FAKE_DRIVER_UUID_1));
	/* NVIDIA_VISIBLE_DEVICES has the say */
	options.cuda_devices = "GPU-aaaa1111";
	cr_assert_eq(make(options), 0);
	cr_expect_null(bind_at("/dev/nvidia0"));
}

static int make_numbered(const char *numbers, bool by_bus)
{
	return make((struct gpu_options){ .use_nvidia = true,
					  .has_own_dev = true,
					  .cuda_devices = numbers,
					  .cuda_by_bus = by_bus });
}

Test(gpu, minds_the_numbers_of_cuda)
{
	fake_driver_add_gpu(&driver, 2, "0000:c1:00.0", "GPU-cccc");
	cr_assert_eq(make_numbered("2,0", false), 0);
	cr_expect_not_null(bind_at("/dev/nvidia0"));
	cr_expect_null(bind_at("/dev/nvidia1"));
	cr_expect_not_null(bind_at("/dev/nvidia2"));
	cr_expect(
		has_text(&plan->environment,
			 "CUDA_VISIBLE_DEVICES=GPU-cccc," FAKE_DRIVER_UUID_0));
	/* what comes behind a number that does not exist is not there either */
	cr_assert_eq(make_numbered("1,7,0", false), 0);
	cr_expect_null(bind_at("/dev/nvidia0"));
	cr_expect_not_null(bind_at("/dev/nvidia1"));
	cr_assert_eq(make_numbered("-1", false), 0);
	cr_expect_null(bind_at("/dev/nvidia0"));
	cr_expect_eq(plan->environment.count, 0);
	cr_assert_eq(make_numbered("", false), 0);
	cr_expect_null(bind_at("/dev/nvidia1"));
	cr_assert_eq(make_numbered("NoDevFiles", false), 0);
	cr_expect_null(bind_at("/dev/nvidia1"));
	/* of those that a device cgroup leaves: the node cannot be opened */
	fake_driver_remove(&driver, "/dev/nvidia0");
	cr_assert_eq(make_numbered("0", false), 0);
	cr_expect_not_null(bind_at("/dev/nvidia1"));
	cr_expect_null(bind_at("/dev/nvidia2"));
}

Test(gpu, minds_no_numbers_whose_order_it_cannot_know)
{
	fake_driver_write(
		&driver, "/proc/driver/nvidia/gpus/0000:c1:00.0/information",
		"Model: Other\nGPU UUID: GPU-cccc\nDevice Minor: 2\n");
	fake_driver_write(&driver, "/dev/nvidia2", "");
	cr_assert_eq(make_numbered("0", false), 0);
	cr_expect_not_null(bind_at("/dev/nvidia2"));
	cr_expect_eq(plan->environment.count, 0);
	cr_assert_eq(make_numbered("0", true), 0);
	cr_expect_null(bind_at("/dev/nvidia2"));
	/* nor where a GPU is in slices, which have no numbers */
	fake_driver_add_slice(&driver, 1, 7, 0, 66, 67);
	cr_assert_eq(make_numbered("0", true), 0);
	cr_expect_not_null(bind_at("/dev/nvidia2"));
}

Test(gpu, asks_the_driver_whose_uuid_a_slice_has)
{
	fake_driver_add_slice(&driver, 1, 7, 0, 66, 67);
	fake_driver_add_slice(&driver, 1, 2, 0, 30, 31);
	/* without its library nobody can tell */
	fake_driver_remove(&driver, DIR_64 "/libnvidia-ml.so.550.54.14");
	make_nvidia(true, "MIG-second-slice");
	cr_expect_not_null(bind_at("/dev/nvidia-caps/nvidia-cap30"));
	cr_expect_not_null(bind_at("/dev/nvidia-caps/nvidia-cap66"));
	cr_expect_eq(plan->notes.count, 1);
	fake_driver_copy(&driver, FAKE_NVML,
			 DIR_64 "/libnvidia-ml.so.550.54.14");
	make_nvidia(true, "MIG-second-slice");
	cr_expect_null(bind_at("/dev/nvidia0"));
	cr_expect_not_null(bind_at("/dev/nvidia1"));
	cr_expect_null(bind_at("/dev/nvidia-caps/nvidia-cap30"));
	cr_expect_not_null(bind_at("/dev/nvidia-caps/nvidia-cap66"));
	cr_expect_not_null(bind_at("/dev/nvidia-caps/nvidia-cap67"));
	cr_expect_eq(plan->notes.count, 0);
	cr_expect_eq(
		make((struct gpu_options){ .use_nvidia = true,
					   .has_own_dev = true,
					   .cuda_devices = "MIG-first-slice" }),
		0);
	cr_expect_not_null(bind_at("/dev/nvidia-caps/nvidia-cap30"));
	cr_expect_null(bind_at("/dev/nvidia-caps/nvidia-cap66"));
	cr_expect_eq(make((struct gpu_options){ .use_nvidia = true,
						.visible_devices = "MIG-x" }),
		     -ENODEV);
}

Test(gpu, gives_capabilities_of_slices)
{
	fake_driver_add_slice(&driver, 1, 7, 0, 66, 67);
	fake_driver_add_slice(&driver, 1, 2, 0, 30, 31);
	make_nvidia(true, "1:1");
	cr_expect_not_null(bind_at("/dev/nvidia-caps/nvidia-cap66"));
	cr_expect_not_null(bind_at("/dev/nvidia-caps/nvidia-cap67"));
	cr_expect_null(bind_at("/dev/nvidia-caps/nvidia-cap30"));
	make_nvidia(true, "0");
	cr_expect_null(bind_at("/dev/nvidia-caps/nvidia-cap66"));
}

Test(gpu, finds_drivers_that_the_linker_does_not_know)
{
	static const char *const dirs[] = { "/site/lib", NULL };
	struct gpu_options options = { .use_nvidia = true,
				       .library_dirs = dirs };

	driver.count = 0;
	fake_driver_write_cache(&driver);
	fake_driver_library(&driver,
			    "/usr/local/nvidia/lib64/libcuda.so.550.54.14",
			    "libcuda.so.1", fake_driver_own_machine());
	fake_driver_library(&driver, "/site/lib/libnvidia-ml.so.1",
			    "libnvidia-ml.so.1", fake_driver_own_machine());
	cr_assert_eq(make(options), 0);
	cr_expect_str_eq(library("libcuda.so.1"),
			 "/usr/local/nvidia/lib64/libcuda.so.550.54.14");
	cr_expect_str_eq(library("libnvidia-ml.so.1"),
			 "/site/lib/libnvidia-ml.so.1");
	/* without a cache at all */
	fake_driver_remove(&driver, "/etc/ld.so.cache");
	make_nvidia(false, NULL);
	cr_expect_str_eq(library("libcuda.so.1"),
			 DIR_64 "/libcuda.so.550.54.14");
}

Test(gpu, inherits_what_a_surrounding_container_was_given)
{
	fake_driver_library(&driver, "/.singularity.d/libs/libcuda.so.1",
			    "libcuda.so.1", fake_driver_own_machine());
	make_nvidia(false, NULL);
	cr_expect_str_eq(library("libcuda.so.1"),
			 "/.singularity.d/libs/libcuda.so.1");
}

Test(gpu, puts_newer_compatibility_libraries_first)
{
	image_files[0] = GPU_IMAGE_COMPAT_DIR "/libcuda.so.560.1.2";
	image_files[1] = GPU_IMAGE_COMPAT_DIR "/libcuda.so.1";
	make_nvidia(false, NULL);
	cr_expect(has_text(&plan->library_first, GPU_IMAGE_COMPAT_DIR));
	image_files[0] = GPU_IMAGE_COMPAT_DIR "/libcuda.so.550.99.1";
	make_nvidia(false, NULL);
	cr_expect_eq(plan->library_first.count, 0, "the same major number");
	image_files[0] = GPU_IMAGE_COMPAT_DIR "/libcuda.so.560.1.2";
	image_files[1] = GPU_IMAGE_COMPAT_DIR "/libcuda.so.570.1.2";
	make_nvidia(false, NULL);
	cr_expect_eq(plan->library_first.count, 0, "two of them");
}

Test(gpu, reads_the_sites_list)
{
	fake_driver_write(&driver, "/etc/apptainer/nvliblist.conf",
			  "# ours\n  libcuda.so  \nnvidia-smi # tool\n"
			  "/site/lib/libsite.so.2\n");
	fake_driver_library(&driver, "/site/lib/libsite.so.2", NULL,
			    fake_driver_own_machine());
	make_nvidia(false, NULL);
	cr_expect_not_null(library("libcuda.so.1"));
	cr_expect_null(library("libnvidia-ml.so.1"));
	cr_expect_str_eq(library("libsite.so.2"), "/site/lib/libsite.so.2");
	cr_expect_not_null(bind_at("/usr/bin/nvidia-smi"));
	cr_expect_null(bind_at("/usr/share/nvidia/nvoptix.bin"));
	/* ours outranks apptainer's */
	fake_driver_write(&driver, "/etc/lazyrun/nvliblist.conf",
			  "libnvidia-ml.so\n");
	make_nvidia(false, NULL);
	cr_expect_null(library("libcuda.so.1"));
	cr_expect_not_null(library("libnvidia-ml.so.1"));
}

Test(gpu, says_when_there_is_no_driver)
{
	struct fake_driver empty;

	fake_driver_create(&empty);
	gpu_plan_destroy(plan);
	plan = NULL;
	cr_assert_eq(gpu_make_plan(
			     &(struct gpu_options){ .use_nvidia = true,
						    .use_rocm = true,
						    .driver_root = empty.root },
			     &image, &plan, &err),
		     0);
	cr_expect_eq(plan->link_count, 0);
	cr_expect_eq(plan->library_last.count, 0);
	cr_expect(has_text(&plan->notes, "no libcuda.so.1"));
	fake_driver_destroy(&empty);
}

Test(gpu, gives_rocm_what_the_image_lacks)
{
	struct gpu_options options = { .use_rocm = true, .has_own_dev = true };

	fake_driver_install(&driver, DIR_64 "/libdrm_amdgpu.so.1.0.0",
			    "libdrm_amdgpu.so.1");
	fake_driver_install(&driver, DIR_64 "/libnuma.so.1.0.0",
			    "libnuma.so.1");
	fake_driver_write_cache(&driver);
	fake_driver_write(&driver, "/dev/kfd", "");
	fake_driver_write(&driver, "/opt/rocm/bin/rocminfo", "");
	image_files[0] = "/usr/lib64/libnuma.so.1";
	cr_assert_eq(make(options), 0, "%s", err.text);
	cr_expect_not_null(library("libdrm_amdgpu.so.1"));
	cr_expect_null(library("libnuma.so.1"));
	cr_expect_null(library("libcuda.so.1"));
	cr_expect_not_null(bind_at("/dev/kfd"));
	cr_expect_not_null(bind_at("/dev/dri"));
	cr_expect_not_null(bind_at("/usr/bin/rocminfo"));
	cr_expect_eq(plan->notes.count, 0);
}
