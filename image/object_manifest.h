/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_manifest: the manifest of an image that is one object, and has none
 * of its own: who it is, in the form that an index records for every image.
 *
 * An OCI image manifest with one "layer" of DESCRIPTOR_OBJECT_TYPE, whose
 * digest is zero, for nobody may ever have read the whole object, and the
 * object's identity as annotations.  The same object gives the same bytes, and
 * their digest names its index and, with a place, its chunks.
 *
 * Threads: any; no shared state.
 */
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct descriptor;
struct error;
struct image_document;
struct object_identity;

/**
 * object_manifest_make() - manifest and configuration
 * @architecture: "amd64", that the image is to run on
 * @ret:          image_document_fini() releases it
 * @ret_config:   malloc'ed, with a NUL behind; what the manifest names
 *
 * Return: 0, -ENOMEM.
 */
int object_manifest_make(const struct object_identity *identity,
			 const char *architecture, struct image_document *ret,
			 uint8_t **ret_config, size_t *ret_config_size,
			 struct error *err);

/**
 * object_manifest_check() - is an object the one that a manifest describes?
 * @json:        of object_manifest_make(), perhaps from an index of unknown
 *               origin
 * @has_digests: the index has one for every chunk, so that an object under
 *               another name, of the same size, may be the same one
 *
 * Return: 0; -ESTALE (it changed: @err says what); -EPROTO (the manifest is of
 * no object); -ENOMEM.
 */
int object_manifest_check(const void *json, size_t size, bool has_digests,
			  const struct object_identity *identity,
			  struct error *err);
