/* SPDX-License-Identifier: Apache-2.0 */
#include "image/manifest.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "image/json_reader.h"
#include "image/platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void manifest_fini(struct manifest *manifest)
{
	free(manifest->media_type);
	descriptor_fini(&manifest->config);
	for (uint32_t i = 0; i < manifest->layer_count; i++)
		descriptor_fini(&manifest->layers[i]);
	free(manifest->layers);
	*manifest = (struct manifest){ 0 };
}

static int refuse_schema1(struct error *err)
{
	return error_set(err, -ENOTSUP,
			 "this is a Docker schema 1 manifest, which cannot be "
			 "run lazily; push the image again with a registry or "
			 "client of 2017 or later");
}

static int check_schema(const json_t *root, struct error *err)
{
	uint64_t version = 0;
	int r = json_reader_get_size(root, "schemaVersion", UINT32_MAX,
				     &version, err);

	if (r < 0)
		return r;
	if (version == 1)
		return refuse_schema1(err);
	if (version != 2)
		return error_set(err, -ENOTSUP,
				 "manifest schema version %llu is not known",
				 (unsigned long long)version);
	/* Read as one it would mean something else than as the other
	 * (CVE-2021-41190). */
	if (json_object_get(root, "manifests") &&
	    (json_object_get(root, "layers") ||
	     json_object_get(root, "config")))
		return error_set(err, -EPROTO,
				 "a manifest and an index in one document");
	return 0;
}

static int load_media_type(const json_t *root, char **ret, struct error *err)
{
	const char *text = NULL;
	int r = json_reader_get_text(root, "mediaType", &text, err);

	if (r < 0)
		return r;
	return descriptor_copy_media_type(text ? text : "", ret, err);
}

static int check_manifest_type(const char *media_type, struct error *err)
{
	if (!media_type[0] || descriptor_is_manifest_type(media_type))
		return 0;
	if (descriptor_is_schema1_type(media_type))
		return refuse_schema1(err);
	if (descriptor_is_index_type(media_type))
		return error_set(err, -EPROTO,
				 "an index where an image manifest should be");
	return error_set(err, -ENOTSUP, "\"%.128s\" is not an image manifest",
			 media_type);
}

static int load_config(const json_t *root, struct descriptor *ret,
		       struct error *err)
{
	const char *artifact_type = NULL;
	json_t *config = NULL;
	int r;

	r = json_reader_get_object(root, "config", &config, err);
	if (r == 0 && !config)
		r = error_set(err, -EPROTO, "manifest: no \"config\"");
	if (r == 0)
		r = descriptor_parse(config, ret, err);
	if (r == 0)
		r = json_reader_get_text(root, "artifactType", &artifact_type,
					 err);
	if (r < 0)
		return error_prefix(err, r, "manifest: config");
	if (descriptor_is_config_type(ret->media_type))
		return 0;
	return error_set(err, -ENOTSUP,
			 "this is an artifact of type \"%.128s\", not an image",
			 artifact_type ? artifact_type : ret->media_type);
}

static int load_layer(const json_t *json, struct descriptor *ret,
		      struct error *err)
{
	int r = descriptor_parse(json, ret, err);

	if (r < 0 || descriptor_is_layer_type(ret->media_type) ||
	    descriptor_is_object_type(ret->media_type))
		return r;
	return error_set(err, -ENOTSUP,
			 "layers of type \"%.128s\" cannot be read; tar "
			 "layers, plain, gzip or zstd, can",
			 ret->media_type);
}

static int load_layers(const json_t *root, struct manifest *manifest,
		       struct error *err)
{
	json_t *layers = NULL;
	size_t count;
	int r = json_reader_get_array(root, "layers", &layers, err);

	if (r == 0 && !layers)
		r = error_set(err, -EPROTO, "manifest: no \"layers\"");
	if (r < 0)
		return r;
	count = json_array_size(layers);
	if (count > MANIFEST_LAYERS_MAX)
		return error_set(err, -EFBIG,
				 "an image of %zu layers; at most %d are "
				 "supported",
				 count, MANIFEST_LAYERS_MAX);
	manifest->layers = calloc(count ? count : 1, sizeof(*manifest->layers));
	if (!manifest->layers)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		r = load_layer(json_array_get(layers, i), &manifest->layers[i],
			       err);
		manifest->layer_count = (uint32_t)i + 1;
		if (r < 0)
			return error_prefix(err, r, "manifest: layer %zu", i);
	}
	return 0;
}

int manifest_parse(const void *json, size_t size, struct manifest *ret,
		   struct error *err)
{
	struct manifest manifest CLEANUP(manifest_fini) = { 0 };
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	int r;

	r = json_reader_parse(json, size, MANIFEST_SIZE_MAX, "manifest", &root,
			      err);
	if (r == 0)
		r = check_schema(root, err);
	if (r == 0)
		r = load_media_type(root, &manifest.media_type, err);
	if (r == 0)
		r = check_manifest_type(manifest.media_type, err);
	if (r == 0)
		r = load_config(root, &manifest.config, err);
	if (r == 0)
		r = load_layers(root, &manifest, err);
	if (r < 0)
		return r;
	*ret = manifest;
	manifest = (struct manifest){ 0 };
	return 0;
}

bool manifest_is_index(const char *media_type, const void *json, size_t size)
{
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	autofree char *named = NULL;
	autofree char *inner = NULL;

	if (descriptor_copy_media_type(media_type, &named, NULL) < 0)
		return false;
	if (descriptor_is_index_type(named))
		return true;
	if (descriptor_is_manifest_type(named) ||
	    descriptor_is_schema1_type(named))
		return false;
	if (json_reader_parse(json, size, MANIFEST_SIZE_MAX, "manifest", &root,
			      NULL) < 0)
		return false;
	if (load_media_type(root, &inner, NULL) < 0)
		return false;
	return descriptor_is_index_type(inner) ||
	       (!inner[0] && json_object_get(root, "manifests"));
}

/* What choosing needs of an index's entry; strings are the JSON's. */
struct entry {
	const json_t *json;
	const char *os; /* NULL: no platform given */
	const char *architecture;
	const char *variant;
	bool is_index; /* nested */
};

/* Return: 1 when the entry may be chosen, 0 when it is passed over. */
static int load_entry(const json_t *json, struct entry *ret, struct error *err)
{
	autofree char *media_type = NULL;
	const char *artifact_type = NULL;
	json_t *platform = NULL;
	struct entry entry = { .json = json };
	int r;

	if (!json_is_object(json))
		return error_set(err, -EPROTO, "not an object");
	r = load_media_type(json, &media_type, err);
	if (r == 0)
		r = json_reader_get_text(json, "artifactType", &artifact_type,
					 err);
	if (r == 0)
		r = json_reader_get_object(json, "platform", &platform, err);
	if (r == 0)
		r = json_reader_get_text(platform, "os", &entry.os, err);
	if (r == 0)
		r = json_reader_get_text(platform, "architecture",
					 &entry.architecture, err);
	if (r == 0)
		r = json_reader_get_text(platform, "variant", &entry.variant,
					 err);
	if (r < 0)
		return r;
	if (platform && (!entry.os || !entry.architecture))
		return error_set(err, -EPROTO,
				 "platform without os or architecture");
	entry.is_index = descriptor_is_index_type(media_type);
	*ret = entry;
	return !artifact_type &&
	       (entry.is_index || descriptor_is_manifest_type(media_type)) &&
	       !(entry.os && strcmp(entry.os, "unknown") == 0);
}

static bool is_for(const struct entry *entry, const struct platform *platform,
		   const char *variant)
{
	if (!entry->os || strcmp(entry->os, platform->os) != 0 ||
	    strcmp(entry->architecture, platform->architecture) != 0)
		return false;
	return !variant ||
	       strcmp(entry->variant ? entry->variant : "", variant) == 0;
}

static const struct entry *find_entry(const struct entry *entries, size_t count,
				      const struct platform *platform)
{
	const char *variant;

	for (size_t i = 0; (variant = platform_variant(platform, i)); i++)
		for (size_t k = 0; k < count; k++)
			if (!entries[k].is_index &&
			    is_for(&entries[k], platform, variant))
				return &entries[k];
	for (size_t k = 0; k < count; k++)
		if (entries[k].is_index &&
		    (!entries[k].os || is_for(&entries[k], platform, NULL)))
			return &entries[k];
	for (size_t k = 0; k < count; k++)
		if (!entries[k].is_index && !entries[k].os)
			return &entries[k];
	return NULL;
}

static int refuse_platform(const struct entry *entries, size_t count,
			   const struct platform *platform, struct error *err)
{
	char wanted[PLATFORM_TEXT_SIZE];
	char others[512] = "";
	size_t size = 0;

	for (size_t i = 0; i < count && size < sizeof(others) - 1; i++) {
		const struct entry *entry = &entries[i];

		if (!entry->os)
			continue;
		snprintf(others + size, sizeof(others) - size,
			 "%s%.32s/%.32s%s%.32s", size ? ", " : "", entry->os,
			 entry->architecture, entry->variant ? "/" : "",
			 entry->variant ? entry->variant : "");
		size = strlen(others);
	}
	platform_format(platform, wanted);
	return error_set(err, -ENOTSUP,
			 "there is no image for %s in it; there is %s", wanted,
			 size ? others : "none for any platform");
}

static int load_entries(const json_t *root, struct entry **ret,
			size_t *ret_count, struct error *err)
{
	autofree struct entry *entries = NULL;
	json_t *array = NULL;
	size_t count = 0;
	int r = json_reader_get_array(root, "manifests", &array, err);

	if (r == 0 && !array)
		r = error_set(err, -EPROTO, "index: no \"manifests\"");
	if (r < 0)
		return r;
	if (json_array_size(array) > MANIFEST_ENTRIES_MAX)
		return error_set(err, -EFBIG,
				 "an index of %zu entries; at most %d are "
				 "supported",
				 json_array_size(array), MANIFEST_ENTRIES_MAX);
	entries = calloc(json_array_size(array) + 1, sizeof(*entries));
	if (!entries)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(array); i++) {
		r = load_entry(json_array_get(array, i), &entries[count], err);
		if (r < 0)
			return error_prefix(err, r, "index: entry %zu", i);
		count += (size_t)r;
	}
	*ret = STEAL_PTR(entries);
	*ret_count = count;
	return 0;
}

int manifest_choose(const void *json, size_t size,
		    const struct platform *platform, struct descriptor *ret,
		    struct error *err)
{
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	autofree struct entry *entries = NULL;
	const struct entry *chosen;
	size_t count = 0;
	int r;

	r = json_reader_parse(json, size, MANIFEST_SIZE_MAX, "index", &root,
			      err);
	if (r == 0)
		r = check_schema(root, err);
	if (r == 0)
		r = load_entries(root, &entries, &count, err);
	if (r < 0)
		return r;
	chosen = find_entry(entries, count, platform);
	if (!chosen)
		return refuse_platform(entries, count, platform, err);
	return descriptor_parse(chosen->json, ret, err);
}
