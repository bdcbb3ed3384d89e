/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_artifact.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/registry.h"
#include "image/image.h"
#include "image/image_origin.h"
#include "image/json_reader.h"
#include "image/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_INDEX    "application/vnd.oci.image.index.v1+json"
#define TYPE_EMPTY    "application/vnd.oci.empty.v1+json"
#define CREATED	      "org.opencontainers.image.created"

enum { TIME_SIZE = 24 };

/* The blob of every artifact's configuration. */
static const char empty_json[] = "{}";

static int get_origin(struct image *image, struct image_origin **ret,
		      struct error *err)
{
	int r = image_get_origin(image, ret, err);

	if (r == 0 && !(*ret)->ops->push_blob)
		return error_set(err, -ENOTSUP,
				 "%s is in no registry, so nothing can be kept "
				 "beside it there; keep it in a file",
				 image_reference(image));
	return r;
}

/* -- finding */

static const char *type_of(const json_t *entry)
{
	const char *type = NULL;

	return json_reader_get_text(entry, "artifactType", &type, NULL) == 0 &&
			       type
		       ? type
		       : "";
}

static const char *created_of(const json_t *entry)
{
	json_t *annotations = NULL;
	const char *created = NULL;

	if (json_reader_get_object(entry, "annotations", &annotations, NULL) <
		    0 ||
	    json_reader_get_text(annotations, CREATED, &created, NULL) < 0)
		return "";
	return created ? created : "";
}

/* The entry of a type made last, as they say themselves; NULL: none. */
static const json_t *choose(const json_t *list, const char *type)
{
	const json_t *best = NULL;
	const json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		if (strcmp(type_of(entry), type) != 0)
			continue;
		if (!best || strcmp(created_of(entry), created_of(best)) >= 0)
			best = entry;
	}
	return best;
}

static int parse_list(const struct image_document *document, json_t **ret_json,
		      json_t **ret_list, struct error *err)
{
	json_t *list = NULL;
	int r = json_reader_parse(document->bytes, document->size,
				  MANIFEST_SIZE_MAX, "list of referrers",
				  ret_json, err);

	if (r == 0)
		r = json_reader_get_array(*ret_json, "manifests", &list, err);
	if (r == 0 && !list)
		r = error_set(err, -EPROTO, "the list of referrers is not one");
	*ret_list = list;
	return r;
}

/* The one blob of an artifact's manifest. */
static int parse_blob(const struct image_document *document, const char *type,
		      struct descriptor *ret, struct error *err)
{
	CLEANUP(json_reader_unrefp) json_t *json = NULL;
	json_t *layers = NULL;
	int r = json_reader_parse(document->bytes, document->size,
				  MANIFEST_SIZE_MAX, "artifact", &json, err);

	if (r == 0)
		r = json_reader_get_array(json, "layers", &layers, err);
	if (r < 0)
		return r;
	if (json_array_size(layers) != 1)
		return error_set(err, -EPROTO,
				 "an artifact of type %s has not one layer",
				 type);
	return descriptor_parse(json_array_get(layers, 0), ret, err);
}

int image_artifact_list(struct image *image, struct image_artifacts *ret,
			struct error *err)
{
	struct image_document listed CLEANUP(image_document_fini) = { 0 };
	struct image_artifacts artifacts CLEANUP(
		image_artifact_list_fini) = { 0 };
	struct image_origin *origin = NULL;
	int r = get_origin(image, &origin, err);

	if (r == 0)
		r = origin->ops->fetch_referrers(
			origin, image_manifest_digest(image), &listed, err);
	if (r == 0)
		r = parse_list(&listed, &artifacts.json, &artifacts.list, err);
	if (r < 0)
		return r;
	*ret = artifacts;
	artifacts.json = NULL;
	return 0;
}

void image_artifact_list_fini(struct image_artifacts *artifacts)
{
	json_decref(artifacts->json);
	*artifacts = (struct image_artifacts){ 0 };
}

int image_artifact_find(struct image *image,
			const struct image_artifacts *artifacts,
			const char *type, struct descriptor *ret,
			struct error *err)
{
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	struct descriptor entry CLEANUP(descriptor_fini) = { 0 };
	const json_t *chosen = choose(artifacts->list, type);
	struct image_origin *origin = NULL;
	int r;

	if (!chosen)
		return error_set(err, -ENOENT, "%s has nothing of type %s",
				 image_reference(image), type);
	r = get_origin(image, &origin, err);
	if (r == 0)
		r = descriptor_parse(chosen, &entry, err);
	if (r == 0)
		r = origin->ops->fetch_document(origin, &entry.digest,
						&document, err);
	return r < 0 ? r : parse_blob(&document, type, ret, err);
}

int image_artifact_open(struct image *image, const struct descriptor *blob,
			struct range_source **ret, struct error *err)
{
	struct image_origin *origin = NULL;
	int r = get_origin(image, &origin, err);

	return r < 0 ? r : origin->ops->open_blob(origin, blob, ret, err);
}

/* -- pushing */

static json_t *describe(const char *media_type, const struct digest *digest,
			size_t size)
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(digest, text);
	return json_pack("{s:s, s:s, s:I}", "mediaType", media_type, "digest",
			 text, "size", (json_int_t)size);
}

static json_t *describe_subject(const struct image *image)
{
	const char *media_type = image_manifest(image)->media_type;
	size_t size;

	image_manifest_json(image, &size);
	return describe(*media_type ? media_type : TYPE_MANIFEST,
			image_manifest_digest(image), size);
}

static void format_now(char ret[TIME_SIZE])
{
	time_t now = (time_t)clock_wall_s();
	struct tm tm;

	gmtime_r(&now, &tm);
	if (strftime(ret, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
}

/* The artifact's manifest as text, malloc'ed; NULL: no memory. */
static char *make_manifest(const struct image *image, const char *type,
			   const struct digest *blob, size_t size,
			   const char *now)
{
	CLEANUP(json_reader_unrefp) json_t *json = NULL;
	struct digest empty;

	digest_compute(empty_json, 2, &empty);
	json = json_pack("{s:i, s:s, s:s, s:o, s:[o], s:o, s:{s:s}}",
			 "schemaVersion", 2, "mediaType", TYPE_MANIFEST,
			 "artifactType", type, "config",
			 describe(TYPE_EMPTY, &empty, 2), "layers",
			 describe(type, blob, size), "subject",
			 describe_subject(image), "annotations", CREATED, now);
	return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

/* One more line in a list of referrers; others of its type leave. */
static int add_to_list(json_t *list, const char *type,
		       const struct digest *digest, size_t size,
		       const char *now)
{
	json_t *entry = describe(TYPE_MANIFEST, digest, size);

	for (size_t i = json_array_size(list); i > 0; i--)
		if (strcmp(type_of(json_array_get(list, i - 1)), type) == 0)
			json_array_remove(list, i - 1);
	if (!entry ||
	    json_object_set_new(entry, "artifactType", json_string(type)) < 0 ||
	    json_object_set_new(entry, "annotations",
				json_pack("{s:s}", CREATED, now)) < 0) {
		json_decref(entry);
		return -ENOMEM;
	}
	return json_array_append_new(list, entry) < 0 ? -ENOMEM : 0;
}

static int load_list(struct image_origin *origin, const char *tag,
		     json_t **ret_json, json_t **ret_list, struct error *err)
{
	struct image_document document CLEANUP(image_document_fini) = { 0 };
	int r = origin->ops->fetch_tag(origin, tag, &document, err);

	if (r == 0)
		return parse_list(&document, ret_json, ret_list, err);
	if (r != -ENOENT)
		return r;
	if (err)
		*err = (struct error){ 0 };
	*ret_list = json_array();
	*ret_json = json_pack("{s:i, s:s, s:o}", "schemaVersion", 2,
			      "mediaType", TYPE_INDEX, "manifests", *ret_list);
	return *ret_json ? 0 : error_set(err, -ENOMEM, "out of memory");
}

/* What a registry without the referrers API leaves to its clients. */
static int list_by_tag(struct image *image, struct image_origin *origin,
		       const char *type, const struct digest *digest,
		       size_t size, const char *now, struct error *err)
{
	CLEANUP(json_reader_unrefp) json_t *json = NULL;
	autofree char *text = NULL;
	char tag[DIGEST_TEXT_SIZE];
	json_t *list = NULL;
	int r;

	registry_format_referrers_tag(image_manifest_digest(image), tag);
	r = load_list(origin, tag, &json, &list, err);
	if (r < 0)
		return r;
	r = add_to_list(list, type, digest, size, now);
	text = r == 0 ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return error_set(err, -ENOMEM, "out of memory");
	r = origin->ops->push_manifest(origin, tag, TYPE_INDEX, text,
				       strlen(text), err);
	return r < 0 ? r : 0;
}

static int push_blobs(struct image_origin *origin, const void *data,
		      size_t size, struct digest *ret, struct error *err)
{
	struct digest empty;
	int r;

	digest_compute(data, size, ret);
	digest_compute(empty_json, 2, &empty);
	r = origin->ops->push_blob(origin, ret, data, size, err);
	return r < 0 ? r
		     : origin->ops->push_blob(origin, &empty, empty_json, 2,
					      err);
}

int image_artifact_push(struct image *image, const char *type, const void *data,
			size_t size, struct error *err)
{
	struct image_origin *origin = NULL;
	autofree char *manifest = NULL;
	char text[DIGEST_TEXT_SIZE];
	char now[TIME_SIZE];
	struct digest digest;
	int r = get_origin(image, &origin, err);

	if (r == 0)
		r = image_load_manifest(image, err);
	if (r == 0)
		r = push_blobs(origin, data, size, &digest, err);
	if (r < 0)
		return error_prefix(err, r, "cannot push");
	format_now(now);
	manifest = make_manifest(image, type, &digest, size, now);
	if (!manifest)
		return error_set(err, -ENOMEM, "out of memory");
	digest_compute(manifest, strlen(manifest), &digest);
	digest_format(&digest, text);
	r = origin->ops->push_manifest(origin, text, TYPE_MANIFEST, manifest,
				       strlen(manifest), err);
	if (r == REGISTRY_PUSHED)
		r = list_by_tag(image, origin, type, &digest, strlen(manifest),
				now, err);
	return r < 0 ? error_prefix(err, r, "cannot push") : 0;
}
