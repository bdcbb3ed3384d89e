/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cdi_file: CDI files found in directories, read if nobody else may write
 * there.
 *
 * Threads: any.
 */
#include "gpu/cdi_spec.h"

#include <stdbool.h>

struct error;
struct gpu_host;

/* The usual ones; a later one's devices win.  NULL-ended. */
extern const char *const cdi_file_dirs[];

/** cdi_file_is_named() - whether @name ends as CDI files do: .json, .yaml */
bool cdi_file_is_named(const char *name);

/**
 * cdi_file_load() - read one
 * @path: DIR/NAME on the host
 * @ret:  started from `= { 0 }`; to cdi_spec_fini()
 *
 * Return: 0, -EPERM (others may write to it or to its directory), -EFBIG, and
 * as cdi_spec_parse(); @err names @path.
 */
int cdi_file_load(const struct gpu_host *host, const char *path,
		  struct cdi_spec *ret, struct error *err);
