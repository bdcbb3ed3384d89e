/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads, to a registry that keeps what it is sent. */
#include "fetch/registry.h"

#include "common/error.h"
#include "fetch/http_client.h"
#include "tests/support/fake_http.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char blob[] = "the bytes of an index";
static const char type[] = "application/vnd.oci.image.manifest.v1+json";

static struct fake_http *http;
static struct http_client *client;
static struct registry *registry;
static struct digest digest;
static struct error err;

/* What the registry is like, and what it saw; one request at a time. */
static bool has_blob;
static bool lists_referrers;
static int upload_status;
static const char *location; /* of an upload */
static unsigned posts;
static char put_path[512];
static char put_query[512];
static char put_body[512];

static void answer(void *arg, const struct fake_request *request,
		   struct fake_answer *ret)
{
	(void)arg;
	if (strcmp(request->method, "HEAD") == 0) {
		fake_answer_set_text(ret, has_blob ? 200 : 404, "%s", "");
	} else if (strcmp(request->method, "POST") == 0) {
		posts++;
		fake_answer_set_text(ret, upload_status, "%s", "");
		fake_answer_add_header(ret, "Location", "%s", location);
	} else if (strcmp(request->method, "PUT") == 0) {
		snprintf(put_path, sizeof(put_path), "%s", request->path);
		snprintf(put_query, sizeof(put_query), "%s", request->query);
		snprintf(put_body, sizeof(put_body), "%s", request->body);
		fake_answer_set_text(ret, 201, "%s", "");
		if (lists_referrers)
			fake_answer_add_header(ret, "OCI-Subject", "sha256:x");
	} else {
		fake_answer_set_text(ret, 404, "%s", "");
	}
}

static void set_up(void)
{
	const struct http_client_options http_options = {
		.first_byte_timeout_ms = 1000,
		.progress_timeout_ms = 1000,
	};
	struct registry_options options = {
		.repository = "test/image",
		.timeout_ms = 3000,
	};
	char host[64];

	setenv("REGISTRY_AUTH_FILE", "/nonexistent", 1);
	setenv("HOME", "/nonexistent", 1);
	upload_status = 202;
	location = "/upload/7?state=a";
	digest_compute(blob, strlen(blob), &digest);
	http = fake_http_start(answer, NULL);
	cr_assert(http);
	cr_assert_eq(http_client_create(&http_options, &client, NULL), 0);
	snprintf(host, sizeof(host), "127.0.0.1:%u", fake_http_port(http));
	options.host = host;
	cr_assert_eq(registry_create(client, &options, &registry, NULL), 0);
}

static void tear_down(void)
{
	registry_destroy(registry);
	http_client_destroy(client);
	fake_http_stop(http);
}

TestSuite(registry_push, .init = set_up, .fini = tear_down, .timeout = 60);

static int push(void)
{
	return registry_push_blob(registry, &digest, blob, strlen(blob), &err);
}

Test(registry_push, sends_a_blob_where_it_is_told_to)
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(&digest, text);
	cr_assert_eq(push(), 0, "%s", err.text);
	cr_expect_str_eq(put_path, "/upload/7");
	cr_expect(strstr(put_query, "state=a"), "%s", put_query);
	cr_expect(strstr(put_query, text), "%s", put_query);
	cr_expect_str_eq(put_body, blob);
}

Test(registry_push, sends_no_blob_that_is_there)
{
	has_blob = true;
	cr_assert_eq(push(), 0, "%s", err.text);
	cr_expect_eq(posts, 0);
	cr_expect_str_eq(put_body, "");
}

Test(registry_push, says_that_uploads_are_not_taken)
{
	upload_status = 405;
	cr_expect_eq(push(), -EROFS, "%d: %s", push(), err.text);
	cr_expect_str_eq(put_body, "");
}

Test(registry_push, refuses_an_upload_without_a_place)
{
	location = "";
	cr_expect_lt(push(), 0);
	cr_expect_str_eq(put_body, "");
}

Test(registry_push, tells_whether_a_manifest_is_listed)
{
	cr_expect_eq(
		registry_push_manifest(registry, "tag", type, "{}", 2, &err),
		REGISTRY_PUSHED, "%s", err.text);
	cr_expect_str_eq(put_path, "/v2/test/image/manifests/tag");
	cr_expect_str_eq(put_body, "{}");
	lists_referrers = true;
	cr_expect_eq(
		registry_push_manifest(registry, "tag", type, "{}", 2, &err),
		REGISTRY_PUSHED_LISTED);
}
