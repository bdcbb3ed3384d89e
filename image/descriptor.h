/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * descriptor: media type, digest and size of a blob (OCI image-spec v1.1
 * descriptor.md), and which media types are what.
 *
 * Threads: any; no shared state.
 */
#include "common/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

enum { DESCRIPTOR_MEDIA_TYPE_LEN_MAX = 255 };

struct descriptor {
	char *media_type; /* owned, without parameters; may be "" */
	struct digest digest;
	uint64_t size; /* bytes; at most 2^48 - 1 */
};

/**
 * descriptor_parse() - read a descriptor object
 *
 * Return: 0; -EPROTO; -ENOTSUP (another digest algorithm than sha256);
 * -ENOMEM.  descriptor_fini() releases @ret.
 */
int descriptor_parse(const json_t *json, struct descriptor *ret,
		     struct error *err);
void descriptor_fini(struct descriptor *descriptor);

/** descriptor_copy_media_type() - without parameters ("; charset=..."), lower
 * case, malloc'ed; -EPROTO (too long), -ENOMEM */
int descriptor_copy_media_type(const char *text, char **ret, struct error *err);

/* What a media type, as descriptor_copy_media_type() returns it, names. */
bool descriptor_is_index_type(const char *media_type);
bool descriptor_is_manifest_type(const char *media_type);
bool descriptor_is_schema1_type(const char *media_type);
bool descriptor_is_config_type(const char *media_type);
bool descriptor_is_layer_type(const char *media_type);

/* An object (a SIF, a SquashFS file) in a manifest of our own making. */
#define DESCRIPTOR_OBJECT_TYPE "application/vnd.lazyrun.object.v1"
bool descriptor_is_object_type(const char *media_type);
