/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_config: an image's configuration (OCI image-spec v1.1 config.md).
 * Every optional member may be absent or null.
 *
 * Threads: any; no shared state.
 */
#include "common/digest.h"

#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	IMAGE_CONFIG_SIZE_MAX = 8 << 20,
	IMAGE_CONFIG_LIST_MAX = 16384, /* entries of env, labels ... */
};

/* Texts that are absent are "", never NULL. */
struct image_config {
	char *architecture;
	char *os;
	char *variant;
	char *user;	   /* "", "uid[:gid]" or names */
	char *working_dir; /* "" when none */
	char *stop_signal;
	char **env;	   /* NULL-ended, never NULL; only entries that
				    are "NAME=value" */
	char **entrypoint; /* NULL-ended, never NULL */
	char **cmd;
	char **labels;		 /* "name=value", sorted */
	struct digest *diff_ids; /* one per layer, lowest first */
	uint32_t diff_id_count;
};

/**
 * image_config_parse() - parse untrusted JSON
 * @ret: image_config_fini() releases it; untouched on failure
 *
 * Return: 0, -EPROTO (@err says which field), -EFBIG, -ENOMEM.
 */
int image_config_parse(const void *json, size_t size, struct image_config *ret,
		       struct error *err);
void image_config_fini(struct image_config *config);
