/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_artifact.h"

#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/range_source.h"
#include "image/image.h"
#include "tests/support/layout_maker.h"
#include "tests/support/temp_dir.h"
#include "tools/registry_server.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static char folder[TEMP_DIR_SIZE];
static struct layout_maker maker;
static struct layout_maker_blob subject;
static struct registry_server *server;
static struct http_client *client;
static struct image *image;

static void set_up(void)
{
	char path[TEMP_DIR_SIZE + 16];

	temp_dir_create(folder);
	snprintf(path, sizeof(path), "%s/base", folder);
	layout_maker_init(&maker, path);
	layout_maker_add_image(&maker, "amd64", "a layer", &subject);
	layout_maker_name(&maker, &subject, "one");
}

static void tear_down(void)
{
	image_close(image);
	http_client_destroy(client);
	registry_server_stop(server);
	temp_dir_remove(folder);
}

TestSuite(image_artifact, .init = set_up, .fini = tear_down);

/* An artifact of @subject in the layout, made at @created. */
static void add_artifact(const char *type, const char *data,
			 const char *created,
			 struct layout_maker_blob *ret_blob)
{
	struct layout_maker_blob empty;
	struct layout_maker_blob *blob = ret_blob;
	struct layout_maker_blob artifact;
	char texts[3][DIGEST_TEXT_SIZE];
	char json[2048];

	layout_maker_add_blob(&maker, "application/vnd.oci.empty.v1+json", "{}",
			      2, &empty);
	layout_maker_add_blob(&maker, type, data, strlen(data), blob);
	digest_format(&empty.digest, texts[0]);
	digest_format(&blob->digest, texts[1]);
	digest_format(&subject.digest, texts[2]);
	snprintf(json, sizeof(json),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE
		 "\",\"artifactType\":\"%s\",\"config\":{\"mediaType\":"
		 "\"application/vnd.oci.empty.v1+json\",\"digest\":\"%s\","
		 "\"size\":2},\"layers\":[{\"mediaType\":\"%s\",\"digest\":"
		 "\"%s\",\"size\":%zu}],\"subject\":{\"mediaType\":"
		 "\"" MANIFEST_TYPE "\",\"digest\":\"%s\",\"size\":%zu},"
		 "\"annotations\":{\"org.opencontainers.image.created\":"
		 "\"%s\"}}",
		 type, texts[0], type, texts[1], blob->size, texts[2],
		 subject.size, created);
	layout_maker_add_blob(&maker, MANIFEST_TYPE, json, strlen(json),
			      &artifact);
	layout_maker_name(&maker, &artifact, NULL);
}

static int get_client(void *arg, struct http_client **ret, struct error *err)
{
	const struct http_client_options options = { 0 };
	int r = client ? 0 : http_client_create(&options, &client, err);

	(void)arg;
	if (r == 0)
		*ret = client;
	return r;
}

static void open_text(const char *text)
{
	static const struct image_options options = {
		.get_http_client = get_client,
		.platform = "linux/amd64",
		.cache_dir_fd = -1,
	};
	struct image_ref ref CLEANUP(image_ref_fini) = { 0 };
	struct error err = { 0 };

	cr_assert_eq(image_ref_parse(text, &ref, &err), 0, "%s", err.text);
	cr_assert_eq(image_open(&ref, &options, &image, &err), 0, "%s",
		     err.text);
}

static void open_image(void)
{
	const char *roots[] = { folder };
	const struct registry_server_options options = {
		.roots = roots,
		.root_count = 1,
		.log_fd = -1,
	};
	struct error err = { 0 };
	char text[128];

	cr_assert_eq(registry_server_start(&options, &server, &err), 0, "%s",
		     err.text);
	snprintf(text, sizeof(text), "docker://127.0.0.1:%u/base:one",
		 registry_server_port(server));
	open_text(text);
}

static void expect_blob(const struct image_artifacts *artifacts,
			const char *type, const struct layout_maker_blob *blob)
{
	struct descriptor found CLEANUP(descriptor_fini) = { 0 };
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };

	cr_assert_eq(image_artifact_find(image, artifacts, type, &found, &err),
		     0, "%s", err.text);
	cr_expect(digest_equal(&found.digest, &blob->digest));
	cr_expect_eq(found.size, blob->size);
	cr_assert_eq(image_artifact_open(image, &found, &source, &err), 0, "%s",
		     err.text);
	cr_expect_eq(source->size, blob->size);
}

Test(image_artifact, finds_the_newest_of_a_type)
{
	struct image_artifacts artifacts CLEANUP(
		image_artifact_list_fini) = { 0 };
	struct layout_maker_blob blobs[3];
	struct error err = { 0 };

	add_artifact(IMAGE_ARTIFACT_INDEX, "the newer index",
		     "2026-11-27T08:00:00Z", &blobs[0]);
	add_artifact(IMAGE_ARTIFACT_INDEX, "an older index",
		     "2026-11-26T08:00:00Z", &blobs[1]);
	add_artifact(IMAGE_ARTIFACT_PROFILE, "a profile",
		     "2026-11-25T08:00:00Z", &blobs[2]);
	open_image();
	cr_assert_eq(image_artifact_list(image, &artifacts, &err), 0, "%s",
		     err.text);
	expect_blob(&artifacts, IMAGE_ARTIFACT_INDEX, &blobs[0]);
	expect_blob(&artifacts, IMAGE_ARTIFACT_PROFILE, &blobs[2]);
}

Test(image_artifact, says_that_there_is_none)
{
	struct image_artifacts artifacts CLEANUP(
		image_artifact_list_fini) = { 0 };
	struct descriptor found = { 0 };
	struct layout_maker_blob blob;
	struct error err = { 0 };

	add_artifact(IMAGE_ARTIFACT_INDEX, "an index", "2026-11-27T08:00:00Z",
		     &blob);
	open_image();
	cr_assert_eq(image_artifact_list(image, &artifacts, &err), 0, "%s",
		     err.text);
	cr_expect_eq(image_artifact_find(image, &artifacts,
					 IMAGE_ARTIFACT_PROFILE, &found, &err),
		     -ENOENT);
}

Test(image_artifact, needs_a_registry)
{
	struct image_artifacts artifacts = { 0 };
	char text[LAYOUT_MAKER_PATH_SIZE + 16];

	snprintf(text, sizeof(text), "oci:%s:one", maker.path);
	open_text(text);
	cr_expect_eq(image_artifact_list(image, &artifacts, NULL), -ENOTSUP);
	cr_expect_eq(
		image_artifact_push(image, IMAGE_ARTIFACT_INDEX, "x", 1, NULL),
		-ENOTSUP);
}

Test(image_artifact, is_not_pushed_where_nothing_is_taken)
{
	struct error err = { 0 };

	open_image();
	cr_assert_eq(image_load_manifest(image, &err), 0, "%s", err.text);
	cr_expect_eq(
		image_artifact_push(image, IMAGE_ARTIFACT_INDEX, "x", 1, &err),
		-EROFS, "%s", err.text);
}
