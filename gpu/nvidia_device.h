/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nvidia_device: the NVIDIA GPUs of a host, and which of them a job was given.
 *
 * Read from /proc/driver/nvidia/gpus/BUS/information and, for slices of a GPU
 * (MIG), /proc/driver/nvidia/capabilities.  Without the former, /dev/nvidiaN
 * are the GPUs, and have no UUIDs.
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct gpu_host;

enum {
	NVIDIA_DEVICE_MAX = 256,       /* GPUs; the kernel has 255 minors */
	NVIDIA_DEVICE_SLICES_MAX = 64, /* of one GPU; hardware has 7 */
	NVIDIA_DEVICE_TEXT = 96,
};

/* A MIG compute instance. */
struct nvidia_device_slice {
	unsigned gpu_instance;
	unsigned compute_instance;
	unsigned gpu_cap; /* minor of /dev/nvidia-caps/nvidia-capN */
	unsigned compute_cap;
	bool is_chosen;
};

struct nvidia_device {
	char bus[NVIDIA_DEVICE_TEXT];	/* "0000:01:00.0"; "" unknown */
	char uuid[NVIDIA_DEVICE_TEXT];	/* "GPU-..."; "" unknown */
	char model[NVIDIA_DEVICE_TEXT]; /* "" unknown */
	unsigned minor;			/* of /dev/nvidiaN */
	bool is_chosen;
	struct nvidia_device_slice *slices; /* by instance; NULL: none */
	size_t slice_count;
};

/* By bus, as NVML numbers them. */
struct nvidia_device_set {
	struct nvidia_device *items;
	size_t count;
};

/**
 * nvidia_device_load() - the host's GPUs, none of them chosen
 * @ret: started from `= { 0 }`; to nvidia_device_set_fini() even after a
 *       failure
 *
 * Return: 0 (with none, too), -EFBIG, -ENOMEM.
 */
int nvidia_device_load(const struct gpu_host *host,
		       struct nvidia_device_set *ret);

/* Which slice is called MIG-UUID: 0; -ENOENT (none is); another negative errno:
 * it cannot be told. */
typedef int nvidia_device_slice_fn(void *arg, const char *uuid,
				   unsigned *ret_minor,
				   unsigned *ret_gpu_instance,
				   unsigned *ret_compute_instance);

/**
 * nvidia_device_choose() - mark what NVIDIA_VISIBLE_DEVICES names
 * @names: "all", "none", or names separated by commas: an index, a UUID or the
 *         beginning of one, INDEX:SLICE, MIG-GPU-UUID/GPU-INSTANCE/COMPUTE-
 *         INSTANCE, MIG-UUID
 * @find:  asked about the last; what it cannot tell may be any slice: all are
 *         chosen
 *
 * Return: 0, -ENODEV (there is no such device, or several begin so), -EINVAL.
 */
int nvidia_device_choose(struct nvidia_device_set *set, const char *names,
			 nvidia_device_slice_fn *find, void *arg,
			 struct error *err);

void nvidia_device_set_fini(struct nvidia_device_set *set);
