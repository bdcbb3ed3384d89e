/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_origin: where an image comes from: a repository of a registry
 * (image_registry) or a layout on disk (image_layout).
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"
#include "common/digest.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct descriptor;
struct error;
struct image_origin;
struct image_ref;
struct platform;
struct range_source;

enum { IMAGE_ORIGIN_MEDIA_TYPE_SIZE = 256 };

/* A manifest or an index as it was stored. */
struct image_document {
	uint8_t *bytes; /* owned */
	size_t size;
	char media_type[IMAGE_ORIGIN_MEDIA_TYPE_SIZE]; /* "" when not known */
	struct digest digest; /* SHA-256 of the bytes */
};

static inline void image_document_fini(struct image_document *document)
{
	free(document->bytes);
	document->bytes = NULL;
}

/* malloc'ed, with a NUL behind them for who takes them for a text; NULL without
 * memory */
static inline uint8_t *image_document_copy_bytes(const void *data, size_t size)
{
	uint8_t *copy = (uint8_t *)malloc(size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

struct image_origin_ops {
	/* @digest NULL: what the reference's tag names; the bytes match
	 * ret->digest.  Errors as image_open(). */
	int (*fetch_document)(struct image_origin *origin,
			      const struct digest *digest,
			      struct image_document *ret, struct error *err);
	/* exactly @blob->size bytes, malloc'ed, checked */
	int (*fetch_blob)(struct image_origin *origin,
			  const struct descriptor *blob, uint8_t **ret,
			  struct error *err);
	/* as image_open_layer() */
	int (*open_blob)(struct image_origin *origin,
			 const struct descriptor *blob,
			 struct range_source **ret, struct error *err);
	/* The rest may be NULL: what has no room for artifacts.  As
	 * registry_fetch_referrers(), registry_push_blob() and
	 * registry_push_manifest(). */
	int (*fetch_referrers)(struct image_origin *origin,
			       const struct digest *subject,
			       struct image_document *ret, struct error *err);
	int (*fetch_tag)(struct image_origin *origin, const char *tag,
			 struct image_document *ret, struct error *err);
	int (*push_blob)(struct image_origin *origin,
			 const struct digest *digest, const void *data,
			 size_t size, struct error *err);
	int (*push_manifest)(struct image_origin *origin, const char *reference,
			     const char *media_type, const void *data,
			     size_t size, struct error *err);
	void (*destroy)(struct image_origin *origin);
};

/* First member of every implementation's struct. */
struct image_origin {
	const struct image_origin_ops *ops;
};

static inline void image_origin_destroy(struct image_origin *origin)
{
	if (origin)
		origin->ops->destroy(origin);
}
DEFINE_CLEANUP(struct image_origin, image_origin_destroy);

/**
 * image_origin_resolve() - the manifest that a reference names for a platform
 * @ref:     its digest, else the tag that the origin was made for
 * @ret:     zeroed; image_document_fini() releases it, also after a failure
 * @ret_top: the digest of what the reference itself names, which may be an
 *           index; untouched when that was not found
 *
 * Return: 0; -ENOTSUP (nothing for the platform); -EPROTO (malformed, indexes
 * nested too deep); -EFBIG; -ENOMEM; or what fetch_document() said.
 */
int image_origin_resolve(struct image_origin *origin,
			 const struct image_ref *ref,
			 const struct platform *platform,
			 struct image_document *ret, struct digest *ret_top,
			 struct error *err);
