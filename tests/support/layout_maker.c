/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/layout_maker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OCI "application/vnd.oci.image."

enum { PATH_ROOM = LAYOUT_MAKER_PATH_SIZE + 128 };

static void check(int is_good, const char *what)
{
	if (is_good)
		return;
	perror(what);
	abort();
}

static void make_folder(const struct layout_maker *maker, const char *name)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s%s", maker->path, name);
	check(mkdir(path, 0700) == 0, path);
}

void layout_maker_write(const struct layout_maker *maker, const char *name,
			const void *data, size_t size)
{
	char path[PATH_ROOM];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", maker->path, name);
	file = fopen(path, "we");
	check(file != NULL, path);
	check(fwrite(data, 1, size, file) == size, path);
	check(fclose(file) == 0, path);
}

static void write_index(const struct layout_maker *maker)
{
	char text[LAYOUT_MAKER_TEXT_SIZE + 128];

	snprintf(text, sizeof(text), "{\"schemaVersion\":2,\"manifests\":[%s]}",
		 maker->entries);
	layout_maker_write(maker, "index.json", text, strlen(text));
}

void layout_maker_init(struct layout_maker *maker, const char *path)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

	*maker = (struct layout_maker){ 0 };
	snprintf(maker->path, sizeof(maker->path), "%s", path);
	make_folder(maker, "");
	make_folder(maker, "/blobs");
	make_folder(maker, "/blobs/sha256");
	layout_maker_write(maker, "oci-layout", version, strlen(version));
	write_index(maker);
}

void layout_maker_add_blob(const struct layout_maker *maker,
			   const char *media_type, const void *data,
			   size_t size, struct layout_maker_blob *ret)
{
	char name[32 + DIGEST_HEX_SIZE] = "blobs/sha256/";

	digest_compute(data, size, &ret->digest);
	digest_format_hex(&ret->digest, name + strlen(name));
	layout_maker_write(maker, name, data, size);
	ret->media_type = media_type;
	ret->size = size;
}

static void format_descriptor(const struct layout_maker_blob *blob,
			      const char *rest, char ret[512])
{
	char digest[DIGEST_TEXT_SIZE];

	digest_format(&blob->digest, digest);
	snprintf(ret, 512,
		 "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}",
		 blob->media_type, digest, blob->size, rest);
}

void layout_maker_add_layer(const struct layout_maker *maker,
			    const char *architecture, const void *layer,
			    size_t size, struct layout_maker_blob *ret)
{
	struct layout_maker_blob layer_blob;
	struct layout_maker_blob config_blob;
	char digest[DIGEST_TEXT_SIZE];
	char descriptors[2][512];
	char text[2048];

	layout_maker_add_blob(maker, OCI "layer.v1.tar", layer, size,
			      &layer_blob);
	digest_format(&layer_blob.digest, digest);
	snprintf(text, sizeof(text),
		 "{\"os\":\"linux\",\"architecture\":\"%s\",\"config\":{"
		 "\"Env\":[\"A=b\"]},\"rootfs\":{\"type\":\"layers\","
		 "\"diff_ids\":[\"%s\"]}}",
		 architecture, digest);
	layout_maker_add_blob(maker, OCI "config.v1+json", text, strlen(text),
			      &config_blob);
	format_descriptor(&config_blob, "", descriptors[0]);
	format_descriptor(&layer_blob, "", descriptors[1]);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI
		 "manifest.v1+json\",\"config\":%s,\"layers\":[%s]}",
		 descriptors[0], descriptors[1]);
	layout_maker_add_blob(maker, OCI "manifest.v1+json", text, strlen(text),
			      ret);
}

void layout_maker_add_image(const struct layout_maker *maker,
			    const char *architecture, const char *layer,
			    struct layout_maker_blob *ret)
{
	layout_maker_add_layer(maker, architecture, layer, strlen(layer), ret);
}

void layout_maker_add_list(const struct layout_maker *maker,
			   const char *architecture_a,
			   const struct layout_maker_blob *a,
			   const char *architecture_b,
			   const struct layout_maker_blob *b,
			   struct layout_maker_blob *ret)
{
	char descriptors[2][512];
	char platform[2][128];
	char text[2048];

	snprintf(platform[0], sizeof(platform[0]),
		 ",\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}",
		 architecture_a);
	snprintf(platform[1], sizeof(platform[1]),
		 ",\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}",
		 architecture_b);
	format_descriptor(a, platform[0], descriptors[0]);
	format_descriptor(b, platform[1], descriptors[1]);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI
		 "index.v1+json\",\"manifests\":[%s,%s]}",
		 descriptors[0], descriptors[1]);
	layout_maker_add_blob(maker, OCI "index.v1+json", text, strlen(text),
			      ret);
}

void layout_maker_name(struct layout_maker *maker,
		       const struct layout_maker_blob *blob, const char *tag)
{
	size_t len = strlen(maker->entries);
	char descriptor[512];
	char annotation[256] = "";

	if (tag)
		snprintf(annotation, sizeof(annotation),
			 ",\"annotations\":{"
			 "\"org.opencontainers.image.ref.name\":\"%s\"}",
			 tag);
	format_descriptor(blob, annotation, descriptor);
	assert(len + strlen(descriptor) + 2 < sizeof(maker->entries));
	snprintf(maker->entries + len, sizeof(maker->entries) - len, "%s%s",
		 len ? "," : "", descriptor);
	write_index(maker);
}
