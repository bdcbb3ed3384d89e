/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor_gpu.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/cdi.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_solib.h"
#include "gpu/gpu_list.h"
#include "gpu/nvidia.h"
#include "gpu/nvidia_device.h"
#include "tools/doctor_report.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Without the first, no CUDA program starts. */
static const struct {
	const char *name;
	enum doctor_level level;
	const char *what;
} libraries[] = {
	{ "libcuda.so.1", DOCTOR_WARN, "no CUDA program starts" },
	{ "libnvidia-ml.so.1", DOCTOR_WARN, "nvidia-smi and NVML do not work" },
	{ "libnvidia-ptxjitcompiler.so.1", DOCTOR_WARN,
	  "programs for other GPUs are not compiled at run time" },
	{ "libcudadebugger.so.1", DOCTOR_NOTE,
	  "CUDA programs have no debugger" },
};

static const struct gpu_solib *find_library(const struct gpu_solib_set *set,
					    const char *name,
					    const char *version)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *its = gpu_solib_version(set->items[i].real);

		if (strcmp(set->items[i].name, name) == 0 &&
		    (!its || !version[0] || strcmp(its, version) == 0))
			return &set->items[i];
	}
	return NULL;
}

static void check_libraries(struct doctor_report *report,
			    const struct gpu_solib_set *set,
			    const char *version)
{
	static const char fix[] =
		"install the user-space driver of the kernel's version "
		"(Debian: "
		"libcuda1, Red Hat: nvidia-driver-cuda-libs), run ldconfig, or "
		"name its directory: --gpu-libraries DIR";

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		const struct gpu_solib *found =
			find_library(set, libraries[i].name, version);
		const struct gpu_solib *other =
			find_library(set, libraries[i].name, "");

		if (found)
			doctor_report_add(report, DOCTOR_OK, libraries[i].name,
					  NULL, "%s", found->real);
		else if (other)
			doctor_report_add(report, libraries[i].level,
					  libraries[i].name, fix,
					  "only %s is there, and the kernel's "
					  "driver is %s: %s",
					  other->real, version,
					  libraries[i].what);
		else
			doctor_report_add(
				report, libraries[i].level, libraries[i].name,
				fix, "is not there: %s", libraries[i].what);
	}
}

static void check_node(struct doctor_report *report,
		       const struct gpu_host *host, const char *path,
		       const char *fix)
{
	char real[PATH_MAX];

	if (gpu_host_resolve(host, path, real) < 0)
		doctor_report_add(report, DOCTOR_WARN, path, fix,
				  "is not there");
	else if (access(real, R_OK | W_OK) < 0)
		doctor_report_add(report, DOCTOR_WARN, path,
				  "ask for access: the driver's option "
				  "NVreg_DeviceFileMode, or a group",
				  "may not be opened by this user");
	else
		doctor_report_add(report, DOCTOR_OK, path, NULL,
				  "can be opened");
}

static void check_gpus(struct doctor_report *report,
		       const struct gpu_host *host)
{
	static const char make[] = "as root: nvidia-modprobe -u -c 0";
	struct nvidia_device_set set CLEANUP(nvidia_device_set_fini) = { 0 };
	char path[64];

	if (nvidia_device_load(host, &set) < 0 || set.count == 0) {
		doctor_report_add(report, DOCTOR_NOTE, "NVIDIA GPUs",
				  "modprobe nvidia, if there is one", "none");
		return;
	}
	for (size_t i = 0; i < set.count; i++) {
		const struct nvidia_device *gpu = &set.items[i];

		doctor_report_add(report, DOCTOR_OK, "GPU", NULL,
				  "%zu: %s %s at %s, %zu MIG slices", i,
				  gpu->model[0] ? gpu->model
						: "(unknown model)",
				  gpu->uuid[0] ? gpu->uuid : "(unknown UUID)",
				  gpu->bus[0] ? gpu->bus : "(unknown bus)",
				  gpu->slice_count);
		snprintf(path, sizeof(path), "/dev/nvidia%u", gpu->minor);
		check_node(report, host, path, make);
		for (size_t j = 0; j < gpu->slice_count; j++) {
			snprintf(path, sizeof(path),
				 "/dev/nvidia-caps/nvidia-cap%u",
				 gpu->slices[j].compute_cap);
			check_node(report, host, path,
				   "as root: nvidia-modprobe -f PATH of the "
				   "capability in /proc/driver/nvidia");
		}
	}
	check_node(report, host, "/dev/nvidiactl", make);
	check_node(report, host, "/dev/nvidia-uvm", make);
}

static void check_nvidia(struct doctor_report *report,
			 const struct gpu_host *host)
{
	struct gpu_list list CLEANUP(gpu_list_fini) = { 0 };
	struct gpu_solib_set set CLEANUP(gpu_solib_set_fini) = { 0 };
	char version[NVIDIA_VERSION_SIZE];
	struct error err = { 0 };

	if (nvidia_load_list(host, &list, &err) < 0 ||
	    gpu_solib_find(host, &list, NULL, &set, &err) < 0) {
		doctor_report_add(report, DOCTOR_WARN, "NVIDIA driver",
				  "what the sentence says", "%s", err.text);
		return;
	}
	nvidia_load_version(host, &set, version);
	check_gpus(report, host);
	if (!version[0]) {
		doctor_report_add(report, DOCTOR_NOTE, "NVIDIA driver",
				  "install it, if there is such a GPU", "none");
		return;
	}
	doctor_report_add(report, DOCTOR_OK, "NVIDIA driver", NULL,
			  "%s; %zu names of libraries", version, set.count);
	check_libraries(report, &set, version);
}

static void check_amd(struct doctor_report *report, const struct gpu_host *host)
{
	if (!gpu_host_has(host, "/dev/kfd")) {
		doctor_report_add(report, DOCTOR_NOTE, "AMD GPUs",
				  "modprobe amdgpu, if there is one", "none");
		return;
	}
	check_node(report, host, "/dev/kfd", NULL);
	if (!gpu_host_has(host, "/dev/dri"))
		doctor_report_add(report, DOCTOR_WARN, "/dev/dri",
				  "modprobe amdgpu", "is not there");
}

static int report_file(void *arg, const struct cdi_file *file)
{
	struct doctor_report *report = arg;

	if (file->problem[0])
		doctor_report_add(report, DOCTOR_WARN, "CDI file",
				  "make it anew (nvidia-ctk cdi generate), or "
				  "as the sentence says",
				  "%s", file->problem);
	else
		doctor_report_add(report, DOCTOR_OK, "CDI file", NULL,
				  "%s: %u devices of %s", file->path,
				  file->device_count, file->kind);
	return 0;
}

void doctor_gpu_check(struct doctor_report *report, const char *driver_root,
		      const char *host_root)
{
	struct gpu_host driver CLEANUP(gpu_host_close) = GPU_HOST_INIT;
	struct gpu_host host CLEANUP(gpu_host_close) = GPU_HOST_INIT;
	struct error err = { 0 };

	if (gpu_host_open(driver_root, &driver, &err) < 0 ||
	    gpu_host_open(host_root, &host, &err) < 0) {
		doctor_report_add(report, DOCTOR_FAIL, "driver root",
				  "name another --driver-root", "%s", err.text);
		return;
	}
	check_nvidia(report, &driver);
	check_amd(report, &driver);
	if (cdi_list(&host, NULL, report_file, report) < 0)
		doctor_report_add(report, DOCTOR_WARN, "CDI file",
				  "remove some of them",
				  "there are too many to list");
}
