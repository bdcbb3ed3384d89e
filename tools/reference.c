/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/reference.h"

#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "image/image.h"
#include "image/image_ref.h"
#include "image/image_stub.h"

#include <errno.h>

static int follow_stub(struct image_ref *ref, const struct image_stub *stub,
		       struct error *err)
{
	int r;

	image_ref_fini(ref);
	*ref = (struct image_ref){ 0 };
	r = image_ref_parse(stub->url, ref, err);
	if (r == 0 && ref->kind != IMAGE_REF_OSDF &&
	    ref->kind != IMAGE_REF_URL && ref->kind != IMAGE_REF_DOCKER)
		r = error_set(err, -EBADMSG,
			      "the stub leads to %s, which is not a URL",
			      stub->url);
	return r;
}

int reference_parse(const char *text, struct image_ref *ret,
		    struct digest *ret_expected, struct error *err)
{
	struct image_stub stub;
	int r = image_ref_parse(text, ret, err);

	*ret_expected = (struct digest){ 0 };
	if (r < 0 || ret->kind != IMAGE_REF_FILE)
		return r;
	r = image_stub_load(ret->path, &stub, err);
	if (r != IMAGE_STUB_FOUND)
		return r < 0 ? r : 0;
	if (stub.has_digest)
		*ret_expected = stub.digest;
	return follow_stub(ret, &stub, err);
}

void reference_check(const struct digest *expected, const struct image *image)
{
	if (digest_is_zero(expected) ||
	    digest_equal(expected, image_manifest_digest(image)))
		return;
	log_event(LOG_WARN, "tools",
		  "op=stub text=\"the image is not the one that the stub was "
		  "made of: it was replaced meanwhile; using what is there "
		  "now\"");
}
