/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_origin.h"

#include "common/error.h"
#include "image/image_ref.h"
#include "image/manifest.h"

#include <errno.h>

enum { INDEX_DEPTH_MAX = 4 };

/* Replaces an index by the manifest that it has for the platform. */
static int follow_index(struct image_origin *origin,
			const struct image_ref *ref,
			const struct platform *platform,
			struct image_document *document, struct error *err)
{
	struct descriptor chosen CLEANUP(descriptor_fini) = { 0 };
	int r = manifest_choose(document->bytes, document->size, platform,
				&chosen, err);

	if (r < 0)
		return error_prefix(err, r, "%s", ref->text);
	image_document_fini(document);
	return origin->ops->fetch_document(origin, &chosen.digest, document,
					   err);
}

int image_origin_resolve(struct image_origin *origin,
			 const struct image_ref *ref,
			 const struct platform *platform,
			 struct image_document *ret, struct digest *ret_top,
			 struct error *err)
{
	int r = origin->ops->fetch_document(
		origin, ref->has_digest ? &ref->digest : NULL, ret, err);

	if (r < 0)
		return r;
	*ret_top = ret->digest;
	for (unsigned depth = 0;
	     manifest_is_index(ret->media_type, ret->bytes, ret->size);
	     depth++) {
		if (depth == INDEX_DEPTH_MAX)
			return error_set(err, -EPROTO,
					 "%s: indexes nested more than %d deep",
					 ref->text, INDEX_DEPTH_MAX);
		r = follow_index(origin, ref, platform, ret, err);
		if (r < 0)
			return r;
	}
	return 0;
}
