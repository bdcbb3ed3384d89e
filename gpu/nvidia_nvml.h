/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nvidia_nvml: which slice of which GPU has a UUID of its own.
 *
 * A slice (MIG) is called MIG-UUID, and only the driver knows which one that
 * is: nothing below /proc says so.  Its library, libnvidia-ml, is loaded into
 * this process when such a name is met, and never else.
 *
 * Threads: one at a time.
 */
struct error;

struct nvidia_nvml_slice {
	unsigned minor; /* of the GPU's /dev/nvidiaN */
	unsigned gpu_instance;
	unsigned compute_instance;
};

/**
 * nvidia_nvml_find_slice() - ask the driver
 * @library: path of libnvidia-ml.so.1
 * @uuid:    "MIG-..."
 *
 * Return: 0; -ENOENT (no slice is called so); -ELIBACC (the library cannot be
 * loaded), -EIO (it does not answer), with @err.
 */
int nvidia_nvml_find_slice(const char *library, const char *uuid,
			   struct nvidia_nvml_slice *ret, struct error *err);
