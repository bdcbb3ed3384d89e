/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/rocm.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_solib.h"
#include "gpu/gpu_list.h"
#include "gpu/gpu_plan.h"
#include "gpu/gpu_vendor.h"

/* As in apptainer's rocmliblist.conf. */
static const char built_in_list[] =
	"rocm-smi\nrocminfo\nlibCXLActivityLogger.so\nlibhc_am.so\n"
	"libmcwamp.so\nlibmcwamp_cpu.so\nlibmcwamp_hsa.so\nlibdrm.so\n"
	"libdrm_amdgpu.so\nlibnuma.so\nlibpci.so\nlibrocr_debug_agent64.so\n"
	"libamdcomgr64.so\nlibamdocl64.so\nlibcltrace.so\nlibOpenCL.so\n";

static const char *const any_library[] = { "lib", NULL };

int rocm_add(const struct gpu_options *options, const struct gpu_host *host,
	     const struct gpu_image *image, struct gpu_plan *plan,
	     struct error *err)
{
	struct gpu_list list CLEANUP(gpu_list_fini) = { 0 };
	struct gpu_solib_set libraries CLEANUP(gpu_solib_set_fini) = { 0 };
	int r = gpu_list_load(host, "rocmliblist.conf", built_in_list, &list,
			      err);

	if (r == 0)
		r = gpu_solib_find(host, &list, options->library_dirs,
				   &libraries, err);
	if (r < 0)
		return r;
	r = gpu_vendor_add_libraries(&libraries, "", any_library, image, plan);
	if (r == 0)
		r = gpu_vendor_add_files(host, &list, plan);
	if (r == 0 && !gpu_host_has(host, "/dev/kfd"))
		r = gpu_plan_add_text(&plan->notes,
				      "--rocm: this host has no /dev/kfd: its "
				      "driver (amdgpu) is not loaded");
	if (r == 0 && options->has_own_dev)
		r = gpu_vendor_add_node(host, "/dev/kfd", plan);
	if (r == 0 && options->has_own_dev)
		r = gpu_vendor_add_node(host, "/dev/dri", plan);
	return r < 0 ? error_set_errno(err, r, "cannot plan for the driver")
		     : 0;
}
