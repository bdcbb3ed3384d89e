/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cdi: devices by the names that the Container Device Interface gives them.
 *
 * Files of the host say what a device needs: environment, mounts, device
 * nodes, hooks.  Hooks are programs that a container engine would execute as
 * the host; here none is: those of NVIDIA that matter are done by cdi_hook,
 * the others are named in the plan's notes.
 *
 * Threads: one at a time, for one plan.
 */
struct error;
struct gpu_host;
struct gpu_image;
struct gpu_options;
struct gpu_plan;

/**
 * cdi_add() - all that @options names: "vendor/class=name"
 *
 * A file counts only if it, and the directory it lies in, belong to root or to
 * the caller and nobody else may write to them.
 *
 * Return: 0, -EINVAL (not such a name), -ENODEV (no file has it, or what it
 * needs is not on this host), -EPERM (a file that others may write to),
 * -EBADMSG (a file is wrong, or two files of one directory have the device),
 * -ENOTSUP, -EFBIG, -ENOMEM.
 */
int cdi_add(const struct gpu_options *options, const struct gpu_host *host,
	    const struct gpu_image *image, struct gpu_plan *plan,
	    struct error *err);

/* A CDI file, for people: cdi_list(). */
struct cdi_file {
	const char *path;
	const char *kind;    /* "" when it cannot be used */
	const char *problem; /* why not; "" */
	unsigned device_count;
};

typedef int cdi_file_fn(void *arg, const struct cdi_file *file);

/** cdi_list() - call @visit for each file in @dirs (NULL: the usual ones);
 * what is wrong with a file is told and no error */
int cdi_list(const struct gpu_host *host, const char *const *dirs,
	     cdi_file_fn *visit, void *arg);
