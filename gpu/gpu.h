/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu: what a job needs of the host for the GPUs it was given.
 *
 * The host is read (driver libraries, device nodes, /proc and /sys, CDI
 * files), the image is asked what it has itself, and a plan comes out.  Nothing
 * is executed: no ldconfig, no nvidia-container-cli, no CDI hook.  What is done
 * and why is written in docs/gpu.md.
 *
 * Threads: any, one plan each.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct gpu_image;
struct gpu_plan;

/* All borrowed for the call. */
struct gpu_options {
	const char *driver_root; /* where the driver is; NULL: "/" */
	const char *host_root;	 /* of CDI files and all that they name: they
				    speak of the host; NULL: "/" */
	bool use_nvidia;
	bool use_rocm;
	bool has_own_dev; /* the job sees a /dev of its own: nodes are bound */
	const char *visible_devices; /* NVIDIA_VISIBLE_DEVICES; NULL: not set */
	const char *cuda_devices;    /* CUDA_VISIBLE_DEVICES; NULL: not set */
	bool cuda_by_bus;	     /* CUDA_DEVICE_ORDER=PCI_BUS_ID */
	const char *const *library_dirs; /* beside the linker's cache; NULL */
	const char *const *cdi_devices;	 /* "vendor/class=name"; NULL: none */
	const char *const *cdi_dirs;	 /* NULL: /etc/cdi, /var/run/cdi */
};

/**
 * gpu_make_plan() - what the job needs
 * @image: asked meanwhile
 * @ret:   the caller's, to gpu_plan_destroy()
 *
 * A host without a driver gives an empty plan with a note that says so: the
 * job may not need one.
 *
 * Return: 0, -ENODEV (a device was named that is not there), -EINVAL (what it
 * was named by makes no sense), -EPERM (a CDI file that others may write to),
 * -EBADMSG (a CDI file is wrong), -EFBIG, -ENOMEM.
 */
int gpu_make_plan(const struct gpu_options *options,
		  const struct gpu_image *image, struct gpu_plan **ret,
		  struct error *err);
