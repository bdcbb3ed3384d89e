/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source that finds out who the object is reads it too: it is kept until
 * open_blob() hands it over.
 */
#include "image/image_object.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/file_blob.h"
#include "fetch/range_source.h"
#include "image/descriptor.h"
#include "image/image_origin.h"
#include "image/image_ref.h"
#include "image/object_manifest.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct image_object {
	struct image_origin origin;
	struct image_ref ref;
	struct image_object_options options;
	char *architecture;
	struct range_source *source;	 /* NULL until opened, and once given */
	struct object_identity identity; /* name NULL until opened */
	struct image_document manifest;	 /* bytes NULL until opened */
	uint8_t *config;
	size_t config_size;
};

bool image_object_is_kind(const struct image_ref *ref)
{
	return ref->kind == IMAGE_REF_FILE || ref->kind == IMAGE_REF_URL ||
	       ref->kind == IMAGE_REF_OSDF;
}

static int open_source(const struct image_object *self,
		       struct range_source **ret,
		       struct object_identity *ret_identity, struct error *err)
{
	const struct object_source_options options = {
		.client = self->options.client,
		.allow_http = self->options.allow_http,
		.cache_dir_fd = self->options.cache_dir_fd,
		.federation = self->options.federation,
		.preferred_caches = self->options.preferred_caches,
	};

	if (self->ref.kind == IMAGE_REF_FILE)
		return file_blob_open_object(self->ref.path, ret, ret_identity,
					     err);
	return object_source_open(self->ref.text, &options, ret, ret_identity,
				  err);
}

int image_object_open(struct image_origin *origin, struct error *err)
{
	struct image_object *self = (struct image_object *)origin;
	int r;

	if (self->identity.name)
		return 0;
	r = open_source(self, &self->source, &self->identity, err);
	if (r < 0)
		return r;
	return object_manifest_make(&self->identity, self->architecture,
				    &self->manifest, &self->config,
				    &self->config_size, err);
}

const struct object_identity *image_object_identity(
	const struct image_origin *origin)
{
	const struct image_object *self = (const struct image_object *)origin;

	assert(self->identity.name);
	return &self->identity;
}

/* The source was handed over: another one, of what must be the same. */
static int reopen(struct image_object *self, struct error *err)
{
	struct object_identity identity CLEANUP(object_identity_fini) = { 0 };
	struct range_source *source = NULL;
	int r = open_source(self, &source, &identity, err);

	if (r < 0)
		return r;
	r = object_manifest_check(self->manifest.bytes, self->manifest.size,
				  false, &identity, err);
	if (r < 0) {
		range_source_destroy(source);
		return r;
	}
	self->source = source;
	return 0;
}

int image_object_source(struct image_origin *origin, struct range_source **ret,
			struct error *err)
{
	struct image_object *self = (struct image_object *)origin;
	int r = image_object_open(origin, err);

	if (r == 0 && !self->source)
		r = reopen(self, err);
	if (r == 0)
		*ret = self->source;
	return r;
}

static int image_object_fetch_document(struct image_origin *origin,
				       const struct digest *digest,
				       struct image_document *ret,
				       struct error *err)
{
	struct image_object *self = (struct image_object *)origin;
	int r = image_object_open(origin, err);

	if (r < 0)
		return r;
	if (digest && !digest_equal(digest, &self->manifest.digest))
		return error_set(err, -ESTALE,
				 "%s changed meanwhile; start again",
				 self->ref.text);
	*ret = self->manifest;
	ret->bytes = image_document_copy_bytes(self->manifest.bytes,
					       self->manifest.size);
	return ret->bytes ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int image_object_fetch_blob(struct image_origin *origin,
				   const struct descriptor *blob, uint8_t **ret,
				   struct error *err)
{
	struct image_object *self = (struct image_object *)origin;
	struct digest digest;
	int r = image_object_open(origin, err);

	if (r < 0)
		return r;
	digest_compute(self->config, self->config_size, &digest);
	if (!digest_equal(&digest, &blob->digest))
		return error_set(err, -ESTALE,
				 "%s is for another platform than its index; "
				 "say the same --platform",
				 self->ref.text);
	*ret = image_document_copy_bytes(self->config, self->config_size);
	return *ret ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int image_object_open_blob(struct image_origin *origin,
				  const struct descriptor *blob,
				  struct range_source **ret, struct error *err)
{
	struct image_object *self = (struct image_object *)origin;
	struct range_source *source = NULL;
	int r = image_object_source(origin, &source, err);

	if (r < 0)
		return r;
	assert(source);
	if (source->size != blob->size)
		return error_set(err, -ESTALE,
				 "%s has %llu bytes, not the %llu that it had "
				 "when it was indexed; start again",
				 self->ref.text,
				 (unsigned long long)source->size,
				 (unsigned long long)blob->size);
	self->source = NULL;
	*ret = source;
	return 0;
}

static void image_object_destroy(struct image_origin *origin)
{
	struct image_object *self = (struct image_object *)origin;

	range_source_destroy(self->source);
	object_identity_fini(&self->identity);
	image_document_fini(&self->manifest);
	free(self->config);
	free(self->architecture);
	image_ref_fini(&self->ref);
	free(self);
}

static const struct image_origin_ops image_object_ops = {
	.fetch_document = image_object_fetch_document,
	.fetch_blob = image_object_fetch_blob,
	.open_blob = image_object_open_blob,
	.destroy = image_object_destroy,
};

int image_object_create(const struct image_ref *ref,
			const struct image_object_options *options,
			struct image_origin **ret, struct error *err)
{
	struct image_object *self = calloc(1, sizeof(*self));

	assert(image_object_is_kind(ref));
	if (!self)
		return error_set(err, -ENOMEM, "out of memory");
	self->origin.ops = &image_object_ops;
	self->options = *options;
	self->architecture = strdup(options->architecture);
	if (!self->architecture || image_ref_copy(ref, &self->ref) < 0) {
		image_object_destroy(&self->origin);
		return error_set(err, -ENOMEM, "out of memory");
	}
	*ret = &self->origin;
	return 0;
}
