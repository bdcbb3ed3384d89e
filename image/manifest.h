/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * manifest: OCI image manifests and indexes, and Docker schema-2 manifests and
 * lists, parsed from untrusted JSON (OCI image-spec v1.1 manifest.md,
 * image-index.md, descriptor.md).
 *
 * Threads: any; no shared state.
 */
#include "image/descriptor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct platform;

enum {
	MANIFEST_SIZE_MAX = 8 << 20,
	MANIFEST_LAYERS_MAX = 1024,
	MANIFEST_ENTRIES_MAX = 4096,
};

struct manifest {
	char *media_type; /* what it says itself; "" when it does not */
	struct descriptor config;
	struct descriptor *layers; /* lowest first */
	uint32_t layer_count;
};

/**
 * manifest_parse() - parse an image manifest
 *
 * Return: 0; -EPROTO (malformed: @err says which field); -ENOTSUP (schema 1,
 * an artifact, a layer type we cannot read: @err names it); -EFBIG; -ENOMEM.
 */
int manifest_parse(const void *json, size_t size, struct manifest *ret,
		   struct error *err);
void manifest_fini(struct manifest *manifest);

/**
 * manifest_is_index() - whether JSON of this media type (or, when that says
 * nothing, of this content) is an index or list
 *
 * What is neither is not an index: manifest_parse() says what is wrong.
 */
bool manifest_is_index(const char *media_type, const void *json, size_t size);

/**
 * manifest_choose() - the entry of an index for a platform
 * @ret: descriptor_fini() releases it; may itself be an index (nested), which
 *       the caller chooses from again
 *
 * First match in the index's order over the platform's variants from best to
 * least; then the first nested index that says no platform or the right one;
 * then the first image that says no platform.  Attestations (os "unknown")
 * and artifacts are passed over.
 *
 * Return: 0; -ENOTSUP (none: @err lists the platforms there are); -EPROTO;
 * -EFBIG; -ENOMEM.
 */
int manifest_choose(const void *json, size_t size,
		    const struct platform *platform, struct descriptor *ret,
		    struct error *err);
