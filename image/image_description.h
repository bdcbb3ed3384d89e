/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_description: the manifest and the configuration of one image, as they
 * were stored and as they were parsed.
 *
 * It is told which manifest it is about (@digest) before it takes one, and
 * takes no other; the configuration is the one that the manifest names, and has
 * as many layers.  Both come once: from where the image is (take), or from an
 * index (copy).
 *
 * Threads: one at a time to fill; a filled one is immutable.
 */
#include "common/digest.h"
#include "image/image_config.h"
#include "image/image_origin.h"
#include "image/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct image_description {
	const char *reference; /* for errors; borrowed */
	bool is_object;	       /* a manifest of a SIF or a SquashFS file, and no
				  other, will do */
	struct digest digest;  /* of the manifest; set before it is taken */
	struct image_document document; /* bytes NULL until taken */
	struct manifest manifest;	/* valid with document.bytes */
	uint8_t *config_json;		/* NULL until taken */
	struct image_config config;	/* valid with config_json */
};

/** image_description_fini() - of a zeroed one too */
void image_description_fini(struct image_description *description);

/**
 * image_description_take_manifest() - the stored bytes, in any case
 * @document: of description->digest; its bytes are taken, also on failure
 *
 * Return: 0; -EPROTO (malformed; of another kind of image); -ENOTSUP; -EFBIG;
 * -ENOMEM.
 */
int image_description_take_manifest(struct image_description *description,
				    struct image_document *document,
				    struct error *err);

/**
 * image_description_take_config() - after the manifest
 * @json: malloc'ed, of manifest.config's size and digest; taken, also on
 *        failure
 *
 * Return: 0; -EPROTO (malformed; of another number of layers); -ENOMEM.
 */
int image_description_take_config(struct image_description *description,
				  uint8_t *json, struct error *err);

/**
 * image_description_copy() - both, from bytes that stay the caller's
 *
 * Nothing changes when they are there already, but for that they are compared
 * with their digests.
 *
 * Return: 0; -EBADMSG (another image's); else as the two above.
 */
int image_description_copy(struct image_description *description,
			   const void *manifest, size_t manifest_size,
			   const void *config, size_t config_size,
			   struct error *err);
