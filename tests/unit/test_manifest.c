/* SPDX-License-Identifier: Apache-2.0 */
#include "image/manifest.h"

#include "common/error.h"
#include "image/platform.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define DESCRIPTOR(type, hex, rest)                                            \
	"{\"mediaType\":\"" type "\",\"digest\":\"sha256:" hex                 \
	"\",\"size\":7" rest "}"
#define CONFIG DESCRIPTOR(OCI "config.v1+json", HEX_A, "")
#define LAYER  DESCRIPTOR(OCI "layer.v1.tar+gzip", HEX_B, "")
#define MANIFEST(config, layers)                                               \
	"{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"
#define ENTRY(hex, platform)                                                   \
	DESCRIPTOR(OCI "manifest.v1+json", hex, ",\"platform\":{" platform "}")
#define OS(os, arch)   "\"os\":\"" os "\",\"architecture\":\"" arch "\""
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static int parse(const char *json, struct manifest *ret, struct error *err)
{
	return manifest_parse(json, strlen(json), ret, err);
}

Test(manifest, reads_config_and_layers_in_order)
{
	static const char json[] =
		MANIFEST(CONFIG, LAYER
			 "," DESCRIPTOR(OCI "layer.v1.tar; x=y", HEX_A, ""));
	struct manifest manifest = { 0 };
	struct error err = { 0 };

	cr_assert_eq(parse(json, &manifest, &err), 0, "%s", err.text);
	cr_expect_str_eq(manifest.media_type, "");
	cr_expect_str_eq(manifest.config.media_type, OCI "config.v1+json");
	cr_expect_eq(manifest.config.digest.bytes[31], 0xaa);
	cr_expect_eq(manifest.config.size, 7);
	cr_assert_eq(manifest.layer_count, 2);
	cr_expect_str_eq(manifest.layers[0].media_type,
			 OCI "layer.v1.tar+gzip");
	cr_expect_eq(manifest.layers[0].digest.bytes[0], 0xbb);
	cr_expect_str_eq(manifest.layers[1].media_type, OCI "layer.v1.tar");
	manifest_fini(&manifest);
}

Test(manifest, accepts_every_layer_type_there_is)
{
	static const char *const types[] = {
		OCI "layer.v1.tar",
		OCI "layer.v1.tar+gzip",
		OCI "layer.v1.tar+zstd",
		OCI "layer.nondistributable.v1.tar+gzip",
		DOCKER "image.rootfs.diff.tar",
		DOCKER "image.rootfs.diff.tar.gzip",
		DOCKER "image.rootfs.diff.tar.zstd",
		DOCKER "image.rootfs.foreign.diff.tar.gzip",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct manifest manifest = { 0 };
		char json[1024];

		snprintf(json, sizeof(json),
			 "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
			 "distribution.manifest.v2+json\",\"config\":" CONFIG
			 ",\"layers\":[{\"mediaType\":\"%s\",\"size\":0,"
			 "\"digest\":\"sha256:" HEX_A "\"}]}",
			 types[i]);
		cr_expect_eq(parse(json, &manifest, NULL), 0, "case: %s",
			     types[i]);
		manifest_fini(&manifest);
	}
}

static const struct {
	const char *json;
	int result;
	const char *says;
} bad_manifests[] = {
	{ "", -EPROTO, "not valid JSON" },
	{ "[]", -EPROTO, "not a JSON object" },
	{ "{}", -EPROTO, "schemaVersion" },
	{ "{\"schemaVersion\":1,\"fsLayers\":[]}", -ENOTSUP, "schema 1" },
	{ "{\"schemaVersion\":3}", -ENOTSUP, "version 3" },
	{ "{\"schemaVersion\":2.0}", -EPROTO, "schemaVersion" },
	{ "{\"schemaVersion\":2,\"schemaVersion\":2}", -EPROTO, "duplicate" },
	{ "{\"schemaVersion\":2,\"mediaType\":\"" OCI "index.v1+json\"}",
	  -EPROTO, "an index where" },
	{ "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
	  "distribution.manifest.v1+prettyjws\"}",
	  -ENOTSUP, "schema 1" },
	{ "{\"schemaVersion\":2,\"mediaType\":\"text/html\"}", -ENOTSUP,
	  "text/html" },
	{ "{\"schemaVersion\":2,\"mediaType\":7}", -EPROTO, "mediaType" },
	{ "{\"schemaVersion\":2}", -EPROTO, "\"config\"" },
	{ "{\"schemaVersion\":2,\"config\":" CONFIG "}", -EPROTO,
	  "\"layers\"" },
	{ "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":null}",
	  -EPROTO, "\"layers\"" },
	{ "{\"schemaVersion\":2,\"config\":" CONFIG
	  ",\"layers\":[],\"manifests\":[]}",
	  -EPROTO, "one document" },
	{ MANIFEST("[]", LAYER), -EPROTO, "not an object" },
	{ MANIFEST(CONFIG, "7"), -EPROTO, "layer 0" },
	{ MANIFEST(CONFIG,
		   LAYER "," DESCRIPTOR("application/x-foo", HEX_A, "")),
	  -ENOTSUP, "layer 1: layers of type \"application/x-foo\"" },
	{ MANIFEST(DESCRIPTOR("application/vnd.cncf.helm.config.v1+json", HEX_A,
			      ""),
		   LAYER),
	  -ENOTSUP, "helm" },
	{ "{\"schemaVersion\":2,\"artifactType\":\"text/"
	  "x-sbom\",\"config\":" DESCRIPTOR("application/vnd.oci.empty.v1+json",
					    HEX_A, "") ",\"layers\":[]}",
	  -ENOTSUP, "text/x-sbom" },
	{ MANIFEST(CONFIG, "{\"mediaType\":\"x\",\"size\":1}"), -EPROTO,
	  "no \"digest\"" },
	{ MANIFEST(CONFIG, "{\"digest\":\"sha256:" HEX_A "\",\"size\":-1}"),
	  -EPROTO, "\"size\"" },
	{ MANIFEST(CONFIG, "{\"digest\":\"sha256:" HEX_A
			   "\",\"size\":281474976710656}"),
	  -EPROTO, "\"size\"" },
	{ MANIFEST(CONFIG, "{\"digest\":\"sha256:" HEX_A "\",\"size\":"
			   "99999999999999999999}"),
	  -EPROTO, "not valid JSON" },
	{ MANIFEST(CONFIG, "{\"digest\":\"sha256:../../etc\",\"size\":1}"),
	  -EPROTO, "hex digits" },
	{ MANIFEST(CONFIG,
		   "{\"digest\":\"sha512:" HEX_A HEX_A "\",\"size\":1}"),
	  -ENOTSUP, "sha512" },
	{ MANIFEST(CONFIG, "{\"mediaType\":\"a\\u0000b\"}"), -EPROTO, "JSON" },
};

Test(manifest, refuses_what_is_not_an_image_and_says_why)
{
	for (size_t i = 0; i < sizeof(bad_manifests) / sizeof(bad_manifests[0]);
	     i++) {
		struct manifest manifest = { 0 };
		struct error err = { 0 };

		cr_expect_eq(parse(bad_manifests[i].json, &manifest, &err),
			     bad_manifests[i].result, "case: %s: %s",
			     bad_manifests[i].json, err.text);
		cr_expect(strstr(err.text, bad_manifests[i].says),
			  "case: %s: %s", bad_manifests[i].json, err.text);
		cr_expect_null(manifest.layers);
	}
}

static char *repeat(const char *before, const char *part, size_t count,
		    const char *after)
{
	size_t len = strlen(part);
	char *text = malloc(strlen(before) + len * count + strlen(after) + 1);
	char *p = text;

	cr_assert(text);
	p = stpcpy(p, before);
	for (size_t i = 0; i < count; i++)
		p = stpcpy(p, part);
	stpcpy(p, after);
	return text;
}

Test(manifest, bounds_layers_entries_depth_and_size)
{
	struct platform platform = { .os = "linux", .architecture = "amd64" };
	struct manifest manifest = { 0 };
	struct descriptor descriptor = { 0 };
	struct error err = { 0 };
	char *json;

	json = repeat("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[",
		      LAYER ",", MANIFEST_LAYERS_MAX - 1, LAYER "]}");
	cr_expect_eq(parse(json, &manifest, NULL), 0);
	cr_expect_eq(manifest.layer_count, MANIFEST_LAYERS_MAX);
	manifest_fini(&manifest);
	free(json);
	json = repeat("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[",
		      LAYER ",", MANIFEST_LAYERS_MAX, LAYER "]}");
	cr_expect_eq(parse(json, &manifest, NULL), -EFBIG);
	free(json);
	json = repeat("{\"schemaVersion\":2,\"manifests\":[", "{},",
		      MANIFEST_ENTRIES_MAX, "{}]}");
	cr_expect_eq(manifest_choose(json, strlen(json), &platform, &descriptor,
				     NULL),
		     -EFBIG);
	free(json);
	json = repeat("{\"a\":", "[", 100000, "");
	cr_expect_eq(parse(json, &manifest, &err), -EPROTO);
	cr_expect(strstr(err.text, "levels deep"), "%s", err.text);
	free(json);
	json = repeat("{", " ", MANIFEST_SIZE_MAX, "}");
	cr_expect_eq(parse(json, &manifest, NULL), -EFBIG);
	free(json);
}

static void expect_choice(const char *json, const char *platform_text,
			  int expected, unsigned first_byte)
{
	struct platform platform;
	struct descriptor chosen = { 0 };
	struct error err = { 0 };

	cr_assert_eq(platform_parse(platform_text, &platform, NULL), 0);
	cr_expect_eq(
		manifest_choose(json, strlen(json), &platform, &chosen, &err),
		expected, "case: %s of %s: %s", platform_text, json, err.text);
	cr_expect_eq(chosen.digest.bytes[0], first_byte, "case: %s of %s",
		     platform_text, json);
	descriptor_fini(&chosen);
}

Test(manifest, chooses_by_platform_and_variant)
{
	static const char json[] = INDEX(ENTRY(HEX_A, OS("unknown", "unknown")) "," ENTRY(
		"11"
		"000000000000000000000000000000"
		"00000000000000000000000000000000",
		OS("linux",
		   "arm") ",\"variant\":\"v6\"") "," ENTRY("22"
							   "0000000000000000000"
							   "00000000000"
							   "0000000000000000000"
							   "0000000000000",
							   OS("linux",
							      "arm") ",\"varian"
								     "t\":"
								     "\"v7\"") "," ENTRY("33"
											 "000000000000000000000000000000"
											 "00000000000000000000000000000000",
											 OS("linux",
											    "amd64") ",\"variant\":null") "," ENTRY("44"
																    "000000000000000000000000000000"
																    "00000000000000000000000000000000",
																    OS("linux",
																       "amd64")) "," ENTRY("55"
																			   "000000000000000000000000000000"
																			   "00000000000000000000000000000000",
																			   OS("windows",
																			      "amd64")));

	expect_choice(json, "linux/amd64", 0, 0x33);
	expect_choice(json, "linux/amd64/v3", 0, 0x33);
	expect_choice(json, "linux/arm/v7", 0, 0x22);
	expect_choice(json, "linux/arm/v6", 0, 0x11);
	expect_choice(json, "linux/arm", 0, 0x22);
	expect_choice(json, "windows/amd64", 0, 0x55);
	expect_choice(json, "linux/arm/v5", -ENOTSUP, 0);
	expect_choice(json, "linux/arm64", -ENOTSUP, 0);
	expect_choice(json, "unknown/unknown", -ENOTSUP, 0);
}

Test(manifest, passes_over_artifacts_and_unknown_types)
{
	expect_choice(
		INDEX(DESCRIPTOR(
			OCI "manifest.v1+json", HEX_A,
			",\"artifactType\":\"x\",\"platform\":{" OS(
				"linux",
				"amd64") "}") "," DESCRIPTOR("text/html", HEX_A,
							     ",\"platform\":"
							     "{" OS("linux",
								    "amd64") "}") "," ENTRY(HEX_B,
											    OS("linux",
											       "amd64"))),
		"linux/amd64", 0, 0xbb);
}

Test(manifest, takes_nested_indexes_and_bare_entries_last)
{
#define NESTED DESCRIPTOR(OCI "index.v1+json", HEX_A, "")
#define BARE   DESCRIPTOR(OCI "manifest.v1+json", HEX_B, "")
	expect_choice(INDEX(BARE "," NESTED), "linux/amd64", 0, 0xaa);
	expect_choice(INDEX(BARE), "linux/amd64", 0, 0xbb);
	expect_choice(INDEX(NESTED "," ENTRY(HEX_B, OS("linux", "amd64"))),
		      "linux/amd64", 0, 0xbb);
	expect_choice(
		INDEX(DESCRIPTOR(OCI "index.v1+json", HEX_A,
				 ",\"platform\":{" OS("linux", "arm64") "}")),
		"linux/amd64", -ENOTSUP, 0);
	expect_choice(INDEX(""), "linux/amd64", -ENOTSUP, 0);
}

Test(manifest, lists_the_platforms_there_are)
{
	static const char json[] = INDEX(ENTRY(
		HEX_A,
		OS("linux",
		   "arm64") ",\"variant\":\"v8\"") "," ENTRY(HEX_B,
							     OS("linux",
								"s390x")));
	struct platform platform = { .os = "linux", .architecture = "amd64" };
	struct descriptor chosen = { 0 };
	struct error err = { 0 };

	cr_expect_eq(
		manifest_choose(json, strlen(json), &platform, &chosen, &err),
		-ENOTSUP);
	cr_expect(strstr(err.text, "no image for linux/amd64"));
	cr_expect(strstr(err.text, "linux/arm64/v8, linux/s390x"), "%s",
		  err.text);
}

Test(manifest, refuses_malformed_indexes)
{
	expect_choice("{}", "linux/amd64", -EPROTO, 0);
	expect_choice("{\"schemaVersion\":2}", "linux/amd64", -EPROTO, 0);
	expect_choice(INDEX("7"), "linux/amd64", -EPROTO, 0);
	expect_choice(INDEX(ENTRY(HEX_A, "\"os\":\"linux\"")), "linux/amd64",
		      -EPROTO, 0);
	expect_choice(INDEX(ENTRY("00", OS("linux", "amd64"))), "linux/amd64",
		      -EPROTO, 0);
}

static bool is_index(const char *media_type, const char *json)
{
	return manifest_is_index(media_type, json, strlen(json));
}

Test(manifest, tells_indexes_from_manifests)
{
	cr_expect(is_index(OCI "index.v1+json; charset=utf-8", "{}"));
	cr_expect(is_index(DOCKER "distribution.manifest.list.v2+json", "{}"));
	cr_expect(is_index("", INDEX("")));
	cr_expect(is_index("text/plain", INDEX("")));
	cr_expect(is_index("", "{\"mediaType\":\"" OCI "index.v1+json\"}"));
	cr_expect_not(is_index(OCI "manifest.v1+json", INDEX("")));
	cr_expect_not(is_index("", MANIFEST(CONFIG, LAYER)));
	cr_expect_not(is_index("", "nonsense"));
	cr_expect_not(is_index("", ""));
}
