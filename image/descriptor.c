/* SPDX-License-Identifier: Apache-2.0 */
#include "image/descriptor.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "image/json_reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static const uint64_t size_max = (UINT64_C(1) << 48) - 1;

static const char *const index_types[] = {
	OCI "index.v1+json",
	DOCKER "distribution.manifest.list.v2+json",
	NULL,
};

static const char *const manifest_types[] = {
	OCI "manifest.v1+json",
	DOCKER "distribution.manifest.v2+json",
	NULL,
};

static const char *const schema1_types[] = {
	DOCKER "distribution.manifest.v1+json",
	DOCKER "distribution.manifest.v1+prettyjws",
	NULL,
};

/* Docker before 1.10 pushed configurations as octet streams. */
static const char *const config_types[] = {
	OCI "config.v1+json",
	DOCKER "container.image.v1+json",
	"application/octet-stream",
	NULL,
};

static const char *const layer_types[] = {
	OCI "layer.v1.tar",
	OCI "layer.v1.tar+gzip",
	OCI "layer.v1.tar+zstd",
	OCI "layer.nondistributable.v1.tar",
	OCI "layer.nondistributable.v1.tar+gzip",
	OCI "layer.nondistributable.v1.tar+zstd",
	DOCKER "image.rootfs.diff.tar",
	DOCKER "image.rootfs.diff.tar.gzip",
	DOCKER "image.rootfs.diff.tar.zstd",
	DOCKER "image.rootfs.foreign.diff.tar",
	DOCKER "image.rootfs.foreign.diff.tar.gzip",
	DOCKER "image.rootfs.foreign.diff.tar.zstd",
	NULL,
};

static bool is_in(const char *const *types, const char *media_type)
{
	for (; *types; types++)
		if (strcmp(*types, media_type) == 0)
			return true;
	return false;
}

bool descriptor_is_index_type(const char *media_type)
{
	return is_in(index_types, media_type);
}

bool descriptor_is_manifest_type(const char *media_type)
{
	return is_in(manifest_types, media_type);
}

bool descriptor_is_schema1_type(const char *media_type)
{
	return is_in(schema1_types, media_type);
}

bool descriptor_is_config_type(const char *media_type)
{
	return is_in(config_types, media_type);
}

bool descriptor_is_layer_type(const char *media_type)
{
	return is_in(layer_types, media_type);
}

bool descriptor_is_object_type(const char *media_type)
{
	return strcmp(media_type, DESCRIPTOR_OBJECT_TYPE) == 0;
}

int descriptor_copy_media_type(const char *text, char **ret, struct error *err)
{
	size_t len = strcspn(text, "; \t");
	char *copy;

	if (len > DESCRIPTOR_MEDIA_TYPE_LEN_MAX)
		return error_set(err, -EPROTO,
				 "\"mediaType\" is longer than %d characters",
				 DESCRIPTOR_MEDIA_TYPE_LEN_MAX);
	copy = strndup(text, len);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	*ret = copy;
	return 0;
}

void descriptor_fini(struct descriptor *descriptor)
{
	free(descriptor->media_type);
	*descriptor = (struct descriptor){ 0 };
}

int descriptor_parse(const json_t *json, struct descriptor *ret,
		     struct error *err)
{
	struct descriptor descriptor CLEANUP(descriptor_fini) = { 0 };
	const char *media_type = NULL;
	const char *digest = NULL;
	int r;

	if (!json_is_object(json))
		return error_set(err, -EPROTO, "a descriptor is not an object");
	r = json_reader_get_text(json, "digest", &digest, err);
	if (r == 0 && !digest)
		r = error_set(err, -EPROTO, "a descriptor has no \"digest\"");
	if (r == 0)
		r = digest_parse(digest, &descriptor.digest, err);
	if (r == 0)
		r = json_reader_get_size(json, "size", size_max,
					 &descriptor.size, err);
	if (r == 0)
		r = json_reader_get_text(json, "mediaType", &media_type, err);
	if (r == 0)
		r = descriptor_copy_media_type(media_type ? media_type : "",
					       &descriptor.media_type, err);
	if (r == -EINVAL)
		r = error_prefix(err, -EPROTO, "a descriptor");
	if (r < 0)
		return r;
	*ret = descriptor;
	descriptor.media_type = NULL;
	return 0;
}
