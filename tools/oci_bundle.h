/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * oci_bundle: what a runtime bundle's config.json asks for (OCI runtime-spec
 * 1.0, config.md), as far as lazyrun honours it: process.args, env and cwd,
 * root.path, bind mounts, and the annotation org.lazyrun.image.
 *
 * Threads: any; no shared state.
 */
#include "common/cleanup.h"

#include <stddef.h>

struct error;

struct oci_bundle {
	char *image;  /* a reference, or the directory root.path */
	char *cwd;    /* absolute */
	char **args;  /* NULL-ended, at least one */
	char **env;   /* NULL-ended */
	char **binds; /* NULL-ended; as --bind wants them, escaped */
};

/**
 * oci_bundle_load() - read @dir/config.json
 *
 * Return: 0; -ENOENT, -EFBIG (more than 16 MiB), -EINVAL (no JSON, or not what
 * the specification says), -ENOMEM; @err names the member.
 */
int oci_bundle_load(const char *dir, struct oci_bundle **ret,
		    struct error *err);
void oci_bundle_destroy(struct oci_bundle *bundle);
DEFINE_CLEANUP(struct oci_bundle, oci_bundle_destroy);
