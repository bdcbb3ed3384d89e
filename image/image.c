/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image comes to be in steps, each of which may already be answered:
 * resolve() finds the digest of the platform's manifest (known, remembered, or
 * asked for, and then the manifest is at hand too), image_load_manifest()
 * fetches what is missing of manifest and configuration, image_open_layer()
 * opens blobs.  The origin, and with it the network, is set up by the first
 * step that needs it.
 */
#include "image/image.h"

#include "common/error.h"
#include "common/thread.h"
#include "fetch/deferred_source.h"
#include "image/image_description.h"
#include "image/image_layout.h"
#include "image/image_memory.h"
#include "image/image_object.h"
#include "image/image_origin.h"
#include "image/image_registry.h"
#include "image/object_layout.h"
#include "image/object_manifest.h"
#include "image/platform.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct image {
	struct image_ref ref;
	struct image_options options; /* pointers borrowed for image_open()
					 are not used after it */
	struct image_origin *origin;  /* NULL until needed */
	struct mutex lock;	      /* of making it, once sources of layers
					 make it on their threads */
	struct platform platform;
	struct image_memory memory; /* of nothing, for files of this host */
	struct image_description description;
	bool is_assumed; /* nobody has asked what the tag means */
};

static int create_object(struct image *image, struct http_client *client,
			 struct error *err)
{
	const struct image_object_options options = {
		.client = client,
		.allow_http = image->options.allow_http,
		.cache_dir_fd = image->options.cache_dir_fd,
		.federation = image->options.federation,
		.preferred_caches = image->options.preferred_caches,
		.architecture = image->platform.architecture,
	};

	return image_object_create(&image->ref, &options, &image->origin, err);
}

static int ensure_origin(struct image *image, struct error *err)
{
	struct http_client *client = NULL;
	int r;

	if (image->origin)
		return 0;
	if (image->ref.kind == IMAGE_REF_OCI_LAYOUT)
		return image_layout_create(&image->ref, &image->origin, err);
	if (image->ref.kind == IMAGE_REF_FILE)
		return create_object(image, NULL, err);
	r = image->options.get_http_client(image->options.arg, &client, err);
	if (r < 0)
		return r;
	if (image_object_is_kind(&image->ref))
		return create_object(image, client, err);
	return image_registry_create(&image->ref, client,
				     image->options.allow_http, &image->origin,
				     err);
}

static int identify_object(struct image *image, struct error *err)
{
	const struct image_options *options = &image->options;
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	int r = ensure_origin(image, err);

	if (r == 0)
		r = image_object_open(image->origin, err);
	if (r < 0)
		return r;
	if (options->known_manifest_json) {
		image->description.digest = *options->known_manifest;
		return object_manifest_check(
			options->known_manifest_json,
			options->known_manifest_size,
			options->known_has_digests,
			image_object_identity(image->origin), err);
	}
	r = image->origin->ops->fetch_document(image->origin, NULL, &document,
					       err);
	if (r < 0)
		return r;
	image->description.digest = document.digest;
	return image_description_take_manifest(&image->description, &document,
					       err);
}

static int find_known(struct image *image, struct error *err)
{
	struct image_options *options = &image->options;
	int r;

	if (!options->find_known)
		return 0;
	r = ensure_origin(image, err);
	if (r == 0)
		r = image_object_open(image->origin, err);
	return r < 0 ? r : options->find_known(options->arg, options, err);
}

/* Remembered under the reference and the index that it was compared with. */
static int resolve_object(struct image *image, struct error *err)
{
	const struct digest *known;
	char digest[DIGEST_TEXT_SIZE] = "";
	autofree char *name = NULL;
	int r = find_known(image, err);

	if (r < 0)
		return r;
	known = image->options.known_manifest;
	if (known)
		digest_format(known, digest);
	if (asprintf(&name, "%s#%s", image->ref.text, digest) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (image_memory_load_name(&image->memory, name, &image->platform,
				   &image->description.digest))
		return 0;
	r = identify_object(image, err);
	if (r == 0)
		image_memory_store_name(&image->memory, name, &image->platform,
					&image->description.digest);
	return r;
}

/* Whether no request is needed, now; then the digest is set. */
static bool is_known(struct image *image)
{
	const struct digest *known = image->options.known_manifest;
	struct digest *digest = &image->description.digest;
	const struct image_ref *ref = &image->ref;

	if (ref->has_digest && known && digest_equal(known, &ref->digest)) {
		*digest = *known;
		return true;
	}
	if (image_memory_load(&image->memory, ref, &image->platform, digest))
		return true;
	if (!image->options.may_assume || !known || ref->has_digest ||
	    ref->kind != IMAGE_REF_DOCKER)
		return false;
	*digest = *known;
	image->is_assumed = true;
	return true;
}

static int resolve(struct image *image, struct error *err)
{
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	struct digest top;
	int r;

	if (is_known(image))
		return 0;
	r = ensure_origin(image, err);
	if (r == 0)
		r = image_origin_resolve(image->origin, &image->ref,
					 &image->platform, &document, &top,
					 err);
	if (r < 0)
		return r;
	image->description.digest = document.digest;
	r = image_description_take_manifest(&image->description, &document,
					    err);
	if (r == 0)
		image_memory_store(&image->memory, &image->ref,
				   &image->platform, &top,
				   &image->description.digest);
	return r;
}

/* What this module cannot open. */
static int check_kind(const struct image_ref *ref, struct error *err)
{
	switch (ref->kind) {
	case IMAGE_REF_DOCKER:
	case IMAGE_REF_OCI_LAYOUT:
	case IMAGE_REF_FILE:
	case IMAGE_REF_URL:
		return 0;
	case IMAGE_REF_OSDF:
		if (object_source_is_url(ref->text))
			return 0;
		return error_set(
			err, -ENOTSUP,
			"%s: objects of a federation cannot be read by "
			"this build; use the https:// URL of a cache",
			ref->text);
	case IMAGE_REF_DIRECTORY:
		break;
	}
	return error_set(
		err, -ENOTSUP,
		"%s is a directory: there is nothing to fetch or index "
		"in it; exec, run and shell take it",
		ref->text);
}

bool image_is_local(const struct image *image)
{
	return image->ref.kind == IMAGE_REF_OCI_LAYOUT ||
	       image->ref.kind == IMAGE_REF_FILE;
}

int image_open(const struct image_ref *ref, const struct image_options *options,
	       struct image **ret, struct error *err)
{
	CLEANUP(image_closep) struct image *image = NULL;
	struct platform platform;
	int r = 0;

	assert(options->get_http_client || ref->kind != IMAGE_REF_DOCKER);
	assert(options->known_manifest || !options->known_manifest_json);
	r = check_kind(ref, err);
	if (r < 0)
		return r;
	if (options->platform)
		r = platform_parse(options->platform, &platform, err);
	else
		platform_get_host(&platform);
	if (r < 0)
		return r;
	image = calloc(1, sizeof(*image));
	if (!image)
		return error_set(err, -ENOMEM, "out of memory");
	mutex_init(&image->lock);
	if (image_ref_copy(ref, &image->ref) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	image->options = *options;
	image->platform = platform;
	image->memory = (struct image_memory){
		.cache_dir_fd =
			image_is_local(image) ? -1 : options->cache_dir_fd,
		.tag_ttl_s = options->tag_ttl_s,
	};
	image->description.reference = image->ref.text;
	image->description.is_object = image_object_is_kind(ref);
	r = image_object_is_kind(ref) ? resolve_object(image, err)
				      : resolve(image, err);
	if (r < 0)
		return r;
	*ret = STEAL_PTR(image);
	return 0;
}

void image_close(struct image *image)
{
	if (!image)
		return;
	image_origin_destroy(image->origin);
	image_description_fini(&image->description);
	image_ref_fini(&image->ref);
	mutex_fini(&image->lock);
	free(image);
}

bool image_is_assumed(const struct image *image)
{
	return image->is_assumed;
}

int image_confirm(struct image *image, struct error *err)
{
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	const struct digest *digest = &image->description.digest;
	char text[DIGEST_TEXT_SIZE];
	struct digest top;
	int r;

	if (!image->is_assumed)
		return 0;
	mutex_lock(&image->lock);
	r = ensure_origin(image, err);
	mutex_unlock(&image->lock);
	if (r == 0)
		r = image_origin_resolve(image->origin, &image->ref,
					 &image->platform, &document, &top,
					 err);
	if (r < 0)
		return r;
	if (!digest_equal(&document.digest, digest)) {
		digest_format(&document.digest, text);
		return error_set(err, -ESTALE,
				 "this is not the index of %s (%s); make a new "
				 "one with `lazyrun index`",
				 image->ref.text, text);
	}
	image_memory_store(&image->memory, &image->ref, &image->platform, &top,
			   digest);
	image->is_assumed = false;
	return 0;
}

const char *image_reference(const struct image *image)
{
	return image->ref.text;
}

const struct digest *image_manifest_digest(const struct image *image)
{
	return &image->description.digest;
}

static int fetch_manifest(struct image *image, struct error *err)
{
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	int r = image->origin->ops->fetch_document(
		image->origin, &image->description.digest, &document, err);

	return r < 0 ? r
		     : image_description_take_manifest(&image->description,
						       &document, err);
}

static int fetch_config(struct image *image, struct error *err)
{
	const struct descriptor *descriptor =
		&image->description.manifest.config;
	uint8_t *json = NULL;
	int r;

	if (descriptor->size > IMAGE_CONFIG_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "%s: the configuration is larger than %d "
				 "bytes",
				 image->ref.text, IMAGE_CONFIG_SIZE_MAX);
	r = image->origin->ops->fetch_blob(image->origin, descriptor, &json,
					   err);
	return r < 0 ? r
		     : image_description_take_config(&image->description, json,
						     err);
}

int image_get_origin(struct image *image, struct image_origin **ret,
		     struct error *err)
{
	int r = ensure_origin(image, err);

	if (r == 0)
		*ret = image->origin;
	return r;
}

int image_load_manifest(struct image *image, struct error *err)
{
	int r;

	if (image->description.config_json)
		return 0;
	r = ensure_origin(image, err);
	if (r == 0 && !image->description.document.bytes)
		r = fetch_manifest(image, err);
	return r < 0 ? r : fetch_config(image, err);
}

int image_set_manifest(struct image *image, const void *manifest,
		       size_t manifest_size, const void *config,
		       size_t config_size, struct error *err)
{
	return image_description_copy(&image->description, manifest,
				      manifest_size, config, config_size, err);
}

const struct manifest *image_manifest(const struct image *image)
{
	assert(image->description.config_json);
	return &image->description.manifest;
}

const struct image_config *image_config(const struct image *image)
{
	assert(image->description.config_json);
	return &image->description.config;
}

const char *image_manifest_json(const struct image *image, size_t *ret_size)
{
	assert(image->description.config_json);
	*ret_size = image->description.document.size;
	return (const char *)image->description.document.bytes;
}

const char *image_config_json(const struct image *image, size_t *ret_size)
{
	assert(image->description.config_json);
	*ret_size = image->description.manifest.config.size;
	return (const char *)image->description.config_json;
}

/* Is the object still, or at last, the one that the manifest says? */
static int check_object(struct image *image, struct error *err)
{
	int r = image_object_open(image->origin, err);

	if (r < 0)
		return r;
	return object_manifest_check(image->description.document.bytes,
				     image->description.document.size,
				     image->options.known_has_digests,
				     image_object_identity(image->origin), err);
}

bool image_is_object(const struct image *image)
{
	return image_object_is_kind(&image->ref);
}

int image_load_object(struct image *image, bool with_tables,
		      struct object_layout *ret,
		      struct range_source **ret_source, struct error *err)
{
	struct range_source *source = NULL;
	int r = ensure_origin(image, err);

	assert(image_is_object(image));
	if (r == 0)
		r = image_object_source(image->origin, &source, err);
	if (r < 0)
		return r;
	if (ret_source)
		*ret_source = source;
	return object_layout_load(source, image->ref.text,
				  image->platform.architecture, with_tables,
				  ret, err);
}

/* By the opener, or by a source that was deferred. */
static int open_layer(void *arg, uint32_t number, struct range_source **ret,
		      struct error *err)
{
	struct image *image = arg;
	int r;

	mutex_lock(&image->lock);
	r = ensure_origin(image, err);
	if (r == 0 && image_object_is_kind(&image->ref))
		r = check_object(image, err);
	mutex_unlock(&image->lock);
	if (r < 0)
		return r;
	return image->origin->ops->open_blob(
		image->origin, &image->description.manifest.layers[number], ret,
		err);
}

int image_open_layer(struct image *image, uint32_t number,
		     struct range_source **ret, struct error *err)
{
	assert(image->description.config_json);
	if (number >= image->description.manifest.layer_count)
		return error_set(err, -EINVAL, "%s has %u layers; no layer %u",
				 image->ref.text,
				 image->description.manifest.layer_count,
				 number);
	if (!image->origin && image->ref.kind != IMAGE_REF_OCI_LAYOUT) {
		*ret = deferred_source_create(
			image->description.manifest.layers[number].size,
			open_layer, image, number);
		return *ret ? 0 : error_set(err, -ENOMEM, "out of memory");
	}
	return open_layer(image, number, ret, err);
}
