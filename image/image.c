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
#include "image/image_layout.h"
#include "image/image_object.h"
#include "image/image_origin.h"
#include "image/image_registry.h"
#include "image/object_layout.h"
#include "image/object_manifest.h"
#include "image/platform.h"
#include "image/resolve_cache.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	INDEX_DEPTH_MAX = 4,
	/* of a key in refs/; paths and URLs may be longer */
	KEY_NAME_LEN_MAX = RESOLVE_CACHE_KEY_SIZE - 2 * PLATFORM_TEXT_SIZE,
};

struct image {
	struct image_ref ref;
	struct image_options options; /* pointers borrowed for image_open()
					 are not used after it */
	struct image_origin *origin;  /* NULL until needed */
	struct mutex lock;	      /* of making it, once sources of layers
					 make it on their threads */
	struct platform platform;
	struct digest digest;
	struct image_document document; /* bytes NULL until the manifest is
					   at hand */
	struct manifest manifest;	/* valid with document.bytes */
	uint8_t *config_json;		/* NULL until loaded */
	struct image_config config;	/* valid with config_json */
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

/* Takes the document's bytes, in any case, as the image's manifest. */
static int set_manifest(struct image *image, struct image_document *document,
			struct error *err)
{
	struct image_document owned CLEANUP(image_document_fini) = *document;
	struct manifest manifest = { 0 };
	int r;

	document->bytes = NULL;
	assert(!image->document.bytes);
	assert(digest_equal(&owned.digest, &image->digest));
	r = manifest_parse(owned.bytes, owned.size, &manifest, err);
	if (r < 0)
		return error_prefix(err, r, "%s", image->ref.text);
	if ((manifest.layer_count == 1 &&
	     descriptor_is_object_type(manifest.layers[0].media_type)) !=
	    image_object_is_kind(&image->ref)) {
		manifest_fini(&manifest);
		return error_set(err, -EPROTO,
				 "%s: its manifest is of another kind of image",
				 image->ref.text);
	}
	image->manifest = manifest;
	image->document = owned;
	owned.bytes = NULL;
	return 0;
}

/* Takes @json, in any case, as the image's configuration. */
static int set_config(struct image *image, uint8_t *json, struct error *err)
{
	autofree uint8_t *owned = json;
	struct image_config config = { 0 };
	int r;

	assert(image->document.bytes && !image->config_json);
	r = image_config_parse(owned, image->manifest.config.size, &config,
			       err);
	if (r < 0)
		return error_prefix(err, r, "%s", image->ref.text);
	if (config.diff_id_count != image->manifest.layer_count) {
		r = error_set(err, -EPROTO,
			      "%s: the manifest has %u layers, the "
			      "configuration %u",
			      image->ref.text, image->manifest.layer_count,
			      config.diff_id_count);
		image_config_fini(&config);
		return r;
	}
	image->config = config;
	image->config_json = STEAL_PTR(owned);
	return 0;
}

/* From what the reference names down to the platform's manifest. */
static int follow_indexes(struct image *image, const struct platform *platform,
			  struct image_document *document, struct error *err)
{
	for (unsigned depth = 0; manifest_is_index(
		     document->media_type, document->bytes, document->size);
	     depth++) {
		struct descriptor chosen CLEANUP(descriptor_fini) = { 0 };
		int r;

		if (depth == INDEX_DEPTH_MAX)
			return error_set(err, -EPROTO,
					 "%s: indexes nested more than %d deep",
					 image->ref.text, INDEX_DEPTH_MAX);
		r = manifest_choose(document->bytes, document->size, platform,
				    &chosen, err);
		if (r < 0)
			return error_prefix(err, r, "%s", image->ref.text);
		image_document_fini(document);
		r = image->origin->ops->fetch_document(
			image->origin, &chosen.digest, document, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A reference or digest, and all that decides what is chosen from an index. */
static void format_key(const char *name, const struct platform *platform,
		       char ret[RESOLVE_CACHE_KEY_SIZE])
{
	char text[PLATFORM_TEXT_SIZE];
	char digest_text[DIGEST_TEXT_SIZE];
	struct digest digest;

	if (strlen(name) > KEY_NAME_LEN_MAX) {
		digest_compute(name, strlen(name), &digest);
		digest_format(&digest, digest_text);
		name = digest_text;
	}

	platform_format(platform, text);
	snprintf(ret, RESOLVE_CACHE_KEY_SIZE, "%s|%s~%u", name, text,
		 platform->cpu_level);
}

static bool remembers(const struct image *image)
{
	return (image->ref.kind == IMAGE_REF_DOCKER ||
		image->ref.kind == IMAGE_REF_URL ||
		image->ref.kind == IMAGE_REF_OSDF) &&
	       image->options.cache_dir_fd >= 0;
}

static bool recall(struct image *image, const struct platform *platform)
{
	uint64_t age_s_max = image->options.tag_ttl_s;
	char key[RESOLVE_CACHE_KEY_SIZE];
	char digest[DIGEST_TEXT_SIZE];

	if (!remembers(image))
		return false;
	if (image->ref.has_digest) {
		age_s_max = UINT64_MAX;
		digest_format(&image->ref.digest, digest);
	}
	format_key(image->ref.has_digest ? digest : image->ref.text, platform,
		   key);
	return resolve_cache_load(image->options.cache_dir_fd, key, age_s_max,
				  &image->digest) == RESOLVE_CACHE_HIT;
}

static void remember_name(const struct image *image, const char *name,
			  const struct platform *platform)
{
	char key[RESOLVE_CACHE_KEY_SIZE];

	format_key(name, platform, key);
	/* a full disk costs a round trip next time, nothing else */
	(void)resolve_cache_store(image->options.cache_dir_fd, key,
				  &image->digest, NULL);
}

/* @top: of what the reference names; people copy either digest. */
static void remember(const struct image *image, const struct digest *top,
		     const struct platform *platform)
{
	char digest[DIGEST_TEXT_SIZE];

	if (!remembers(image))
		return;
	if (!image->ref.has_digest)
		remember_name(image, image->ref.text, platform);
	digest_format(top, digest);
	remember_name(image, digest, platform);
	if (digest_equal(top, &image->digest))
		return;
	digest_format(&image->digest, digest);
	remember_name(image, digest, platform);
}

/* Remembered under the reference and the index that it was compared with. */
static bool recall_object(struct image *image, const char *name)
{
	char key[RESOLVE_CACHE_KEY_SIZE];

	format_key(name, &image->platform, key);
	return remembers(image) &&
	       resolve_cache_load(image->options.cache_dir_fd, key,
				  image->options.tag_ttl_s,
				  &image->digest) == RESOLVE_CACHE_HIT;
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
		image->digest = *options->known_manifest;
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
	image->digest = document.digest;
	return set_manifest(image, &document, err);
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
	if (recall_object(image, name))
		return 0;
	r = identify_object(image, err);
	if (r == 0 && remembers(image))
		remember_name(image, name, &image->platform);
	return r;
}

static int resolve(struct image *image, const struct platform *platform,
		   struct error *err)
{
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	const struct digest *known = image->options.known_manifest;
	const struct image_ref *ref = &image->ref;
	struct digest top;
	int r;

	if (ref->has_digest && known && digest_equal(known, &ref->digest)) {
		image->digest = *known;
		return 0;
	}
	if (recall(image, platform))
		return 0;
	r = ensure_origin(image, err);
	if (r == 0)
		r = image->origin->ops->fetch_document(
			image->origin, ref->has_digest ? &ref->digest : NULL,
			&document, err);
	if (r < 0)
		return r;
	top = document.digest;
	r = follow_indexes(image, platform, &document, err);
	if (r < 0)
		return r;
	image->digest = document.digest;
	r = set_manifest(image, &document, err);
	if (r == 0)
		remember(image, &top, platform);
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
	r = image_object_is_kind(ref) ? resolve_object(image, err)
				      : resolve(image, &platform, err);
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
	image_config_fini(&image->config);
	free(image->config_json);
	manifest_fini(&image->manifest);
	image_document_fini(&image->document);
	image_ref_fini(&image->ref);
	mutex_fini(&image->lock);
	free(image);
}

const char *image_reference(const struct image *image)
{
	return image->ref.text;
}

const struct digest *image_manifest_digest(const struct image *image)
{
	return &image->digest;
}

static int fetch_manifest(struct image *image, struct error *err)
{
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	int r = image->origin->ops->fetch_document(
		image->origin, &image->digest, &document, err);

	return r < 0 ? r : set_manifest(image, &document, err);
}

static int fetch_config(struct image *image, struct error *err)
{
	const struct descriptor *descriptor = &image->manifest.config;
	uint8_t *json = NULL;
	int r;

	if (descriptor->size > IMAGE_CONFIG_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "%s: the configuration is larger than %d "
				 "bytes",
				 image->ref.text, IMAGE_CONFIG_SIZE_MAX);
	r = image->origin->ops->fetch_blob(image->origin, descriptor, &json,
					   err);
	return r < 0 ? r : set_config(image, json, err);
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

	if (image->config_json)
		return 0;
	r = ensure_origin(image, err);
	if (r == 0 && !image->document.bytes)
		r = fetch_manifest(image, err);
	return r < 0 ? r : fetch_config(image, err);
}

static uint8_t *copy_bytes(const void *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

static int copy_manifest(struct image *image, const void *data, size_t size,
			 struct error *err)
{
	struct image_document document = { .size = size };

	digest_compute(data, size, &document.digest);
	if (!digest_equal(&document.digest, &image->digest))
		return error_set(err, -EBADMSG,
				 "%s: the index is of another image",
				 image->ref.text);
	if (image->document.bytes)
		return 0;
	document.bytes = copy_bytes(data, size);
	if (!document.bytes)
		return error_set(err, -ENOMEM, "out of memory");
	return set_manifest(image, &document, err);
}

static int copy_config(struct image *image, const void *data, size_t size,
		       struct error *err)
{
	struct digest digest;
	uint8_t *copy;

	digest_compute(data, size, &digest);
	if (size != image->manifest.config.size ||
	    !digest_equal(&digest, &image->manifest.config.digest))
		return error_set(err, -EBADMSG,
				 "%s: the index holds another configuration "
				 "than its manifest names",
				 image->ref.text);
	if (image->config_json)
		return 0;
	copy = copy_bytes(data, size);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	return set_config(image, copy, err);
}

int image_set_manifest(struct image *image, const void *manifest,
		       size_t manifest_size, const void *config,
		       size_t config_size, struct error *err)
{
	int r = copy_manifest(image, manifest, manifest_size, err);

	return r < 0 ? r : copy_config(image, config, config_size, err);
}

const struct manifest *image_manifest(const struct image *image)
{
	assert(image->config_json);
	return &image->manifest;
}

const struct image_config *image_config(const struct image *image)
{
	assert(image->config_json);
	return &image->config;
}

const char *image_manifest_json(const struct image *image, size_t *ret_size)
{
	assert(image->config_json);
	*ret_size = image->document.size;
	return (const char *)image->document.bytes;
}

const char *image_config_json(const struct image *image, size_t *ret_size)
{
	assert(image->config_json);
	*ret_size = image->manifest.config.size;
	return (const char *)image->config_json;
}

/* Is the object still, or at last, the one that the manifest says? */
static int check_object(struct image *image, struct error *err)
{
	int r = image_object_open(image->origin, err);

	if (r < 0)
		return r;
	return object_manifest_check(image->document.bytes,
				     image->document.size,
				     image->options.known_has_digests,
				     image_object_identity(image->origin), err);
}

bool image_is_local(const struct image *image)
{
	return image->ref.kind == IMAGE_REF_OCI_LAYOUT ||
	       image->ref.kind == IMAGE_REF_FILE;
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
		image->origin, &image->manifest.layers[number], ret, err);
}

int image_open_layer(struct image *image, uint32_t number,
		     struct range_source **ret, struct error *err)
{
	assert(image->config_json);
	if (number >= image->manifest.layer_count)
		return error_set(err, -EINVAL, "%s has %u layers; no layer %u",
				 image->ref.text, image->manifest.layer_count,
				 number);
	if (!image->origin && image->ref.kind != IMAGE_REF_OCI_LAYOUT) {
		*ret = deferred_source_create(
			image->manifest.layers[number].size, open_layer, image,
			number);
		return *ret ? 0 : error_set(err, -ENOMEM, "out of memory");
	}
	return open_layer(image, number, ret, err);
}
