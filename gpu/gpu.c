/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/gpu.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/cdi.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_image.h"
#include "gpu/gpu_plan.h"
#include "gpu/nvidia.h"
#include "gpu/rocm.h"

#include <assert.h>
#include <errno.h>

int gpu_make_plan(const struct gpu_options *options,
		  const struct gpu_image *image, struct gpu_plan **ret,
		  struct error *err)
{
	struct gpu_host host CLEANUP(gpu_host_close) = GPU_HOST_INIT;
	struct gpu_host whole CLEANUP(gpu_host_close) = GPU_HOST_INIT;
	CLEANUP(gpu_plan_destroyp) struct gpu_plan *plan = gpu_plan_create();
	int r;

	assert(image && image->has && image->list);
	if (!plan)
		return error_set(err, -ENOMEM, "out of memory");
	r = gpu_host_open(options->driver_root, &host, err);
	if (r == 0 && options->use_nvidia)
		r = nvidia_add(options, &host, image, plan, err);
	if (r == 0 && options->use_rocm)
		r = rocm_add(options, &host, image, plan, err);
	if (r == 0 && options->cdi_devices)
		r = gpu_host_open(options->host_root, &whole, err);
	if (r == 0 && options->cdi_devices)
		r = cdi_add(options, &whole, image, plan, err);
	if (r < 0)
		return r;
	if (plan->library_dirs.count > 0)
		r = gpu_plan_add_text(&plan->library_last, "%s", GPU_PLAN_LIBS);
	if (r < 0)
		return error_set_errno(err, r, "cannot plan for the GPUs");
	*ret = STEAL_PTR(plan);
	return 0;
}
