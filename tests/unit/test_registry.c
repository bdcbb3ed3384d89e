/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/base64.h"
#include "fetch/http_client.h"
#include "fetch/registry_endpoint.h"
#include "tests/support/fake_registry.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char manifest_text[] = "{\"schemaVersion\":2}";
static const char manifest_type[] =
	"application/vnd.oci.image.manifest.v1+json";
static const char blob_text[] = "the bytes of a small blob";

static char auth_path[64];
static struct fake_registry *fake;
static struct http_client *client;
static struct registry *registry;
static struct digest manifest_digest;
static struct digest blob_digest;

/* Of all places for credentials, only one file of the test's is looked at. */
static void set_up(void)
{
	const struct http_client_options options = {
		.first_byte_timeout_ms = 1000,
		.progress_timeout_ms = 1000,
	};

	snprintf(auth_path, sizeof(auth_path), "/tmp/test_registry.%d",
		 (int)getpid());
	setenv("REGISTRY_AUTH_FILE", auth_path, 1);
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	setenv("HOME", "/nonexistent", 1);
	cr_assert_eq(http_client_create(&options, &client, NULL), 0);
}

static void tear_down(void)
{
	registry_destroy(registry);
	http_client_destroy(client);
	fake_registry_stop(fake);
	unlink(auth_path);
}

TestSuite(registry, .init = set_up, .fini = tear_down, .timeout = 60);

static void start(const struct fake_registry_options *fake_options,
		  int64_t timeout_ms)
{
	struct registry_options options = {
		.repository = "test/image",
		.timeout_ms = timeout_ms,
	};

	fake = fake_registry_start(fake_options);
	cr_assert(fake);
	fake_registry_add_manifest(fake, "latest", manifest_type, manifest_text,
				   strlen(manifest_text), &manifest_digest);
	fake_registry_add_blob(fake, blob_text, strlen(blob_text),
			       &blob_digest);
	options.host = fake_registry_host(fake);
	cr_assert_eq(registry_create(client, &options, &registry, NULL), 0);
}

static void write_auth(const char *user, const char *password)
{
	char pair[128];
	char *encoded;
	FILE *file = fopen(auth_path, "w");

	snprintf(pair, sizeof(pair), "%s:%s", user, password);
	encoded = base64_encode(pair, strlen(pair));
	fprintf(file, "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}",
		fake_registry_host(fake), encoded);
	fclose(file);
	free(encoded);
}

static void write_identity_token(const char *token)
{
	FILE *file = fopen(auth_path, "w");

	fprintf(file,
		"{\"auths\":{\"%s\":{\"auth\":\"PHRva2VuPjo=\","
		"\"identitytoken\":\"%s\"}}}",
		fake_registry_host(fake), token);
	fclose(file);
}

static int fetch(struct error *err)
{
	struct registry_manifest manifest = { 0 };
	int r = registry_fetch_manifest(registry, "latest", &manifest, err);

	if (r == 0) {
		cr_assert_eq(manifest.size, strlen(manifest_text));
		cr_assert_eq(
			memcmp(manifest.bytes, manifest_text, manifest.size),
			0);
		cr_assert_str_eq(manifest.media_type, manifest_type);
		cr_assert(digest_equal(&manifest.digest, &manifest_digest));
	}
	free(manifest.bytes);
	return r;
}

static struct fake_registry_counters counters(void)
{
	struct fake_registry_counters ret;

	fake_registry_get_counters(fake, &ret);
	return ret;
}

static void expect_requests(unsigned manifests, unsigned tokens)
{
	cr_expect_eq(counters().requests[FAKE_PLACE_MANIFEST], manifests,
		     "%u manifest requests, not %u",
		     counters().requests[FAKE_PLACE_MANIFEST], manifests);
	cr_expect_eq(counters().requests[FAKE_PLACE_TOKEN], tokens,
		     "%u token requests, not %u",
		     counters().requests[FAKE_PLACE_TOKEN], tokens);
}

/* ---- without a login ---- */

Test(registry, fetches_a_manifest_by_tag_and_digest)
{
	struct registry_manifest manifest = { 0 };
	char reference[DIGEST_TEXT_SIZE];

	start(NULL, 5000);
	cr_assert_eq(fetch(NULL), 0);
	digest_format(&manifest_digest, reference);
	cr_assert_eq(
		registry_fetch_manifest(registry, reference, &manifest, NULL),
		0);
	free(manifest.bytes);
	expect_requests(2, 0);
}

Test(registry, refuses_a_manifest_with_another_digest)
{
	struct registry_manifest manifest = { 0 };
	char reference[DIGEST_TEXT_SIZE];
	struct error err = { 0 };

	start(NULL, 5000);
	digest_format(&manifest_digest, reference);
	fake_registry_fail(fake, FAKE_PLACE_MANIFEST, FAKE_FAULT_FLIP, 1, 0,
			   NULL);
	cr_assert_eq(
		registry_fetch_manifest(registry, reference, &manifest, &err),
		-EBADMSG);
	cr_assert(strstr(err.text, reference), "%s", err.text);
	cr_assert_null(manifest.bytes);
}

Test(registry, says_which_tag_does_not_exist)
{
	struct registry_manifest manifest = { 0 };
	struct error err = { 0 };

	start(NULL, 5000);
	cr_assert_eq(
		registry_fetch_manifest(registry, "nightly", &manifest, &err),
		-ENOENT);
	cr_assert(strstr(err.text, "/test/image:nightly: no such image"), "%s",
		  err.text);
	cr_assert(strstr(err.text, "docker login 127.0.0.1"), "%s", err.text);
	expect_requests(1, 0);
}

Test(registry, fetches_a_small_blob_whole)
{
	struct error err = { 0 };
	uint8_t *bytes = NULL;

	start(NULL, 5000);
	cr_assert_eq(registry_fetch_blob(registry, &blob_digest,
					 strlen(blob_text), &bytes, NULL),
		     0);
	cr_assert_str_eq((char *)bytes, blob_text);
	free(bytes);
	cr_assert_eq(registry_fetch_blob(registry, &blob_digest,
					 strlen(blob_text) + 1, &bytes, &err),
		     -EBADMSG);
	cr_assert_eq(registry_fetch_blob(registry, &blob_digest,
					 strlen(blob_text) - 1, &bytes, &err),
		     -EFBIG);
	fake_registry_fail(fake, FAKE_PLACE_BLOB, FAKE_FAULT_FLIP, 1, 0, NULL);
	cr_assert_eq(registry_fetch_blob(registry, &blob_digest,
					 strlen(blob_text), &bytes, &err),
		     -EBADMSG);
}

Test(registry, refuses_names_that_would_change_the_url)
{
	static const struct {
		const char *host;
		const char *repository;
	} bad[] = {
		{ "a/b", "x" }, { "u@h", "x" },	   { "", "x" },
		{ "h", "" },	{ "h", "a/../b" }, { "h", "a?b" },
		{ "h", "/a" },	{ "h", "a%2f" },
	};

	start(NULL, 5000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct registry_options options = {
			.host = bad[i].host,
			.repository = bad[i].repository,
		};
		struct registry *none = NULL;

		cr_expect_eq(registry_create(client, &options, &none, NULL),
			     -EINVAL, "case: %s %s", bad[i].host,
			     bad[i].repository);
	}
	cr_expect_eq(registry_fetch_manifest(registry, "a/../b", NULL, NULL),
		     -EINVAL);
	expect_requests(0, 0);
}

/* ---- faults that pass, and that do not ---- */

Test(registry, tries_again_after_what_may_pass)
{
	static const struct {
		const char *label;
		enum fake_fault fault;
		int status;
		const char *retry_after;
	} faults[] = {
		{ "500", FAKE_FAULT_STATUS, 500, NULL },
		{ "503", FAKE_FAULT_STATUS, 503, "0" },
		{ "429", FAKE_FAULT_STATUS, 429, "0" },
		{ "reset", FAKE_FAULT_RESET, 0, NULL },
		{ "short", FAKE_FAULT_SHORT_BODY, 0, NULL },
		{ "encoded", FAKE_FAULT_ENCODED, 0, NULL },
		{ "stall", FAKE_FAULT_STALL_HEAD, 0, NULL },
	};

	start(NULL, 20000);
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct error err = { 0 };

		fake_registry_fail(fake, FAKE_PLACE_MANIFEST, faults[i].fault,
				   1, faults[i].status, faults[i].retry_after);
		cr_expect_eq(fetch(&err), 0, "case: %s: %s", faults[i].label,
			     err.text);
		expect_requests(2 * (i + 1), 0);
	}
}

Test(registry, gives_up_when_the_deadline_is_near)
{
	struct error err = { 0 };

	start(NULL, 1500);
	fake_registry_fail(fake, FAKE_PLACE_MANIFEST, FAKE_FAULT_STATUS, 1000,
			   429, "1");
	cr_assert_eq(fetch(&err), -EBUSY);
	cr_assert(strstr(err.text, "too many requests"), "%s", err.text);
	cr_assert(strstr(err.text, "as the test asked"), "%s", err.text);
	cr_assert(counters().requests[FAKE_PLACE_MANIFEST] <= 2);
	fake_registry_fail(fake, FAKE_PLACE_MANIFEST, FAKE_FAULT_STATUS, 1000,
			   503, NULL);
	cr_assert_eq(fetch(&err), -EIO);
}

Test(registry, does_not_repeat_what_cannot_help)
{
	struct error err = { 0 };

	start(NULL, 5000);
	fake_registry_fail(fake, FAKE_PLACE_MANIFEST, FAKE_FAULT_STATUS, 1000,
			   403, NULL);
	cr_assert_eq(fetch(&err), -EACCES);
	expect_requests(1, 0);
	fake_registry_fail(fake, FAKE_PLACE_MANIFEST, FAKE_FAULT_STATUS, 1000,
			   418, NULL);
	cr_assert_eq(fetch(&err), -EPROTO);
	expect_requests(2, 0);
}

Test(registry, says_that_nobody_answers)
{
	const struct registry_options options = {
		.host = "127.0.0.1:1",
		.repository = "test/image",
		.timeout_ms = 20000,
	};
	struct http_client_counters figures;
	struct error err = { 0 };

	cr_assert_eq(registry_create(client, &options, &registry, NULL), 0);
	cr_assert_eq(fetch(&err), -ECONNREFUSED);
	cr_assert(strstr(err.text, "127.0.0.1:1"), "%s", err.text);
	http_client_get_counters(client, &figures);
	cr_assert_eq(figures.requests, 3, "asked twice more");
}

/* ---- Basic ---- */

Test(registry, answers_a_basic_challenge)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BASIC,
		.user = "alice",
		.password = "secret",
	};

	start(&options, 5000);
	write_auth("alice", "secret");
	cr_assert_eq(fetch(NULL), 0);
	cr_assert_eq(fetch(NULL), 0);
	expect_requests(3, 0);
}

Test(registry, says_where_it_looked_for_a_password)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BASIC,
		.user = "alice",
		.password = "secret",
	};
	struct error err = { 0 };

	start(&options, 5000);
	cr_assert_eq(fetch(&err), -EACCES);
	cr_assert(strstr(err.text, auth_path), "%s", err.text);
	cr_assert(strstr(err.text, "docker login"), "%s", err.text);
	expect_requests(1, 0);
}

Test(registry, does_not_repeat_a_refused_password)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BASIC,
		.user = "alice",
		.password = "secret",
	};
	struct error err = { 0 };

	start(&options, 5000);
	write_auth("alice", "wrong");
	cr_assert_eq(fetch(&err), -EACCES);
	cr_assert(strstr(err.text, "alice"), "%s", err.text);
	cr_assert_null(strstr(err.text, "wrong"), "%s", err.text);
	expect_requests(2, 0);
}

Test(registry, reads_a_renewed_password_when_the_old_one_ends)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BASIC,
		.user = "alice",
		.password = "secret",
	};

	start(&options, 5000);
	write_auth("alice", "secret");
	cr_assert_eq(fetch(NULL), 0);
	fake_registry_set_password(fake, "renewed");
	write_auth("alice", "renewed");
	cr_assert_eq(fetch(NULL), 0);
	expect_requests(4, 0);
}

Test(registry, tells_of_a_broken_credentials_file_when_refused)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BASIC,
		.user = "alice",
		.password = "secret",
	};
	struct error err = { 0 };
	FILE *file;

	start(&options, 5000);
	file = fopen(auth_path, "w");
	fputs("{ this is not JSON", file);
	fclose(file);
	cr_assert_eq(fetch(&err), -EACCES);
	cr_assert(strstr(err.text, "not valid JSON"), "%s", err.text);
}

/* ---- Bearer ---- */

Test(registry, fetches_a_token_once_and_keeps_it)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.expires_in = 300,
	};

	start(&options, 5000);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(fetch(NULL), 0);
	expect_requests(4, 1);
}

Test(registry, renews_a_token_that_ended_early)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.expires_in = 300,
	};

	start(&options, 5000);
	cr_assert_eq(fetch(NULL), 0);
	fake_registry_expire_tokens(fake);
	cr_assert_eq(fetch(NULL), 0);
	expect_requests(4, 2);
}

Test(registry, renews_ahead_of_the_end_without_a_401)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.expires_in = 1,
		.token_life_ms = 1500,
	};
	unsigned refused;

	start(&options, 5000);
	cr_assert_eq(fetch(NULL), 0);
	refused = counters().refused[FAKE_PLACE_MANIFEST];
	for (unsigned i = 0; i < 30; i++) {
		cr_assert_eq(fetch(NULL), 0);
		usleep(100000);
	}
	cr_assert_eq(counters().refused[FAKE_PLACE_MANIFEST], refused);
	cr_assert(counters().requests[FAKE_PLACE_TOKEN] >= 3);
}

Test(registry, takes_the_password_to_the_token_server_only)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.user = "alice",
		.password = "secret",
		.uses_access_token = true,
	};
	struct error err = { 0 };

	start(&options, 5000);
	cr_assert_eq(fetch(&err), -EACCES);
	cr_assert(strstr(err.text, auth_path), "%s", err.text);
	write_auth("alice", "secret");
	cr_assert_eq(fetch(NULL), 0);
}

Test(registry, trades_an_identity_token_by_post)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.identity_token = "identity",
		.expires_in = 300,
	};

	start(&options, 5000);
	write_identity_token("identity");
	cr_assert_eq(fetch(NULL), 0);
	cr_assert_eq(counters().token_posts, 1);
	expect_requests(2, 1);
}

Test(registry, asks_by_get_where_post_is_not_known)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.identity_token = "identity",
		.refuses_post = true,
	};

	start(&options, 5000);
	write_identity_token("identity");
	cr_assert_eq(fetch(NULL), 0);
	cr_assert_eq(counters().token_posts, 1);
	expect_requests(2, 2);
}

Test(registry, asks_for_the_scope_that_a_refusal_names)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.needed_scope = "repository:other:pull",
	};

	start(&options, 5000);
	cr_assert_eq(fetch(NULL), 0);
	expect_requests(3, 2);
}

Test(registry, stops_when_no_token_is_ever_enough)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
	};
	struct error err = { 0 };

	start(&options, 5000);
	fake_registry_fail(fake, FAKE_PLACE_MANIFEST, FAKE_FAULT_STATUS, 1000,
			   401, NULL);
	cr_assert_eq(fetch(&err), -EACCES);
	cr_assert(counters().requests[FAKE_PLACE_MANIFEST] <= 4);
}

Test(registry, waits_for_a_token_server_that_fails_at_first)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
	};
	struct error err = { 0 };

	start(&options, 5000);
	fake_registry_fail(fake, FAKE_PLACE_TOKEN, FAKE_FAULT_STATUS, 2, 503,
			   NULL);
	cr_assert_eq(fetch(&err), 0, "%s", err.text);
	expect_requests(2, 3);
}

Test(registry, gives_up_on_a_token_server_that_hangs)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
	};
	struct error err = { 0 };

	start(&options, 700);
	fake_registry_fail(fake, FAKE_PLACE_TOKEN, FAKE_FAULT_STALL_HEAD, 1000,
			   0, NULL);
	cr_assert_eq(fetch(&err), -ETIMEDOUT);
	cr_assert(strstr(err.text, "token server"), "%s", err.text);
}

/* ---- https or http ---- */

Test(registry, chooses_the_scheme_by_the_host)
{
	static const struct {
		const char *host;
		bool allow_http;
		bool is_http;
		bool switches;
	} cases[] = {
		{ "127.0.0.1:5000", false, true, true },
		{ "localhost:5000", false, true, true },
		{ "[::1]:5000", false, true, true },
		{ "localhost:443", false, false, false },
		{ "localhost:443", true, true, true },
		{ "example.org", false, false, false },
		{ "example.org:5000", true, false, true },
		{ "127.0.0.1.example.org", false, false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct registry_options options = {
			.host = cases[i].host,
			.repository = "r",
			.allow_http = cases[i].allow_http,
		};
		struct registry_endpoint *endpoint = NULL;

		cr_assert_eq(registry_endpoint_create(client, &options,
						      &endpoint, NULL),
			     0);
		cr_expect_eq(endpoint->is_http, cases[i].is_http, "case: %s",
			     cases[i].host);
		cr_expect_eq(registry_endpoint_switch_scheme(endpoint),
			     cases[i].switches, "case: %s", cases[i].host);
		cr_expect_eq(endpoint->is_http,
			     cases[i].is_http != cases[i].switches, "case: %s",
			     cases[i].host);
		cr_expect(!registry_endpoint_switch_scheme(endpoint));
		registry_endpoint_unref(endpoint);
	}
}
