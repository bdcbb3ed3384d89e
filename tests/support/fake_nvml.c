/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_nvml: a libnvidia-ml.so.1 that knows two slices of the GPU with minor 1:
 * MIG-first-slice is 2/0, MIG-second-slice 7/0.
 */
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

enum { SUCCESS = 0, UNINITIALIZED = 1, NOT_FOUND = 6 };

static int users;
static int slices[2];
static int gpu;

EXPORTED int nvmlInit_v2(void);
EXPORTED int nvmlShutdown(void);
EXPORTED int nvmlDeviceGetHandleByUUID(const char *uuid, void **device);
EXPORTED int nvmlDeviceGetGpuInstanceId(void *device, unsigned *id);
EXPORTED int nvmlDeviceGetComputeInstanceId(void *device, unsigned *id);
EXPORTED int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *slice,
							  void **device);
EXPORTED int nvmlDeviceGetMinorNumber(void *device, unsigned *minor);

int nvmlInit_v2(void)
{
	users++;
	return SUCCESS;
}

int nvmlShutdown(void)
{
	return users-- > 0 ? SUCCESS : UNINITIALIZED;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device)
{
	if (users == 0)
		return UNINITIALIZED;
	if (strcmp(uuid, "MIG-first-slice") == 0)
		*device = &slices[0];
	else if (strcmp(uuid, "MIG-second-slice") == 0)
		*device = &slices[1];
	else
		return NOT_FOUND;
	return SUCCESS;
}

int nvmlDeviceGetGpuInstanceId(void *device, unsigned *id)
{
	*id = device == &slices[0] ? 2 : 7;
	return SUCCESS;
}

int nvmlDeviceGetComputeInstanceId(void *device, unsigned *id)
{
	(void)device;
	*id = 0;
	return SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *slice, void **device)
{
	(void)slice;
	*device = &gpu;
	return SUCCESS;
}

int nvmlDeviceGetMinorNumber(void *device, unsigned *minor)
{
	if (device != &gpu)
		return NOT_FOUND;
	*minor = 1;
	return SUCCESS;
}
