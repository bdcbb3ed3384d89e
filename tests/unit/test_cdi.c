/* SPDX-License-Identifier: Apache-2.0 */
/* --device on a fake host: files, edits, and hooks that nobody executes. */
#include "gpu/cdi.h"

#include "common/error.h"
#include "gpu/gpu.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_image.h"
#include "gpu/gpu_plan.h"
#include "tests/support/fake_driver.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DIR_64 "/usr/lib/x86_64-linux-gnu"

static struct fake_driver driver;
static struct gpu_plan *plan;
static struct error err;
static bool image_has_compat;

static bool image_has(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return false;
}

static int image_list(void *arg, const char *path, gpu_image_visit_fn *visit,
		      void *visit_arg)
{
	(void)arg;
	(void)path;
	return image_has_compat ? visit(visit_arg, "libcuda.so.570.1") : 0;
}

static const struct gpu_image image = { .has = image_has, .list = image_list };

/* As nvidia-ctk writes them, shortened. */
static const char nvidia_yaml[] =
	"cdiVersion: 0.5.0\n"
	"kind: nvidia.com/gpu\n"
	"devices:\n"
	"- name: \"0\"\n"
	"  containerEdits:\n"
	"    deviceNodes:\n"
	"    - path: /dev/nvidia0\n"
	"- name: all\n"
	"  containerEdits:\n"
	"    deviceNodes:\n"
	"    - path: /dev/nvidia0\n"
	"    - path: /dev/nvidia1\n"
	"    - path: /dev/renamed\n"
	"      hostPath: /dev/nvidiactl\n"
	"containerEdits:\n"
	"  env:\n"
	"  - NVIDIA_VISIBLE_DEVICES=void\n"
	"  deviceNodes:\n"
	"  - path: /dev/nvidiactl\n"
	"  mounts:\n"
	"  - hostPath: " DIR_64 "/libcuda.so.550.54.14\n"
	"    containerPath: " DIR_64 "/libcuda.so.550.54.14\n"
	"    options: [ro, nosuid, nodev, bind]\n"
	"  - hostPath: " DIR_64 "/libnvidia-ml.so.550.54.14\n"
	"    containerPath: " DIR_64 "/libnvidia-ml.so.550.54.14\n"
	"    options: [ro, nosuid, nodev, bind]\n"
	"  - hostPath: /opt/nvidia/nvidia-smi\n"
	"    containerPath: /usr/bin/nvidia-smi\n"
	"    options: [ro, nosuid, nodev, bind]\n"
	"  - hostPath: /var/run/nvidia-persistenced/socket\n"
	"    containerPath: /run/nvidia-persistenced/socket\n"
	"    options: [nosuid, nodev, bind, noexec]\n"
	"  hooks:\n"
	"  - hookName: createContainer\n"
	"    path: /usr/bin/nvidia-cdi-hook\n"
	"    args: [nvidia-cdi-hook, create-symlinks, --link,\n"
	"           'libcuda.so.1::" DIR_64 "/libcuda.so']\n"
	"  - hookName: createContainer\n"
	"    path: /usr/bin/nvidia-ctk\n"
	"    args: [nvidia-ctk, hook, update-ldcache, --folder=" DIR_64 "]\n"
	"  - hookName: createContainer\n"
	"    path: /usr/bin/nvidia-cdi-hook\n"
	"    args: [nvidia-cdi-hook, enable-cuda-compat,\n"
	"           --host-driver-version=550.54.14]\n"
	"  - hookName: createContainer\n"
	"    path: /usr/bin/nvidia-cdi-hook\n"
	"    args: [nvidia-cdi-hook, disable-device-node-modification]\n"
	"  - hookName: createContainer\n"
	"    path: /usr/bin/nvidia-cdi-hook\n"
	"    args: [nvidia-cdi-hook, update-application-profile]\n"
	"  - hookName: createRuntime\n"
	"    path: /opt/vendor/hook\n"
	"    args: [hook, create-symlinks]\n";

static void set_up(void)
{
	fake_driver_create(&driver);
	fake_driver_populate(&driver);
	fake_driver_write(&driver, "/etc/cdi/nvidia.yaml", nvidia_yaml);
}

static void tear_down(void)
{
	gpu_plan_destroy(plan);
	fake_driver_destroy(&driver);
}

TestSuite(cdi, .init = set_up, .fini = tear_down);

static int make_in(const char *const *dirs, const char *const *devices)
{
	const struct gpu_options options = {
		.host_root = driver.root,
		.has_own_dev = true,
		.cdi_devices = devices,
		.cdi_dirs = dirs,
	};

	gpu_plan_destroy(plan);
	plan = NULL;
	err = (struct error){ 0 };
	return gpu_make_plan(&options, &image, &plan, &err);
}

static int make(const char *device)
{
	const char *const devices[] = { device, NULL };

	return make_in(NULL, devices);
}

static const struct gpu_plan_bind *bind_at(const char *destination)
{
	for (size_t i = 0; i < plan->bind_count; i++)
		if (strcmp(plan->binds[i].destination, destination) == 0)
			return &plan->binds[i];
	return NULL;
}

static void expect_link(const char *path, const char *target)
{
	const char *found = gpu_plan_find_link(plan, path);

	cr_expect(found && strcmp(found, target) == 0, "%s -> %s", path,
		  found ? found : "(none)");
}

static void set_mode(const char *path, mode_t mode)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", driver.root, path);
	cr_assert_eq(chmod(whole, mode), 0);
}

Test(cdi, gives_what_the_file_says)
{
	cr_assert_eq(make("nvidia.com/gpu=0"), 0, "%s", err.text);
	cr_expect_not_null(bind_at("/dev/nvidia0"));
	cr_expect(bind_at("/dev/nvidiactl")->is_device);
	cr_expect_null(bind_at("/dev/nvidia1"));
	cr_expect(bind_at("/usr/bin/nvidia-smi")->is_read_only);
	cr_expect_not(bind_at("/run/nvidia-persistenced/socket")->is_read_only);
	cr_assert_eq(plan->environment.count, 1);
	cr_expect_str_eq(plan->environment.values[0],
			 "NVIDIA_VISIBLE_DEVICES=void");
	cr_assert_eq(make("nvidia.com/gpu=all"), 0, "%s", err.text);
	cr_expect_not_null(bind_at("/dev/nvidia1"));
	cr_expect_not_null(bind_at("/dev/renamed"));
}

Test(cdi, links_libraries_instead_of_mounting_each)
{
	cr_assert_eq(make("nvidia.com/gpu=0"), 0, "%s", err.text);
	expect_link(DIR_64 "/libcuda.so.550.54.14",
		    GPU_PLAN_DIR "/0/libcuda.so.550.54.14");
	cr_expect_null(bind_at(DIR_64 "/libcuda.so.550.54.14"));
	cr_expect_not_null(bind_at(GPU_PLAN_DIR "/0"));
	cr_expect_eq(plan->library_dirs.count, 1);
}

Test(cdi, does_nvidias_hooks_itself)
{
	image_has_compat = true;
	cr_assert_eq(make("nvidia.com/gpu=0"), 0, "%s", err.text);
	expect_link(DIR_64 "/libcuda.so", "libcuda.so.1");
	expect_link(DIR_64 "/libcuda.so.1", "libcuda.so.550.54.14");
	expect_link(DIR_64 "/libnvidia-ml.so.1", "libnvidia-ml.so.550.54.14");
	expect_link(GPU_PLAN_LIBS "/libcuda.so.1",
		    DIR_64 "/libcuda.so.550.54.14");
	cr_expect_str_eq(plan->library_last.values[0], GPU_PLAN_LIBS);
	cr_expect_str_eq(plan->library_first.values[0], GPU_IMAGE_COMPAT_DIR);
	cr_assert_eq(plan->file_count, 2);
	cr_expect_str_eq(plan->files[0].path, "/proc/driver/nvidia/params");
	cr_expect(plan->files[0].is_mask);
	cr_expect(strstr(plan->files[0].text, "ModifyDeviceFiles: 0\n"));
	cr_expect(strstr(plan->files[0].text, "ResmanDebugLevel: 4294967295"));
	cr_assert_eq(plan->notes.count, 1);
	cr_expect(strstr(plan->notes.values[0], "/opt/vendor/hook"));
	image_has_compat = false;
	cr_assert_eq(make("nvidia.com/gpu=0"), 0, "%s", err.text);
	cr_expect_eq(plan->library_first.count, 0);
}

Test(cdi, tells_egl_which_gpus_there_are)
{
	static const char path[] =
		"/etc/nvidia/nvidia-application-profiles-rc.d/"
		"10-container.conf";
	static const struct {
		const char *device;
		const char *visible;
	} cases[] = {
		{ "nvidia.com/gpu=0", "\"EGLVisibleDGPUDevices\", 0x1]" },
		{ "nvidia.com/gpu=all", "\"EGLVisibleDGPUDevices\", 0x3]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_eq(make(cases[i].device), 0, "%s", err.text);
		cr_assert_eq(plan->file_count, 2);
		cr_expect_str_eq(plan->files[1].path, path);
		cr_expect_not(plan->files[1].is_mask);
		cr_expect(strstr(plan->files[1].text, cases[i].visible),
			  "case: %s: %s", cases[i].device, plan->files[1].text);
	}
}

Test(cdi, refuses_files_that_others_may_write_to)
{
	set_mode("/etc/cdi/nvidia.yaml", 0664);
	cr_expect_eq(make("nvidia.com/gpu=0"), -EPERM);
	cr_expect(strstr(err.text, "nvidia.yaml may be written to by others"),
		  "%s", err.text);
	set_mode("/etc/cdi/nvidia.yaml", 0644);
	set_mode("/etc/cdi", 0777);
	cr_expect_eq(make("nvidia.com/gpu=0"), -EPERM);
	set_mode("/etc/cdi", 0755);
	cr_expect_eq(make("nvidia.com/gpu=0"), 0, "%s", err.text);
	if (geteuid() == 0) {
		char whole[PATH_MAX];

		snprintf(whole, sizeof(whole), "%s/etc/cdi/nvidia.yaml",
			 driver.root);
		cr_assert_eq(chown(whole, 4711, 0), 0);
		cr_expect_eq(make("nvidia.com/gpu=0"), -EPERM);
		cr_expect(strstr(err.text, "belongs to uid 4711"), "%s",
			  err.text);
	}
}

Test(cdi, says_what_is_missing)
{
	cr_expect_eq(make("nvidia.com/gpu=7"), -ENODEV);
	cr_expect(strstr(err.text, "no CDI file has the device"), "%s",
		  err.text);
	cr_expect_eq(make("nvidia.com/gpu"), -EINVAL);
	cr_expect_eq(make("gpu=0"), -EINVAL);
	cr_expect_eq(make("nvidia.com/gpu="), -EINVAL);
	fake_driver_remove(&driver, "/opt/nvidia/nvidia-smi");
	cr_expect_eq(make("nvidia.com/gpu=0"), -ENODEV);
	cr_expect(
		strstr(err.text, "/opt/nvidia/nvidia-smi is not on this host"),
		"%s", err.text);
}

Test(cdi, lets_later_directories_win)
{
	static const char other[] =
		"{\"cdiVersion\": \"0.5.0\", \"kind\": \"nvidia.com/gpu\", "
		"\"devices\": [{\"name\": \"0\", \"containerEdits\": "
		"{\"env\": [\"FROM=run\"]}}]}";
	static const char *const dirs[] = { "/site/cdi", NULL };
	static const char *const devices[] = { "nvidia.com/gpu=0", NULL };

	fake_driver_write(&driver, "/var/run/cdi/a.json", other);
	cr_assert_eq(make("nvidia.com/gpu=0"), 0, "%s", err.text);
	cr_expect_eq(plan->environment.count, 1);
	cr_expect_str_eq(plan->environment.values[0], "FROM=run");
	/* but two in one directory are a mistake */
	fake_driver_write(&driver, "/var/run/cdi/b.json", other);
	cr_expect_eq(make("nvidia.com/gpu=0"), -EBADMSG);
	cr_expect(strstr(err.text, "a.json"), "%s", err.text);
	fake_driver_write(&driver, "/site/cdi/c.json", other);
	cr_expect_eq(make_in(dirs, devices), 0, "%s", err.text);
}

Test(cdi, passes_over_wrong_files_of_other_devices)
{
	fake_driver_write(&driver, "/etc/cdi/broken.json", "{");
	fake_driver_write(&driver, "/etc/cdi/README", "not a CDI file");
	cr_expect_eq(make("nvidia.com/gpu=0"), 0, "%s", err.text);
	cr_expect_eq(make("other.com/x=0"), -EBADMSG);
	cr_expect(strstr(err.text, "broken.json"), "%s", err.text);
}

static void make_with(const char *edits, int expected, const char *words)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"cdiVersion\": \"1.1.0\", \"kind\": \"t.com/x\", "
		 "\"devices\": [{\"name\": \"a\", \"containerEdits\": {%s}}]}",
		 edits);
	fake_driver_write(&driver, "/etc/cdi/t.json", text);
	cr_expect_eq(make("t.com/x=a"), expected, "%s: %s", edits, err.text);
	cr_expect(strstr(err.text, words), "%s", err.text);
}

Test(cdi, refuses_edits_that_make_no_sense)
{
	make_with("\"env\": [\"NOVALUE\"]", -EBADMSG, "NOVALUE");
	make_with("\"mounts\": [{\"hostPath\": \"/etc\", \"containerPath\": "
		  "\"/\"}]",
		  -EBADMSG, "not an absolute path");
	make_with("\"mounts\": [{\"hostPath\": \"/etc\", \"containerPath\": "
		  "\"x\"}]",
		  -EBADMSG, "not an absolute path");
	make_with("\"mounts\": [{\"hostPath\": \"/etc\", \"containerPath\": "
		  "\"/x\", \"type\": \"tmpfs\"}]",
		  -ENOTSUP, "tmpfs");
	make_with("\"hooks\": [{\"hookName\": \"createContainer\", \"path\": "
		  "\"/usr/bin/nvidia-ctk\", \"args\": [\"nvidia-ctk\", "
		  "\"hook\", \"create-symlinks\", \"--link\", \"a::b\"]}]",
		  -EBADMSG, "a::b");
	make_with("\"hooks\": [{\"hookName\": \"createContainer\", \"path\": "
		  "\"/usr/bin/nvidia-ctk\", \"args\": [\"nvidia-ctk\", "
		  "\"hook\", \"update-ldcache\", \"--folder\", \"lib\"]}]",
		  -EBADMSG, "lib");
	make_with("\"additionalGIDs\": [44]", 0, "");
	cr_assert_eq(plan->notes.count, 1);
	cr_expect(strstr(plan->notes.values[0], "additionalGIDs"));
}

struct listing {
	unsigned count;
	unsigned wrong;
};

static int count_file(void *arg, const struct cdi_file *file)
{
	struct listing *listing = arg;

	listing->count++;
	listing->wrong += file->problem[0] != '\0';
	cr_expect(file->problem[0] || file->device_count == 2);
	return 0;
}

Test(cdi, lists_files_for_people)
{
	struct gpu_host host = GPU_HOST_INIT;
	struct listing listing = { 0 };

	fake_driver_write(&driver, "/etc/cdi/broken.json", "{");
	cr_assert_eq(gpu_host_open(driver.root, &host, NULL), 0);
	cr_expect_eq(cdi_list(&host, NULL, count_file, &listing), 0);
	cr_expect_eq(listing.count, 2);
	cr_expect_eq(listing.wrong, 1);
	gpu_host_close(&host);
}
