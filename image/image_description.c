/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_description.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "image/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void image_description_fini(struct image_description *description)
{
	image_config_fini(&description->config);
	free(description->config_json);
	manifest_fini(&description->manifest);
	image_document_fini(&description->document);
}

static bool is_object(const struct manifest *manifest)
{
	return manifest->layer_count == 1 &&
	       descriptor_is_object_type(manifest->layers[0].media_type);
}

int image_description_take_manifest(struct image_description *description,
				    struct image_document *document,
				    struct error *err)
{
	struct image_document owned CLEANUP(image_document_fini) = *document;
	struct manifest manifest = { 0 };
	int r;

	document->bytes = NULL;
	assert(!description->document.bytes);
	assert(digest_equal(&owned.digest, &description->digest));
	r = manifest_parse(owned.bytes, owned.size, &manifest, err);
	if (r < 0)
		return error_prefix(err, r, "%s", description->reference);
	if (is_object(&manifest) != description->is_object) {
		manifest_fini(&manifest);
		return error_set(err, -EPROTO,
				 "%s: its manifest is of another kind of image",
				 description->reference);
	}
	description->manifest = manifest;
	description->document = owned;
	owned.bytes = NULL;
	return 0;
}

int image_description_take_config(struct image_description *description,
				  uint8_t *json, struct error *err)
{
	autofree uint8_t *owned = json;
	const struct manifest *manifest = &description->manifest;
	struct image_config config = { 0 };
	int r;

	assert(description->document.bytes && !description->config_json);
	r = image_config_parse(owned, manifest->config.size, &config, err);
	if (r < 0)
		return error_prefix(err, r, "%s", description->reference);
	if (config.diff_id_count != manifest->layer_count) {
		r = error_set(err, -EPROTO,
			      "%s: the manifest has %u layers, the "
			      "configuration %u",
			      description->reference, manifest->layer_count,
			      config.diff_id_count);
		image_config_fini(&config);
		return r;
	}
	description->config = config;
	description->config_json = STEAL_PTR(owned);
	return 0;
}

static int copy_manifest(struct image_description *description,
			 const void *data, size_t size, struct error *err)
{
	struct image_document document = { .size = size };

	digest_compute(data, size, &document.digest);
	if (!digest_equal(&document.digest, &description->digest))
		return error_set(err, -EBADMSG,
				 "%s: the index is of another image",
				 description->reference);
	if (description->document.bytes)
		return 0;
	document.bytes = image_document_copy_bytes(data, size);
	if (!document.bytes)
		return error_set(err, -ENOMEM, "out of memory");
	return image_description_take_manifest(description, &document, err);
}

static int copy_config(struct image_description *description, const void *data,
		       size_t size, struct error *err)
{
	const struct descriptor *named = &description->manifest.config;
	struct digest digest;
	uint8_t *copy;

	digest_compute(data, size, &digest);
	if (size != named->size || !digest_equal(&digest, &named->digest))
		return error_set(err, -EBADMSG,
				 "%s: the index holds another configuration "
				 "than its manifest names",
				 description->reference);
	if (description->config_json)
		return 0;
	copy = image_document_copy_bytes(data, size);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	return image_description_take_config(description, copy, err);
}

int image_description_copy(struct image_description *description,
			   const void *manifest, size_t manifest_size,
			   const void *config, size_t config_size,
			   struct error *err)
{
	int r = copy_manifest(description, manifest, manifest_size, err);

	return r < 0 ? r : copy_config(description, config, config_size, err);
}
