/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_layout.h"

#include "common/error.h"
#include "image/image_origin.h"
#include "image/image_ref.h"
#include "image/manifest.h"
#include "image/oci_layout.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct image_layout {
	struct image_origin origin;
	struct oci_layout *layout; /* owned */
	char *tag;		   /* NULL: the only image there is */
};

static int load_document(const struct image_layout *self,
			 const struct digest *digest, const char *media_type,
			 struct image_document *ret, struct error *err)
{
	struct image_document document = { .digest = *digest };
	int r = oci_layout_load_blob(self->layout, digest, MANIFEST_SIZE_MAX,
				     &document.bytes, &document.size, err);

	if (r < 0)
		return r;
	snprintf(document.media_type, sizeof(document.media_type), "%s",
		 media_type);
	*ret = document;
	return 0;
}

static int image_layout_fetch_document(struct image_origin *origin,
				       const struct digest *digest,
				       struct image_document *ret,
				       struct error *err)
{
	const struct image_layout *self = (struct image_layout *)origin;
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	const struct oci_layout_entry *entry = NULL;
	int r;

	if (digest)
		return load_document(self, digest, "", ret, err);
	r = oci_layout_load_index(self->layout, &index, err);
	if (r == 0)
		r = oci_layout_find_entry(&index, self->tag, &entry, err);
	if (r < 0)
		return r;
	return load_document(self, &entry->descriptor.digest,
			     entry->descriptor.media_type, ret, err);
}

static int image_layout_fetch_blob(struct image_origin *origin,
				   const struct descriptor *blob, uint8_t **ret,
				   struct error *err)
{
	const struct image_layout *self = (struct image_layout *)origin;
	autofree uint8_t *bytes = NULL;
	size_t size = 0;
	int r = oci_layout_load_blob(self->layout, &blob->digest, blob->size,
				     &bytes, &size, err);

	if (r < 0)
		return r;
	if (size != blob->size)
		return error_set(err, -EPROTO,
				 "a blob has %zu bytes, its descriptor says "
				 "%llu",
				 size, (unsigned long long)blob->size);
	*ret = STEAL_PTR(bytes);
	return 0;
}

static int image_layout_open_blob(struct image_origin *origin,
				  const struct descriptor *blob,
				  struct range_source **ret, struct error *err)
{
	const struct image_layout *self = (struct image_layout *)origin;

	return oci_layout_open_blob(self->layout, &blob->digest, blob->size,
				    ret, err);
}

static void image_layout_destroy(struct image_origin *origin)
{
	struct image_layout *self = (struct image_layout *)origin;

	oci_layout_close(self->layout);
	free(self->tag);
	free(self);
}

static const struct image_origin_ops image_layout_ops = {
	.fetch_document = image_layout_fetch_document,
	.fetch_blob = image_layout_fetch_blob,
	.open_blob = image_layout_open_blob,
	.destroy = image_layout_destroy,
};

int image_layout_create(const struct image_ref *ref, struct image_origin **ret,
			struct error *err)
{
	struct image_layout *self;
	int r;

	assert(ref->kind == IMAGE_REF_OCI_LAYOUT);
	self = calloc(1, sizeof(*self));
	if (!self)
		return error_set(err, -ENOMEM, "out of memory");
	self->origin.ops = &image_layout_ops;
	r = oci_layout_open(ref->path, &self->layout, err);
	if (r == 0 && ref->tag && !(self->tag = strdup(ref->tag)))
		r = error_set(err, -ENOMEM, "out of memory");
	if (r < 0) {
		image_layout_destroy(&self->origin);
		return r;
	}
	*ret = &self->origin;
	return 0;
}
