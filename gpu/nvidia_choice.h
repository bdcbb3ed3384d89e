/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nvidia_choice: which of a host's GPUs a job was given, by the variables that
 * batch systems set.
 *
 * NVIDIA_VISIBLE_DEVICES decides; without it CUDA_VISIBLE_DEVICES.  The numbers
 * of the latter are CUDA's own: of those GPUs that the job's device cgroup
 * leaves it, and in an order that is known when CUDA_DEVICE_ORDER is PCI_BUS_ID
 * or all of these are of one model.  Where it is not known, numbers limit
 * nothing, and CUDA minds them itself.
 *
 * Threads: any.
 */
#include <stdbool.h>

struct error;
struct gpu_host;
struct gpu_options;
struct gpu_plan;
struct nvidia_device_set;

/**
 * nvidia_choice_make() - mark the job's GPUs and slices
 * @set:  of nvidia_device_load(), with GPUs in it
 * @plan: gets a note where a slice cannot be told from the others, and, where
 *        the job's numbers are those of a host with more GPUs than it will see,
 *        CUDA_VISIBLE_DEVICES with UUIDs
 *
 * Return: 0, -ENODEV (there is no such device), -EINVAL, -EFBIG, -ENOMEM.
 */
int nvidia_choice_make(const struct gpu_options *options,
		       const struct gpu_host *host,
		       struct nvidia_device_set *set, struct gpu_plan *plan,
		       struct error *err);
