/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/range_source.h"
#include "tests/support/layout_maker.h"
#include "tests/support/temp_dir.h"
#include "tools/registry_server.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The client, and how often an image asked for it. */
struct network {
	struct http_client *client;
	unsigned count;
};

static char folder[TEMP_DIR_SIZE];
static struct layout_maker maker;
static struct layout_maker_blob amd64;
static struct layout_maker_blob arm64;
static struct layout_maker_blob list;
static struct registry_server *server;
static struct network network;
static int cache_fd = -1;

static void set_up(void)
{
	char path[TEMP_DIR_SIZE + 16];

	temp_dir_create(folder);
	snprintf(path, sizeof(path), "%s/base", folder);
	layout_maker_init(&maker, path);
	layout_maker_add_image(&maker, "amd64", "layer of amd64", &amd64);
	layout_maker_add_image(&maker, "arm64", "layer of arm64", &arm64);
	layout_maker_add_list(&maker, "amd64", &amd64, "arm64", &arm64, &list);
	layout_maker_name(&maker, &amd64, "one");
	layout_maker_name(&maker, &list, "all");
}

static void tear_down(void)
{
	http_client_destroy(network.client);
	registry_server_stop(server);
	if (cache_fd >= 0)
		close(cache_fd);
	temp_dir_remove(folder);
}

TestSuite(image, .init = set_up, .fini = tear_down);

static void start_registry(void)
{
	const char *roots[] = { folder };
	const struct registry_server_options options = {
		.roots = roots,
		.root_count = 1,
		.log_fd = -1,
	};
	struct error err = { 0 };

	cr_assert_eq(registry_server_start(&options, &server, &err), 0, "%s",
		     err.text);
	cache_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(cache_fd, 0);
}

static unsigned manifest_requests(void)
{
	struct registry_server_counters counters;

	registry_server_get_counters(server, &counters);
	return (unsigned)counters.manifest_requests;
}

static int get_client(void *arg, struct http_client **ret, struct error *err)
{
	struct network *self = arg;

	self->count++;
	if (!self->client) {
		const struct http_client_options options = { 0 };
		int r = http_client_create(&options, &self->client, err);

		if (r < 0)
			return r;
	}
	*ret = self->client;
	return 0;
}

static const struct image_options amd64_options = {
	.get_http_client = get_client,
	.arg = &network,
	.platform = "linux/amd64",
	.cache_dir_fd = -1,
	.tag_ttl_s = 300,
};

static int open_text(const char *text, const struct image_options *options,
		     struct image **ret, struct error *err)
{
	struct image_ref ref CLEANUP(image_ref_fini) = { 0 };

	cr_assert_eq(image_ref_parse(text, &ref, err), 0);
	return image_open(&ref, options, ret, err);
}

static struct image *open_layout(const char *tag,
				 const struct image_options *options,
				 int expected, struct error *err)
{
	char text[LAYOUT_MAKER_PATH_SIZE + 64];
	struct image *image = NULL;
	struct error own = { 0 };

	snprintf(text, sizeof(text), "oci:%s%s%s", maker.path, tag ? ":" : "",
		 tag ? tag : "");
	cr_assert_eq(open_text(text, options, &image, err ? err : &own),
		     expected, "%s", err ? err->text : own.text);
	return image;
}

static struct image *open_registry(const char *rest,
				   const struct image_options *options,
				   int expected, struct error *err)
{
	char text[256];
	struct image *image = NULL;
	struct error own = { 0 };

	snprintf(text, sizeof(text), "docker://127.0.0.1:%u/base%s",
		 registry_server_port(server), rest);
	cr_assert_eq(open_text(text, options, &image, err ? err : &own),
		     expected, "%s", err ? err->text : own.text);
	return image;
}

static void expect_digest(const struct image *image,
			  const struct layout_maker_blob *blob)
{
	cr_expect(digest_equal(image_manifest_digest(image), &blob->digest));
}

static void keep_data(void *arg, int result, uint8_t *data,
		      const struct error *err)
{
	(void)err;
	cr_expect_eq(result, 0);
	*(uint8_t **)arg = data;
}

static void expect_loaded(struct image *image, const char *architecture)
{
	struct error err = { 0 };
	struct digest found;
	const char *json;
	size_t size = 0;

	cr_assert_eq(image_load_manifest(image, &err), 0, "%s", err.text);
	cr_expect_eq(image_manifest(image)->layer_count, 1);
	cr_expect_str_eq(image_config(image)->architecture, architecture);
	cr_expect_str_eq(image_config(image)->env[0], "A=b");
	json = image_manifest_json(image, &size);
	digest_compute(json, size, &found);
	cr_expect(digest_equal(&found, image_manifest_digest(image)));
	json = image_config_json(image, &size);
	digest_compute(json, size, &found);
	cr_expect(digest_equal(&found, &image_manifest(image)->config.digest));
}

Test(image, opens_a_layout_by_tag)
{
	CLEANUP(image_closep)
	struct image *image = open_layout("one", &amd64_options, 0, NULL);

	expect_digest(image, &amd64);
	cr_expect(strstr(image_reference(image), ":one"));
	expect_loaded(image, "amd64");
	cr_expect_eq(network.count, 0);
}

Test(image, chooses_the_platform_of_a_list)
{
	struct image_options options = amd64_options;
	CLEANUP(image_closep)
	struct image *image = open_layout("all", &options, 0, NULL);
	CLEANUP(image_closep) struct image *other = NULL;

	expect_digest(image, &amd64);
	options.platform = "linux/arm64/v8";
	other = open_layout("all", &options, 0, NULL);
	expect_digest(other, &arm64);
	expect_loaded(other, "arm64");
}

Test(image, says_which_platforms_there_are)
{
	struct image_options options = amd64_options;
	struct error err = { 0 };

	options.platform = "linux/s390x";
	open_layout("all", &options, -ENOTSUP, &err);
	cr_expect(strstr(err.text, "linux/amd64, linux/arm64"), "%s", err.text);
	cr_expect(strstr(err.text, ":all"), "%s", err.text);
	options.platform = "amd64";
	open_layout("all", &options, -EINVAL, &err);
}

Test(image, lists_the_tags_there_are)
{
	struct error err = { 0 };

	open_layout(NULL, &amd64_options, -ENOENT, &err);
	cr_expect(strstr(err.text, "one, all"), "%s", err.text);
	open_layout("none", &amd64_options, -ENOENT, &err);
	cr_expect(strstr(err.text, "one, all"), "%s", err.text);
}

Test(image, follows_nested_indexes_only_so_deep)
{
	CLEANUP(image_closep) struct image *image = NULL;
	struct layout_maker_blob nested = amd64;
	struct error err = { 0 };

	for (int depth = 1; depth <= 5; depth++) {
		struct layout_maker_blob inner = nested;
		char tag[16];

		layout_maker_add_list(&maker, "amd64", &inner, "arm64", &arm64,
				      &nested);
		snprintf(tag, sizeof(tag), "deep%d", depth);
		layout_maker_name(&maker, &nested, tag);
	}
	image = open_layout("deep4", &amd64_options, 0, NULL);
	expect_digest(image, &amd64);
	open_layout("deep5", &amd64_options, -EPROTO, &err);
	cr_expect(strstr(err.text, "nested"), "%s", err.text);
}

Test(image, reads_layers_of_a_layout)
{
	CLEANUP(image_closep)
	struct image *image = open_layout("one", &amd64_options, 0, NULL);
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };
	uint8_t *data = NULL;

	cr_assert_eq(image_load_manifest(image, NULL), 0);
	cr_expect_eq(image_open_layer(image, 1, &source, &err), -EINVAL);
	cr_assert_eq(image_open_layer(image, 0, &source, &err), 0, "%s",
		     err.text);
	cr_expect_eq(source->size, strlen("layer of amd64"));
	range_source_fetch(source, 6, 8, INT64_MAX, keep_data, &data);
	cr_assert(data);
	cr_expect_eq(memcmp(data, "of amd64", 8), 0);
	free(data);
}

Test(image, refuses_a_config_that_does_not_fit_the_layers)
{
	static const char type[] = "application/vnd.oci.image.config.v1+json";
	CLEANUP(image_closep) struct image *image = NULL;
	struct layout_maker_blob config;
	struct layout_maker_blob manifest;
	struct error err = { 0 };
	char digest[DIGEST_TEXT_SIZE];
	char json[1024];

	layout_maker_add_blob(&maker, type, "{}", 2, &config);
	digest_format(&config.digest, digest);
	snprintf(json, sizeof(json),
		 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\","
		 "\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":"
		 "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\","
		 "\"size\":2}]}",
		 type, digest, digest);
	layout_maker_add_blob(&maker,
			      "application/vnd.oci.image.manifest.v1+json",
			      json, strlen(json), &manifest);
	layout_maker_name(&maker, &manifest, "odd");
	image = open_layout("odd", &amd64_options, 0, NULL);
	cr_expect_eq(image_load_manifest(image, &err), -EPROTO);
	cr_expect(strstr(err.text, "1 layers, the configuration 0"), "%s",
		  err.text);
}

Test(image, takes_manifest_and_config_from_an_index)
{
	CLEANUP(image_closep)
	struct image *source = open_layout("one", &amd64_options, 0, NULL);
	CLEANUP(image_closep)
	struct image *other = open_layout("all", &amd64_options, 0, NULL);
	size_t manifest_size = 0;
	size_t config_size = 0;
	const char *manifest;
	const char *config;
	struct error err = { 0 };

	cr_assert_eq(image_load_manifest(source, NULL), 0);
	manifest = image_manifest_json(source, &manifest_size);
	config = image_config_json(source, &config_size);
	cr_expect_eq(image_set_manifest(other, manifest, manifest_size - 1,
					config, config_size, &err),
		     -EBADMSG);
	cr_expect(strstr(err.text, "another image"), "%s", err.text);
	cr_expect_eq(image_set_manifest(other, manifest, manifest_size, config,
					config_size - 1, &err),
		     -EBADMSG);
	cr_assert_eq(image_set_manifest(other, manifest, manifest_size, config,
					config_size, &err),
		     0, "%s", err.text);
	cr_expect_eq(image_manifest(other)->layer_count, 1);
	expect_loaded(other, "amd64");
	cr_expect_eq(image_set_manifest(other, manifest, manifest_size, config,
					config_size, &err),
		     0);
}

/* Of a fetch that nobody waits for. */
static void note_end(void *arg, int result, uint8_t *data,
		     const struct error *err)
{
	(void)arg;
	(void)result;
	(void)err;
	free(data);
}

Test(image, opens_from_a_registry)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	CLEANUP(image_closep) struct image *image = NULL;
	struct error err = { 0 };

	start_registry();
	image = open_registry(":all", &amd64_options, 0, NULL);
	expect_digest(image, &amd64);
	cr_expect_eq(manifest_requests(), 2);
	expect_loaded(image, "amd64");
	cr_expect_eq(manifest_requests(), 2);
	cr_assert_eq(image_open_layer(image, 0, &source, &err), 0, "%s",
		     err.text);
	cr_expect_eq(source->size, strlen("layer of amd64"));
	cr_expect_eq(network.count, 1);
	open_registry(":none", &amd64_options, -ENOENT, &err);
}

Test(image, remembers_tags_for_their_time_to_live)
{
	struct image_options options = amd64_options;
	CLEANUP(image_closep) struct image *first = NULL;
	CLEANUP(image_closep) struct image *second = NULL;
	CLEANUP(image_closep) struct image *third = NULL;
	CLEANUP(image_closep) struct image *fourth = NULL;

	start_registry();
	options.cache_dir_fd = cache_fd;
	first = open_registry(":all", &options, 0, NULL);
	cr_expect_eq(network.count, 1);
	second = open_registry(":all", &options, 0, NULL);
	expect_digest(second, &amd64);
	cr_expect_eq(network.count, 1);
	cr_expect_eq(manifest_requests(), 2);
	/* what was not asked at opening is when it is needed */
	expect_loaded(second, "amd64");
	cr_expect_eq(network.count, 2);
	cr_expect_eq(manifest_requests(), 3);
	options.platform = "linux/arm64";
	third = open_registry(":all", &options, 0, NULL);
	expect_digest(third, &arm64);
	cr_expect_eq(manifest_requests(), 5);
	options.tag_ttl_s = 0;
	fourth = open_registry(":all", &options, 0, NULL);
	cr_expect_eq(manifest_requests(), 7);
}

static void format_suffix(const struct digest *digest, char ret[80])
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(digest, text);
	snprintf(ret, 80, "@%s", text);
}

Test(image, remembers_digests_for_ever)
{
	struct image_options options = amd64_options;
	CLEANUP(image_closep) struct image *first = NULL;
	CLEANUP(image_closep) struct image *by_list = NULL;
	CLEANUP(image_closep) struct image *by_manifest = NULL;
	char suffix[80];

	start_registry();
	options.cache_dir_fd = cache_fd;
	options.tag_ttl_s = 0;
	format_suffix(&list.digest, suffix);
	first = open_registry(suffix, &options, 0, NULL);
	expect_digest(first, &amd64);
	cr_expect_eq(manifest_requests(), 2);
	by_list = open_registry(suffix, &options, 0, NULL);
	expect_digest(by_list, &amd64);
	format_suffix(&amd64.digest, suffix);
	by_manifest = open_registry(suffix, &options, 0, NULL);
	expect_digest(by_manifest, &amd64);
	cr_expect_eq(manifest_requests(), 2);
	cr_expect_eq(network.count, 1);
	expect_loaded(by_manifest, "amd64");
}

Test(image, assumes_what_a_tag_means_and_asks_later)
{
	struct image_options options = amd64_options;
	CLEANUP(image_closep) struct image *image = NULL;
	CLEANUP(image_closep) struct image *again = NULL;
	struct error err = { 0 };

	start_registry();
	options.cache_dir_fd = cache_fd;
	options.known_manifest = &amd64.digest;
	options.may_assume = true;
	image = open_registry(":all", &options, 0, NULL);
	expect_digest(image, &amd64);
	cr_expect(image_is_assumed(image));
	cr_expect_eq(network.count, 0);
	cr_expect_eq(image_confirm(image, &err), 0, "%s", err.text);
	cr_expect_not(image_is_assumed(image));
	cr_expect_eq(manifest_requests(), 2);
	cr_expect_eq(image_confirm(image, &err), 0);
	cr_expect_eq(manifest_requests(), 2);
	/* it was remembered */
	again = open_registry(":all", &options, 0, NULL);
	cr_expect_not(image_is_assumed(again));
	cr_expect_eq(manifest_requests(), 2);
}

Test(image, finds_out_that_a_tag_means_another_image)
{
	struct image_options options = amd64_options;
	CLEANUP(image_closep) struct image *image = NULL;
	struct error err = { 0 };

	start_registry();
	options.known_manifest = &arm64.digest;
	options.may_assume = true;
	image = open_registry(":all", &options, 0, NULL);
	expect_digest(image, &arm64);
	cr_expect_eq(image_confirm(image, &err), -ESTALE);
	cr_expect(strstr(err.text, "not the index of"), "%s", err.text);
	cr_expect(image_is_assumed(image));
}

Test(image, asks_nobody_about_the_manifest_of_an_index_at_hand)
{
	struct image_options options = amd64_options;
	CLEANUP(image_closep) struct image *image = NULL;
	char suffix[80];

	start_registry();
	options.known_manifest = &amd64.digest;
	format_suffix(&amd64.digest, suffix);
	image = open_registry(suffix, &options, 0, NULL);
	expect_digest(image, &amd64);
	cr_expect_eq(network.count, 0);
	format_suffix(&list.digest, suffix);
	image_close(image);
	image = open_registry(suffix, &options, 0, NULL);
	expect_digest(image, &amd64);
	cr_expect_eq(network.count, 1);
}

Test(image, needs_no_network_for_layers_that_are_not_read)
{
	struct image_options options = amd64_options;
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	CLEANUP(image_closep) struct image *known = NULL;
	CLEANUP(image_closep) struct image *image = NULL;
	const char *config;
	const char *json;
	size_t config_size;
	size_t size;
	char suffix[80];

	start_registry();
	known = open_registry(":all", &amd64_options, 0, NULL);
	expect_loaded(known, "amd64");
	json = image_manifest_json(known, &size);
	config = image_config_json(known, &config_size);
	network.count = 0;
	options.known_manifest = &amd64.digest;
	format_suffix(&amd64.digest, suffix);
	image = open_registry(suffix, &options, 0, NULL);
	cr_assert_eq(image_set_manifest(image, json, size, config, config_size,
					NULL),
		     0);
	cr_assert_eq(image_open_layer(image, 0, &source, NULL), 0);
	cr_expect_eq(source->size, strlen("layer of amd64"));
	cr_expect_eq(network.count, 0);
	range_source_fetch(source, 0, 1, clock_ms() + 5000, note_end, NULL);
	cr_expect_eq(network.count, 1);
}

static int fail_client(void *arg, struct http_client **ret, struct error *err)
{
	(void)arg;
	(void)ret;
	return error_set(err, -EAGAIN, "no thread");
}

Test(image, passes_on_that_there_is_no_network)
{
	struct image_options options = amd64_options;
	struct error err = { 0 };

	start_registry();
	options.get_http_client = fail_client;
	open_registry(":all", &options, -EAGAIN, &err);
	cr_expect_str_eq(err.text, "no thread");
}
