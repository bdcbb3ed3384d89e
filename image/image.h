/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image: a reference made into an opened image: the one manifest for this
 * platform, its configuration, its layers, and where their bytes come from.
 *
 * Opening by tag asks the registry, unless the tag was resolved less than
 * tag_ttl_s ago (remembered in the cache, docs/cache.md).  What an index
 * already holds (manifest and configuration) is not asked for again: see
 * image_resolve().
 *
 * Threads: one at a time to open; an opened image is immutable.
 */
#include "common/cleanup.h"
#include "common/digest.h"
#include "image/image_config.h"
#include "image/image_ref.h"
#include "image/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_client;
struct image;
struct range_source;

struct image_options {
	/* Makes the http_client when first needed, so that an image at hand
	 * starts no thread.  The client stays the provider's. */
	int (*get_http_client)(void *arg, struct http_client **ret,
			       struct error *err);
	void *arg;
	const char *platform;  /* "linux/arm64/v8"; NULL: this machine's */
	bool allow_http;       /* plain http to hosts that are not loopback */
	int cache_dir_fd;      /* for refs/; -1: remember nothing */
	unsigned tag_ttl_s;    /* 0: always ask */
};

/**
 * image_open() - name the image of a reference; may need no network at all
 *
 * After it image_manifest_digest() is known: from the reference's digest, from
 * a tag remembered for less than tag_ttl_s, else from the registry.  By digest
 * the manifest itself is only fetched when image_load_manifest() is called.
 * A digest that turns out to be an index (list) is resolved to the platform's
 * manifest.
 *
 * Return: 0; -ENOENT, -EACCES, -EBADMSG, -EPROTO, -ETIMEDOUT, -ECONNREFUSED,
 * -EHOSTUNREACH, -EKEYREJECTED, -EBUSY, -EIO as registry_fetch_manifest();
 * -ENOTSUP (no image for this platform: @err lists those there are; schema 1;
 * an artifact), -ENOMEM.
 */
int image_open(const struct image_ref *ref, const struct image_options *options,
	       struct image **ret, struct error *err);

/** image_close() - sources opened from it must be destroyed before */
void image_close(struct image *image);
DEFINE_CLEANUP(struct image, image_close);

/** image_ref_text() - canonical reference, borrowed */
const char *image_reference(const struct image *image);

/**
 * image_manifest_digest() - the platform's manifest; names the index in the
 * cache.  When the reference's own digest is that of a list which nobody has
 * resolved yet, image_open() has resolved it.
 */
const struct digest *image_manifest_digest(const struct image *image);

/**
 * image_load_manifest() - manifest and configuration, fetched once
 *
 * Return: 0 or as image_open().
 */
int image_load_manifest(struct image *image, struct error *err);

/**
 * image_set_manifest() - take manifest and configuration from an index
 *
 * Checked against image_manifest_digest() and the manifest's config digest.
 *
 * Return: 0, -EBADMSG, -ENOMEM.
 */
int image_set_manifest(struct image *image, const void *manifest,
		       size_t manifest_size, const void *config,
		       size_t config_size, struct error *err);

/* Available after image_load_manifest() or image_set_manifest(); borrowed. */
const struct manifest *image_manifest(const struct image *image);
const struct image_config *image_config(const struct image *image);
const char *image_manifest_json(const struct image *image, size_t *ret_size);
const char *image_config_json(const struct image *image, size_t *ret_size);

/**
 * image_open_layer() - a layer's blob as a range_source
 * @number: 0 is the lowest layer
 *
 * Nothing is sent yet.  Return: 0, -EINVAL, -ENOENT (oci: blob file missing),
 * -ENOMEM.
 */
int image_open_layer(struct image *image, uint32_t number,
		     struct range_source **ret, struct error *err);
