/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The declarations are those of NVIDIA's published interface (nvml.h), which
 * has kept them since MIG came; the header itself is in no distribution.
 */
#include "gpu/nvidia_nvml.h"

#include "common/error.h"
#include "common/shared_library.h"

#include <errno.h>

enum { NVML_SUCCESS = 0, NVML_ERROR_NOT_FOUND = 6 };

struct functions {
	int (*nvmlInit_v2)(void);
	int (*nvmlShutdown)(void);
	int (*nvmlDeviceGetHandleByUUID)(const char *uuid, void **device);
	int (*nvmlDeviceGetGpuInstanceId)(void *device, unsigned *id);
	int (*nvmlDeviceGetComputeInstanceId)(void *device, unsigned *id);
	int (*nvmlDeviceGetDeviceHandleFromMigDeviceHandle)(void *slice,
							    void **device);
	int (*nvmlDeviceGetMinorNumber)(void *device, unsigned *minor);
};

static const struct shared_library_symbol symbols[] = {
#define SYMBOL(name)                                                           \
	{                                                                      \
#name, offsetof(struct functions, name)                        \
	}
	SYMBOL(nvmlInit_v2),
	SYMBOL(nvmlShutdown),
	SYMBOL(nvmlDeviceGetHandleByUUID),
	SYMBOL(nvmlDeviceGetGpuInstanceId),
	SYMBOL(nvmlDeviceGetComputeInstanceId),
	SYMBOL(nvmlDeviceGetDeviceHandleFromMigDeviceHandle),
	SYMBOL(nvmlDeviceGetMinorNumber),
#undef SYMBOL
};

static int find(const struct functions *nvml, const char *uuid,
		struct nvidia_nvml_slice *ret)
{
	struct nvidia_nvml_slice slice;
	void *device = NULL;
	void *parent = NULL;
	int r = nvml->nvmlDeviceGetHandleByUUID(uuid, &device);

	if (r == NVML_SUCCESS)
		r = nvml->nvmlDeviceGetGpuInstanceId(device,
						     &slice.gpu_instance);
	if (r == NVML_SUCCESS)
		r = nvml->nvmlDeviceGetComputeInstanceId(
			device, &slice.compute_instance);
	if (r == NVML_SUCCESS)
		r = nvml->nvmlDeviceGetDeviceHandleFromMigDeviceHandle(device,
								       &parent);
	if (r == NVML_SUCCESS)
		r = nvml->nvmlDeviceGetMinorNumber(parent, &slice.minor);
	if (r == NVML_SUCCESS)
		*ret = slice;
	return r;
}

int nvidia_nvml_find_slice(const char *library, const char *uuid,
			   struct nvidia_nvml_slice *ret, struct error *err)
{
	struct functions nvml;
	struct shared_library loaded = {
		.file = library,
		.package = "that the driver comes with",
		.symbols = symbols,
		.symbol_count = sizeof(symbols) / sizeof(*symbols),
		.table = &nvml,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int r = shared_library_load(&loaded, err);

	if (r < 0)
		return r;
	r = nvml.nvmlInit_v2();
	if (r == NVML_SUCCESS) {
		r = find(&nvml, uuid, ret);
		(void)nvml.nvmlShutdown();
	}
	if (r == NVML_SUCCESS)
		return 0;
	if (r == NVML_ERROR_NOT_FOUND)
		return error_set(err, -ENOENT, "no slice is called %s", uuid);
	return error_set(err, -EIO, "%s does not answer: NVML's error %d",
			 library, r);
}
