/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_registry.h"

#include "common/error.h"
#include "fetch/registry.h"
#include "image/descriptor.h"
#include "image/image_origin.h"
#include "image/image_ref.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct image_registry {
	struct image_origin origin;
	struct registry *registry; /* owned */
	char *reference;	   /* the digest, or without one the tag */
};

static void take_manifest(const struct registry_manifest *manifest,
			  struct image_document *ret)
{
	ret->bytes = manifest->bytes;
	ret->size = manifest->size;
	ret->digest = manifest->digest;
	snprintf(ret->media_type, sizeof(ret->media_type), "%s",
		 manifest->media_type);
}

static int image_registry_fetch_document(struct image_origin *origin,
					 const struct digest *digest,
					 struct image_document *ret,
					 struct error *err)
{
	const struct image_registry *self = (struct image_registry *)origin;
	struct registry_manifest manifest = { 0 };
	char text[DIGEST_TEXT_SIZE];
	int r;

	if (digest)
		digest_format(digest, text);
	r = registry_fetch_manifest(self->registry,
				    digest ? text : self->reference, &manifest,
				    err);
	if (r < 0)
		return r;
	take_manifest(&manifest, ret);
	return 0;
}

static int image_registry_fetch_blob(struct image_origin *origin,
				     const struct descriptor *blob,
				     uint8_t **ret, struct error *err)
{
	const struct image_registry *self = (struct image_registry *)origin;

	return registry_fetch_blob(self->registry, &blob->digest, blob->size,
				   ret, err);
}

static int image_registry_open_blob(struct image_origin *origin,
				    const struct descriptor *blob,
				    struct range_source **ret,
				    struct error *err)
{
	const struct image_registry *self = (struct image_registry *)origin;

	return registry_open_blob(self->registry, &blob->digest, blob->size,
				  ret, err);
}

static int image_registry_fetch_referrers(struct image_origin *origin,
					  const struct digest *subject,
					  struct image_document *ret,
					  struct error *err)
{
	const struct image_registry *self = (struct image_registry *)origin;
	struct registry_manifest manifest = { 0 };
	int r = registry_fetch_referrers(self->registry, subject, &manifest,
					 err);

	if (r == 0)
		take_manifest(&manifest, ret);
	return r;
}

static int image_registry_fetch_tag(struct image_origin *origin,
				    const char *tag, struct image_document *ret,
				    struct error *err)
{
	const struct image_registry *self = (struct image_registry *)origin;
	struct registry_manifest manifest = { 0 };
	int r = registry_fetch_manifest(self->registry, tag, &manifest, err);

	if (r == 0)
		take_manifest(&manifest, ret);
	return r;
}

static int image_registry_push_blob(struct image_origin *origin,
				    const struct digest *digest,
				    const void *data, size_t size,
				    struct error *err)
{
	const struct image_registry *self = (struct image_registry *)origin;

	return registry_push_blob(self->registry, digest, data, size, err);
}

static int image_registry_push_manifest(struct image_origin *origin,
					const char *reference,
					const char *media_type,
					const void *data, size_t size,
					struct error *err)
{
	const struct image_registry *self = (struct image_registry *)origin;

	return registry_push_manifest(self->registry, reference, media_type,
				      data, size, err);
}

static void image_registry_destroy(struct image_origin *origin)
{
	struct image_registry *self = (struct image_registry *)origin;

	registry_destroy(self->registry);
	free(self->reference);
	free(self);
}

static const struct image_origin_ops image_registry_ops = {
	.fetch_document = image_registry_fetch_document,
	.fetch_blob = image_registry_fetch_blob,
	.open_blob = image_registry_open_blob,
	.fetch_referrers = image_registry_fetch_referrers,
	.fetch_tag = image_registry_fetch_tag,
	.push_blob = image_registry_push_blob,
	.push_manifest = image_registry_push_manifest,
	.destroy = image_registry_destroy,
};

static char *copy_reference(const struct image_ref *ref)
{
	char text[DIGEST_TEXT_SIZE];

	if (!ref->has_digest)
		return strdup(ref->tag);
	digest_format(&ref->digest, text);
	return strdup(text);
}

int image_registry_create(const struct image_ref *ref,
			  struct http_client *client, bool allow_http,
			  struct image_origin **ret, struct error *err)
{
	const struct registry_options options = {
		.host = ref->host,
		.auth_key = ref->auth_key,
		.repository = ref->repository,
		.allow_http = allow_http,
	};
	struct image_registry *self;
	int r;

	assert(ref->kind == IMAGE_REF_DOCKER);
	assert(ref->has_digest || ref->tag);
	self = calloc(1, sizeof(*self));
	if (!self)
		return error_set(err, -ENOMEM, "out of memory");
	self->origin.ops = &image_registry_ops;
	self->reference = copy_reference(ref);
	r = self->reference ? 0 : error_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = registry_create(client, &options, &self->registry, err);
	if (r < 0) {
		image_registry_destroy(&self->origin);
		return r;
	}
	*ret = &self->origin;
	return 0;
}
