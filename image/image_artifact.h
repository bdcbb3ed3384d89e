/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_artifact: what is kept beside an image in its registry: an OCI artifact
 * of one blob whose subject is the image's manifest (OCI image-spec v1.1
 * manifest.md, "Guidelines for Artifact Usage"; distribution-spec v1.1,
 * "Listing Referrers").
 *
 * Whoever may push to the repository may push an artifact: that one exists says
 * nothing about who made it.
 *
 * Threads: as image.h.
 */
#include "image/descriptor.h"

#include <stddef.h>

struct error;
struct image;
struct range_source;

#define IMAGE_ARTIFACT_INDEX   "application/vnd.lazyrun.index.v1"
#define IMAGE_ARTIFACT_PROFILE "application/vnd.lazyrun.profile.v1"

/* What refers to an image, asked for once. */
struct image_artifacts {
	json_t *json;
	json_t *list; /* borrowed from json */
};

/**
 * image_artifact_list() - ask the registry what refers to the image
 *
 * Return: 0; -ENOENT (nothing); -ENOTSUP (what is in no registry has nothing
 * beside it); -EPROTO; and as image_open().
 */
int image_artifact_list(struct image *image, struct image_artifacts *ret,
			struct error *err);
void image_artifact_list_fini(struct image_artifacts *artifacts);

/**
 * image_artifact_find() - the newest artifact of a type
 * @type: one of the above
 * @ret:  of its blob; descriptor_fini() releases it
 *
 * Return: 0; -ENOENT (none); -EPROTO; and as image_open().
 */
int image_artifact_find(struct image *image,
			const struct image_artifacts *artifacts,
			const char *type, struct descriptor *ret,
			struct error *err);

/** image_artifact_open() - its blob, to be read and checked by the caller */
int image_artifact_open(struct image *image, const struct descriptor *blob,
			struct range_source **ret, struct error *err);

/**
 * image_artifact_push() - publish one
 * @data: borrowed
 *
 * Where the registry does not list referrers itself, the tag "sha256-<hex>" is
 * read, changed and written back, as the specification says: two who push at
 * once may lose one of the two.  An older artifact of the type leaves that
 * list.
 *
 * Return: 0; -ENOTSUP (no registry); -EROFS (takes no uploads); -EACCES; and as
 * image_open().
 */
int image_artifact_push(struct image *image, const char *type, const void *data,
			size_t size, struct error *err);
