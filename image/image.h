/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image: a reference made into an opened image: the one manifest for this
 * platform, its configuration, its layers, and where their bytes come from.
 *
 * Opening by tag asks the registry, unless the tag was resolved less than
 * tag_ttl_s ago (remembered in the cache, docs/cache.md).  What an index
 * already holds (manifest and configuration) is not asked for again: see
 * image_set_manifest().
 *
 * Threads: one at a time to open; an opened image is immutable, but for
 * image_confirm().
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
struct image_origin;
struct object_layout;
struct range_source;

struct image_options {
	/* Makes the http_client when first needed, so that an image at hand
	 * starts no thread.  The client stays the provider's, @arg must
	 * outlive the image. */
	int (*get_http_client)(void *arg, struct http_client **ret,
			       struct error *err);
	void *arg;
	const char *platform; /* "linux/arm64/v8"; NULL: this machine's */
	/* manifest of an index at hand: a reference with this very digest is
	 * not asked about; NULL: none.  Borrowed for image_open(). */
	const struct digest *known_manifest;
	/* Without asking, a registry's tag is taken to mean known_manifest,
	 * if there is one: image_confirm() asks later. */
	bool may_assume;
	/* of an object (a SIF, a SquashFS file): that manifest itself; the
	 * image is then the one of that index, if the object is the one that
	 * the manifest describes.  NULL: none.  Borrowed for image_open(). */
	const void *known_manifest_json;
	size_t known_manifest_size;
	bool known_has_digests; /* that index has one for every chunk */
	/* Of an object, optional: called when the object was found, to set the
	 * known_... above: what they say may be asked for meanwhile.
	 * Return: 0, or the result of image_open(). */
	int (*find_known)(void *arg, struct image_options *options,
			  struct error *err);
	/* Of objects of federations, as object_source.h has them; borrowed. */
	const char *federation;
	const char *preferred_caches;
	bool allow_http;    /* plain http to hosts that are not loopback */
	int cache_dir_fd;   /* for refs/; -1: remember nothing */
	unsigned tag_ttl_s; /* 0: always ask */
};

/**
 * image_open() - name the image of a reference; may need no network at all
 * @ref: copied
 *
 * After it image_manifest_digest() is known: the manifest of the platform.
 * What a reference named is remembered in the cache, by platform: tags for
 * tag_ttl_s, digests for ever (a digest may be that of an index, which only
 * its bytes tell).  Without such a memory the registry is asked, nested
 * indexes are followed, and the manifest found is kept.  Layouts on disk are
 * read each time.  An object (a SIF, a SquashFS file) is asked who it is, as
 * often as a tag what it means; files on disk each time.
 *
 * Return: 0; -ENOENT, -EACCES, -EBADMSG, -EPROTO, -ETIMEDOUT, -ECONNREFUSED,
 * -EHOSTUNREACH, -EKEYREJECTED, -EBUSY, -EIO as registry_fetch_manifest();
 * -EINVAL (options->platform); -ENOTSUP (no image for this platform: @err lists
 * those there are; schema 1; an artifact; a directory); -EFBIG; -ENOMEM; what
 * get_http_client() says.  Of an object as image_object_open(), and -ESTALE
 * (it is not the one of the index at hand).
 */
int image_open(const struct image_ref *ref, const struct image_options *options,
	       struct image **ret, struct error *err);

/** image_is_assumed() - was opened with may_assume, and nobody asked */
bool image_is_assumed(const struct image *image);

/**
 * image_confirm() - ask whether an assumed image is what its tag means
 *
 * What the tag names is remembered as by image_open().  Nothing of the image
 * changes, so it may be read meanwhile: any thread, one at a time, once its
 * layers are open.
 *
 * Return: 0 (also when there was nothing to ask), -ESTALE (the tag means
 * another image by now), or as image_open().
 */
int image_confirm(struct image *image, struct error *err);

/** image_close() - sources opened from it must be destroyed before */
void image_close(struct image *image);
DEFINE_CLEANUP(struct image, image_close);

/** image_reference() - canonical reference, borrowed */
const char *image_reference(const struct image *image);

/** image_manifest_digest() - the platform's manifest; names the index in the
 * cache.  Borrowed. */
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
 * Copied; checked against image_manifest_digest() and the manifest's config
 * digest.  Nothing changes when they are loaded already.
 *
 * Return: 0; -EBADMSG; -EPROTO, -ENOTSUP, -EFBIG (they match, and yet cannot
 * be understood); -ENOMEM.
 */
int image_set_manifest(struct image *image, const void *manifest,
		       size_t manifest_size, const void *config,
		       size_t config_size, struct error *err);

/* Only after image_load_manifest() or image_set_manifest(); borrowed. */
const struct manifest *image_manifest(const struct image *image);
const struct image_config *image_config(const struct image *image);
const char *image_manifest_json(const struct image *image, size_t *ret_size);
const char *image_config_json(const struct image *image, size_t *ret_size);

/** image_get_origin() - where it comes from, made when needed; borrowed; one
 * thread at a time, before layers are read */
int image_get_origin(struct image *image, struct image_origin **ret,
		     struct error *err);

/** image_is_local() - are its layers files of this host? */
bool image_is_local(const struct image *image);

/** image_is_object() - is it one object, a SIF or a SquashFS file? */
bool image_is_object(const struct image *image);

/**
 * image_load_object() - look into an object
 * @with_tables: with the SquashFS image's tables
 * @ret:         object_layout_fini() releases it
 * @ret_source:  to read it from front to back, borrowed until
 *               image_open_layer(); NULL: not wanted
 *
 * Return: 0, or as object_layout_load() and image_open().
 */
int image_load_object(struct image *image, bool with_tables,
		      struct object_layout *ret,
		      struct range_source **ret_source, struct error *err);

/**
 * image_open_layer() - a layer's blob as a range_source
 * @number: 0 is the lowest layer; the manifest must be known
 *
 * Nothing is sent yet; of an image that needed no registry so far, nothing is
 * made either until the source is first read: get_http_client() is then called
 * on the reader's thread.  Return: 0; -EINVAL (no such layer); -ENOENT, -EPROTO
 * (oci: blob file missing, or of another size); -ENOMEM; what
 * get_http_client() says.
 */
int image_open_layer(struct image *image, uint32_t number,
		     struct range_source **ret, struct error *err);
