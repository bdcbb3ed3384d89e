/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/reference.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "image/image.h"
#include "image/image_ref.h"
#include "image/image_stub.h"
#include "tools/index_store.h"
#include "tools/object_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void reference_stub_fini(struct reference_stub *stub)
{
	free(stub->path);
	*stub = (struct reference_stub){ 0 };
}

static int follow_stub(struct image_ref *ref, const struct image_stub *stub,
		       struct error *err)
{
	int r;

	image_ref_fini(ref);
	*ref = (struct image_ref){ 0 };
	r = image_ref_parse(stub->url, ref, err);
	if (r == 0 &&
	    (ref->kind == IMAGE_REF_FILE || ref->kind == IMAGE_REF_DIRECTORY))
		r = error_set(err, -EBADMSG,
			      "the stub leads to %s, which is not a URL",
			      stub->url);
	return r;
}

int reference_parse(const char *text, struct image_ref *ret,
		    struct reference_stub *ret_stub, struct error *err)
{
	struct image_stub stub;
	int r = image_ref_parse(text, ret, err);

	if (r < 0 || ret->kind != IMAGE_REF_FILE)
		return r;
	r = image_stub_load(ret->path, &stub, err);
	if (r != IMAGE_STUB_FOUND)
		return r < 0 ? r : 0;
	ret_stub->path = strdup(ret->path);
	if (!ret_stub->path)
		return error_set(err, -ENOMEM, "out of memory");
	if (stub.has_digest)
		ret_stub->digest = stub.digest;
	if (stub.has_index)
		ret_stub->index = stub.index;
	ret_stub->index_off = stub.index_off;
	return follow_stub(ret, &stub, err);
}

static int keep_index(const struct reference_stub *reference, int cache_dir_fd,
		      struct error *err)
{
	struct buffer bytes CLEANUP(buffer_fini) =
		BUFFER_INIT(IMAGE_STUB_INDEX_SIZE_MAX);
	const struct image_stub stub = {
		.has_index = true,
		.index = reference->index,
		.index_off = reference->index_off,
	};
	int r = image_stub_load_index(reference->path, &stub, &bytes, err);

	if (r == 0)
		r = object_index_keep(bytes.data, bytes.size, cache_dir_fd,
				      &reference->index, NULL, err);
	return r;
}

int reference_open_index(const struct reference_stub *stub, int cache_dir_fd,
			 struct error *err)
{
	int fd;
	int r;

	if (digest_is_zero(&stub->index))
		return error_set(err, -ENOENT, "there is no index");
	fd = index_store_open(cache_dir_fd, &stub->index, NULL);
	if (fd >= 0)
		return fd;
	r = keep_index(stub, cache_dir_fd, err);
	return r < 0 ? r : index_store_open(cache_dir_fd, &stub->index, err);
}

void reference_check(const struct reference_stub *stub,
		     const struct image *image)
{
	if (digest_is_zero(&stub->digest) ||
	    digest_equal(&stub->digest, image_manifest_digest(image)))
		return;
	log_event(LOG_WARN, "tools",
		  "op=stub text=\"the image is not the one that the stub was "
		  "made of: it was replaced meanwhile; using what is there "
		  "now\"");
}
