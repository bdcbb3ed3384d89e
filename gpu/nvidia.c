/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/nvidia.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_image.h"
#include "gpu/gpu_solib.h"
#include "gpu/gpu_list.h"
#include "gpu/gpu_plan.h"
#include "gpu/gpu_vendor.h"
#include "gpu/nvidia_choice.h"
#include "gpu/nvidia_device.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* As in apptainer's nvliblist.conf, and libraries that newer drivers have. */
static const char built_in_list[] =
	"nvidia-smi\nnvidia-debugdump\nnvidia-persistenced\n"
	"nvidia-cuda-mps-control\nnvidia-cuda-mps-server\n"
	"libcuda.so\nlibcudadebugger.so\nlibEGL_installertest.so\n"
	"libEGL_nvidia.so\nlibEGL.so\nlibGLdispatch.so\n"
	"libGLESv1_CM_nvidia.so\nlibGLESv1_CM.so\nlibGLESv2_nvidia.so\n"
	"libGLESv2.so\nlibGL.so\nlibGLX_installertest.so\nlibGLX_nvidia.so\n"
	"libglx.so\nlibGLX.so\nlibnvcuvid.so\nlibnvcucompat.so\nlibnvcudla.so\n"
	"libnvcuextend.so\nlibnvidia-allocator.so\nlibnvidia-api.so\n"
	"libnvidia-cbl.so\nlibnvidia-cfg.so\nlibnvidia-compiler.so\n"
	"libnvidia-eglcore.so\nlibnvidia-egl-gbm.so\n"
	"libnvidia-egl-wayland.so\nlibnvidia-egl-xcb.so\n"
	"libnvidia-egl-xlib.so\nlibnvidia-encode.so\n"
	"libnvidia-fatbinaryloader.so\nlibnvidia-fbc.so\nlibnvidia-glcore.so\n"
	"libnvidia-glsi.so\nlibnvidia-glvkspirv.so\nlibnvidia-gpucomp.so\n"
	"libnvidia-gtk2.so\nlibnvidia-gtk3.so\nlibnvidia-ifr.so\n"
	"libnvidia-ml.so\nlibnvidia-ngx.so\nlibnvidia-nscq.so\n"
	"libnvidia-nvvm.so\nlibnvidia-nvvm70.so\nlibnvidia-opencl.so\n"
	"libnvidia-opticalflow.so\nlibnvidia-pkcs11.so\n"
	"libnvidia-pkcs11-openssl3.so\nlibnvidia-ptxjitcompiler.so\n"
	"libnvidia-rmapi-tegra.so\nlibnvidia-rtcore.so\n"
	"libnvidia-sandboxutils.so\nlibnvidia-tileiras.so\nlibnvidia-tls.so\n"
	"libnvidia-vksc-core.so\nlibnvidia-wfb.so\nlibnvoptix.so\nlibnvos.so\n"
	"libnvosd.so\nlibnvrm_chip.so\nlibnvrm_gpu.so\nlibnvrm_host1x.so\n"
	"libnvrm_mem.so\nlibnvrm_stream.so\nlibnvrm_surface.so\n"
	"libnvrm_sync.so\nlibnvsciipc.so\nlibnvsocsys.so\nlibnvtegrahv.so\n"
	"libOpenCL.so\nlibOpenGL.so\nlibvdpau_nvidia.so\nnvidia_drv.so\n"
	"tls_test_.so\n"
	"/etc/OpenCL/vendors/nvidia.icd\n"
	"/etc/vulkan/icd.d/nvidia_icd.json\n"
	"/etc/vulkan/implicit_layer.d/nvidia_layers.json\n"
	"/usr/share/glvnd/egl_vendor.d/10_nvidia.json\n"
	"/usr/share/vulkan/icd.d/nvidia_icd.json\n"
	"/usr/share/vulkan/icd.d/nvidia_layers.json\n"
	"/usr/share/vulkan/implicit_layer.d/nvidia_layers.json\n"
	"/usr/share/egl/egl_external_platform.d/15_nvidia_gbm.json\n"
	"/usr/share/egl/egl_external_platform.d/10_nvidia_wayland.json\n"
	"/usr/share/nvidia/nvoptix.bin\n";

/* Of GLVND and the OpenCL loader: no driver's own. */
static const char *const neutral[] = {
	"libEGL.so",	"libGL.so",	"libGLESv1_CM.so",
	"libGLESv2.so", "libGLX.so",	"libGLdispatch.so",
	"libOpenCL.so", "libOpenGL.so", NULL,
};

/* Services of the driver.  Not /tmp/nvidia-mps: a job that shares the host's
 * /tmp has it, and one that does not has no place for it. */
static const char *const sockets[] = {
	"/var/run/nvidia-persistenced/socket",
	"/var/run/nvidia-fabricmanager/socket",
	NULL,
};

/* For whatever GPU; NULL-ended. */
static const char *const common_nodes[] = {
	"/dev/nvidiactl",      "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools",
	"/dev/nvidia-modeset", "/dev/gdrdrv",	  NULL,
};

int nvidia_load_list(const struct gpu_host *host, struct gpu_list *ret,
		     struct error *err)
{
	return gpu_list_load(host, "nvliblist.conf", built_in_list, ret, err);
}

void nvidia_load_version(const struct gpu_host *host,
			 const struct gpu_solib_set *libraries,
			 char ret[NVIDIA_VERSION_SIZE])
{
	const char *version;

	ret[0] = '\0';
	if (gpu_host_read_line(host, "/sys/module/nvidia/version", ret,
			       NVIDIA_VERSION_SIZE) == 0 &&
	    isdigit((unsigned char)ret[0]))
		return;
	ret[0] = '\0';
	for (size_t i = 0; libraries && i < libraries->count; i++) {
		if (strcmp(libraries->items[i].name, "libcuda.so.1") != 0)
			continue;
		version = gpu_solib_version(libraries->items[i].real);
		if (!version)
			continue;
		snprintf(ret, NVIDIA_VERSION_SIZE, "%s", version);
		return;
	}
}

int nvidia_add_compat(const char *version, const struct gpu_image *image,
		      struct gpu_plan *plan)
{
	unsigned long host = strtoul(version, NULL, 10);
	unsigned compat = gpu_image_get_compat(image);

	if (host == 0 || compat <= host)
		return 0;
	return gpu_plan_add_text(&plan->library_first, "%s",
				 GPU_IMAGE_COMPAT_DIR);
}

/* Programs look for these names, too, which ldconfig does not make. */
static int add_names(struct gpu_plan *plan)
{
	static const struct {
		const char *name;
		const char *other;
	} names[] = {
		{ GPU_PLAN_LIBS "/libcuda.so", GPU_PLAN_LIBS "/libcuda.so.1" },
		{ GPU_PLAN_LIBS "/libnvidia-opticalflow.so",
		  GPU_PLAN_LIBS "/libnvidia-opticalflow.so.1" },
		{ GPU_PLAN_LIBS "/libGLX_indirect.so.0",
		  GPU_PLAN_LIBS "/libGLX_nvidia.so.0" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(*names); i++) {
		const char *target = gpu_plan_find_link(plan, names[i].other);

		if (target)
			r = gpu_plan_add_link(plan, names[i].name, target);
	}
	return r;
}

static int add_driver(const struct gpu_options *options,
		      const struct gpu_host *host,
		      const struct gpu_image *image, struct gpu_plan *plan,
		      struct error *err)
{
	struct gpu_list list CLEANUP(gpu_list_fini) = { 0 };
	struct gpu_solib_set libraries CLEANUP(gpu_solib_set_fini) = { 0 };
	char version[NVIDIA_VERSION_SIZE];
	int r = nvidia_load_list(host, &list, err);

	if (r == 0)
		r = gpu_solib_find(host, &list, options->library_dirs,
				   &libraries, err);
	if (r < 0)
		return r;
	nvidia_load_version(host, &libraries, version);
	r = gpu_vendor_add_libraries(&libraries, version, neutral, image, plan);
	if (r == 0)
		r = add_names(plan);
	if (r == 0)
		r = gpu_vendor_add_files(host, &list, plan);
	if (r == 0)
		r = nvidia_add_compat(version, image, plan);
	if (r == 0 && !gpu_plan_find_link(plan, GPU_PLAN_LIBS "/libcuda.so.1"))
		r = gpu_plan_add_text(&plan->notes,
				      "--nv: this host has no libcuda.so.1%s%s "
				      "that this machine could load: `lazyrun "
				      "doctor --gpu` says what is missing",
				      version[0] ? " of version " : "",
				      version);
	return r < 0 ? error_set_errno(err, r, "cannot plan for the driver")
		     : 0;
}

static int add_sockets(const struct gpu_host *host, struct gpu_plan *plan)
{
	char real[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && sockets[i]; i++)
		if (gpu_host_resolve(host, sockets[i], real) == 0)
			r = gpu_plan_add_bind(plan, real, sockets[i], false);
	return r;
}

/* /dev/dri/... of a GPU; a directory of /sys names them */
struct render_nodes {
	const struct gpu_host *host;
	struct gpu_plan *plan;
};

static int add_render_node(void *arg, const char *name)
{
	struct render_nodes *nodes = arg;
	char path[PATH_MAX];

	if (strncmp(name, "card", 4) != 0 && strncmp(name, "renderD", 7) != 0)
		return 0;
	snprintf(path, sizeof(path), "/dev/dri/%s", name);
	return gpu_vendor_add_node(nodes->host, path, nodes->plan);
}

static int add_cap(const struct gpu_host *host, unsigned minor,
		   struct gpu_plan *plan)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/nvidia-caps/nvidia-cap%u", minor);
	return gpu_vendor_add_node(host, path, plan);
}

static int add_gpu(const struct gpu_host *host,
		   const struct nvidia_device *device, struct gpu_plan *plan)
{
	struct render_nodes nodes = { host, plan };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "/dev/nvidia%u", device->minor);
	r = gpu_vendor_add_node(host, path, plan);
	for (size_t i = 0; r == 0 && i < device->slice_count; i++) {
		if (!device->slices[i].is_chosen)
			continue;
		r = add_cap(host, device->slices[i].gpu_cap, plan);
		if (r == 0)
			r = add_cap(host, device->slices[i].compute_cap, plan);
	}
	if (r < 0 || !device->bus[0])
		return r;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/drm",
		 device->bus);
	return gpu_host_list(host, path, add_render_node, &nodes);
}

static int add_channel(void *arg, const char *name)
{
	struct render_nodes *nodes = arg;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/dev/nvidia-caps-imex-channels/%s", name);
	return gpu_vendor_add_node(nodes->host, path, nodes->plan);
}

static int add_nodes(const struct gpu_host *host,
		     const struct nvidia_device_set *set, struct gpu_plan *plan)
{
	struct render_nodes nodes = { host, plan };
	int r = 0;

	for (size_t i = 0; r == 0 && common_nodes[i]; i++)
		r = gpu_vendor_add_node(host, common_nodes[i], plan);
	for (size_t i = 0; r == 0 && i < set->count; i++)
		if (set->items[i].is_chosen)
			r = add_gpu(host, &set->items[i], plan);
	if (r == 0)
		r = gpu_host_list(host, "/dev/nvidia-caps-imex-channels",
				  add_channel, &nodes);
	return r;
}

static int add_devices(const struct gpu_options *options,
		       const struct gpu_host *host, struct gpu_plan *plan,
		       struct error *err)
{
	struct nvidia_device_set set CLEANUP(nvidia_device_set_fini) = { 0 };
	int r = nvidia_device_load(host, &set);

	if (r < 0)
		return error_set_errno(err, r, "cannot list this host's GPUs");
	if (set.count > 0) {
		r = nvidia_choice_make(options, host, &set, plan, err);
		if (r < 0)
			return r;
	} else {
		r = gpu_plan_add_text(&plan->notes,
				      "--nv: this host has no NVIDIA GPU, or "
				      "its driver is not loaded");
	}
	/* a /dev of the host's has them all */
	if (r == 0 && options->has_own_dev)
		r = add_nodes(host, &set, plan);
	return r < 0 ? error_set_errno(err, r, "cannot plan for the GPUs") : 0;
}

int nvidia_add(const struct gpu_options *options, const struct gpu_host *host,
	       const struct gpu_image *image, struct gpu_plan *plan,
	       struct error *err)
{
	int r;

	/* as NVIDIA's own runtime has it: no GPU and no driver, either */
	if (options->visible_devices &&
	    (strcmp(options->visible_devices, "void") == 0 ||
	     options->visible_devices[0] == '\0'))
		return 0;
	r = add_driver(options, host, image, plan, err);
	if (r == 0)
		r = add_devices(options, host, plan, err);
	if (r < 0)
		return r;
	r = add_sockets(host, plan);
	return r < 0 ? error_set_errno(err, r, "cannot plan for the driver")
		     : 0;
}
