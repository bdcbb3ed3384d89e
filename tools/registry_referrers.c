/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/registry_referrers.h"

#include "common/cleanup.h"
#include "common/digest.h"
#include "common/error.h"
#include "image/json_reader.h"
#include "image/oci_layout.h"

#include <errno.h>
#include <string.h>

/* So that a request cannot make the server read gigabytes. */
enum { REFERRER_SIZE_MAX = 1 << 20 };

static bool refers_to(const json_t *manifest, const struct digest *subject)
{
	json_t *object = NULL;
	const char *text = NULL;
	struct digest digest;

	return json_reader_get_object(manifest, "subject", &object, NULL) ==
		       0 &&
	       json_reader_get_text(object, "digest", &text, NULL) == 0 &&
	       text && digest_parse(text, &digest, NULL) == 0 &&
	       digest_equal(&digest, subject);
}

/* artifactType, or without one the type of the configuration. */
static const char *find_artifact_type(const json_t *manifest)
{
	json_t *config = NULL;
	const char *type = NULL;

	if (json_reader_get_text(manifest, "artifactType", &type, NULL) == 0 &&
	    type)
		return type;
	if (json_reader_get_object(manifest, "config", &config, NULL) == 0 &&
	    json_reader_get_text(config, "mediaType", &type, NULL) == 0 && type)
		return type;
	return "";
}

static json_t *describe(const json_t *manifest,
			const struct descriptor *descriptor)
{
	json_t *annotations = json_object_get(manifest, "annotations");
	char digest[DIGEST_TEXT_SIZE];

	digest_format(&descriptor->digest, digest);
	return json_pack("{s:s,s:s,s:I,s:s,s:O*}", "mediaType",
			 descriptor->media_type, "digest", digest, "size",
			 (json_int_t)descriptor->size, "artifactType",
			 find_artifact_type(manifest), "annotations",
			 annotations);
}

/* Return: the entry's manifest when it refers to @subject, else NULL. */
static json_t *load_referrer(const struct oci_layout *layout,
			     const struct descriptor *descriptor,
			     const struct digest *subject,
			     const char *artifact_type)
{
	CLEANUP(json_reader_unrefp) json_t *manifest = NULL;
	autofree uint8_t *bytes = NULL;
	size_t size = 0;

	if (oci_layout_load_blob(layout, &descriptor->digest, REFERRER_SIZE_MAX,
				 &bytes, &size, NULL) < 0 ||
	    json_reader_parse(bytes, size, size, "manifest", &manifest, NULL) <
		    0 ||
	    !refers_to(manifest, subject))
		return NULL;
	if (artifact_type &&
	    strcmp(artifact_type, find_artifact_type(manifest)) != 0)
		return NULL;
	return STEAL_PTR(manifest);
}

static json_t *make_index(const struct oci_layout *layout,
			  const struct oci_layout_index *index,
			  const struct digest *subject,
			  const char *artifact_type)
{
	CLEANUP(json_reader_unrefp) json_t *list = json_array();

	for (uint32_t i = 0; list && i < index->count; i++) {
		const struct descriptor *descriptor =
			&index->entries[i].descriptor;
		CLEANUP(json_reader_unrefp)
		json_t *manifest = load_referrer(layout, descriptor, subject,
						 artifact_type);

		if (manifest &&
		    json_array_append_new(list,
					  describe(manifest, descriptor)) < 0)
			return NULL;
	}
	return json_pack("{s:i,s:s,s:O}", "schemaVersion", 2, "mediaType",
			 "application/vnd.oci.image.index.v1+json", "manifests",
			 list);
}

int registry_referrers_load(const struct oci_layout *layout,
			    const struct digest *subject,
			    const char *artifact_type, json_t **ret,
			    struct error *err)
{
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	json_t *json;
	int r = oci_layout_load_index(layout, &index, err);

	if (r < 0)
		return r;
	json = make_index(layout, &index, subject, artifact_type);
	if (!json)
		return error_set(err, -ENOMEM, "out of memory");
	*ret = json;
	return 0;
}
