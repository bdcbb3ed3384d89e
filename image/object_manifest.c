/* SPDX-License-Identifier: Apache-2.0 */
#include "image/object_manifest.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/object_source.h"
#include "image/descriptor.h"
#include "image/image_origin.h"
#include "image/json_reader.h"
#include "image/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define OCI    "application/vnd.oci.image."
#define PREFIX "lazyrun.object."
#define ZERO                                                                   \
	"sha256:0000000000000000000000000000000000000000000000000000000000"    \
	"000000"

/* Names are bytes, JSON's texts are UTF-8: others are named by their digest. */
static json_t *make_text(const char *text)
{
	char digest_text[DIGEST_TEXT_SIZE];
	struct digest digest;
	json_t *json;

	if (!text)
		return json_null();
	json = json_string(text);
	if (json)
		return json;
	digest_compute(text, strlen(text), &digest);
	digest_format(&digest, digest_text);
	return json_string(digest_text);
}

static int dump(json_t *json, uint8_t **ret, size_t *ret_size)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		return -ENOMEM;
	*ret = (uint8_t *)text;
	*ret_size = strlen(text);
	return 0;
}

static int make_config(const char *architecture, uint8_t **ret,
		       size_t *ret_size)
{
	return dump(json_pack("{s:s, s:s, s:{}, s:{s:s, s:[s]}}",
			      "architecture", architecture, "os", "linux",
			      "config", "rootfs", "type", "layers", "diff_ids",
			      ZERO),
		    ret, ret_size);
}

static int make_manifest(const struct object_identity *identity,
			 const uint8_t *config, size_t config_size,
			 struct image_document *ret)
{
	char config_digest[DIGEST_TEXT_SIZE];
	struct digest digest;

	digest_compute(config, config_size, &digest);
	digest_format(&digest, config_digest);
	return dump(
		json_pack(
			"{s:i, s:s, s:{s:s, s:s, s:I}, s:[{s:s, s:s, s:I}], "
			"s:{s:o, s:o, s:o}}",
			"schemaVersion", 2, "mediaType", OCI "manifest.v1+json",
			"config", "mediaType", OCI "config.v1+json", "digest",
			config_digest, "size", (json_int_t)config_size,
			"layers", "mediaType", DESCRIPTOR_OBJECT_TYPE, "digest",
			ZERO, "size", (json_int_t)identity->size, "annotations",
			PREFIX "name", make_text(identity->name), PREFIX "etag",
			make_text(identity->etag), PREFIX "last-modified",
			make_text(identity->last_modified)),
		&ret->bytes, &ret->size);
}

int object_manifest_make(const struct object_identity *identity,
			 const char *architecture, struct image_document *ret,
			 uint8_t **ret_config, size_t *ret_config_size,
			 struct error *err)
{
	struct image_document document = { 0 };
	autofree uint8_t *config = NULL;
	int r = make_config(architecture, &config, ret_config_size);

	if (r == 0)
		r = make_manifest(identity, config, *ret_config_size,
				  &document);
	if (r < 0)
		return error_set(err, r, "out of memory");
	digest_compute(document.bytes, document.size, &document.digest);
	*ret = document;
	*ret_config = STEAL_PTR(config);
	return 0;
}

static bool is_same_text(const json_t *annotations, const char *key,
			 const char *text)
{
	json_t *expected = make_text(text);
	bool is_same = json_equal(json_object_get(annotations, key), expected);

	json_decref(expected);
	return is_same;
}

static int check_size(const struct manifest *manifest,
		      const struct object_identity *identity, struct error *err)
{
	if (manifest->layer_count != 1 ||
	    !descriptor_is_object_type(manifest->layers[0].media_type))
		return error_set(err, -EPROTO,
				 "the index is of another kind of image than "
				 "%s; make one with `lazyrun index`",
				 identity->name);
	if (manifest->layers[0].size == identity->size)
		return 0;
	return error_set(err, -ESTALE,
			 "%s has %llu bytes, and had %llu when it was indexed: "
			 "it changed since; make the index anew with `lazyrun "
			 "index`, or remove it",
			 identity->name, (unsigned long long)identity->size,
			 (unsigned long long)manifest->layers[0].size);
}

static int check_validators(const json_t *annotations, bool has_digests,
			    const struct object_identity *identity,
			    struct error *err)
{
	if (!is_same_text(annotations, PREFIX "name", identity->name)) {
		if (has_digests)
			return 0;
		return error_set(err, -ESTALE,
				 "the index has no digests and is of another "
				 "object than %s; make one with `lazyrun "
				 "index`",
				 identity->name);
	}
	if (is_same_text(annotations, PREFIX "etag", identity->etag) &&
	    is_same_text(annotations, PREFIX "last-modified",
			 identity->last_modified))
		return 0;
	return error_set(err, -ESTALE,
			 "%s changed since it was indexed (%s); make the index "
			 "anew with `lazyrun index`, or remove it",
			 identity->name,
			 identity->etag ? "it has another ETag or date"
					: "it has another date");
}

int object_manifest_check(const void *json, size_t size, bool has_digests,
			  const struct object_identity *identity,
			  struct error *err)
{
	struct manifest manifest CLEANUP(manifest_fini) = { 0 };
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	json_t *annotations = NULL;
	int r = manifest_parse(json, size, &manifest, err);

	if (r == 0)
		r = json_reader_parse(json, size, MANIFEST_SIZE_MAX, "manifest",
				      &root, err);
	if (r == 0)
		r = json_reader_get_object(root, "annotations", &annotations,
					   err);
	if (r == 0)
		r = check_size(&manifest, identity, err);
	if (r == 0)
		r = check_validators(annotations, has_digests, identity, err);
	return r;
}
