/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_object: an image_origin that is one object: a SIF or a SquashFS file
 * on disk, at a URL, in a federation.
 *
 * Its manifest is made here (object_manifest.h).  While it is open it does not
 * change: a source refuses bytes of another version.
 */
#include "fetch/object_source.h"

#include <stdbool.h>

struct error;
struct image_origin;
struct image_ref;
struct range_source;

struct image_object_options {
	struct http_client *client; /* borrowed; NULL: files alone */
	bool allow_http;
	int cache_dir_fd;	/* for what federations said; -1: none */
	const char *federation; /* as object_source.h's; borrowed */
	const char *preferred_caches;
	const char *architecture; /* copied */
};

/** image_object_is_kind() - whether a reference is of this kind */
bool image_object_is_kind(const struct image_ref *ref);

/** image_object_create() - nothing is opened yet; 0, -ENOMEM */
int image_object_create(const struct image_ref *ref,
			const struct image_object_options *options,
			struct image_origin **ret, struct error *err);

/**
 * image_object_open() - find the object, unless that is done
 *
 * Return: 0, or as object_source_open() and file_blob_open_object().
 */
int image_object_open(struct image_origin *origin, struct error *err);

/** image_object_identity() - of an opened one; borrowed */
const struct object_identity *image_object_identity(
	const struct image_origin *origin);

/** image_object_source() - of an opened one; borrowed until the next
 * open_blob().  0, or as image_object_open() */
int image_object_source(struct image_origin *origin, struct range_source **ret,
			struct error *err);
