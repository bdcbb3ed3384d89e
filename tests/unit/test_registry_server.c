/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/registry_server.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "common/error.h"
#include "tests/support/layout_maker.h"
#include "tests/support/temp_dir.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TEN "0123456789"

static char folder[TEMP_DIR_SIZE];
static struct layout_maker maker;
static struct layout_maker_blob image;
static struct layout_maker_blob list;
static struct layout_maker_blob blob;
static struct registry_server *server;
static int log_fd = -1;

static void start(unsigned delay_ms, uint64_t rate)
{
	const char *roots[] = { folder };
	const struct registry_server_options options = {
		.roots = roots,
		.root_count = 1,
		.log_fd = log_fd,
		.delay_ms = delay_ms,
		.rate = rate,
	};
	struct error err = { 0 };

	registry_server_stop(server);
	server = NULL;
	cr_assert_eq(registry_server_start(&options, &server, &err), 0, "%s",
		     err.text);
}

static void set_up(void)
{
	char path[TEMP_DIR_SIZE + 16];

	temp_dir_create(folder);
	snprintf(path, sizeof(path), "%s/base", folder);
	layout_maker_init(&maker, path);
	layout_maker_add_image(&maker, "amd64", "layer", &image);
	layout_maker_add_list(&maker, "amd64", &image, "arm64", &image, &list);
	layout_maker_add_blob(&maker, "text/plain", TEN, 10, &blob);
	layout_maker_name(&maker, &image, "v1");
	layout_maker_name(&maker, &list, "list");
	snprintf(path, sizeof(path), "%s/log", folder);
	log_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	start(0, 0);
}

static void tear_down(void)
{
	registry_server_stop(server);
	close(log_fd);
	temp_dir_remove(folder);
}

TestSuite(registry_server, .init = set_up, .fini = tear_down);

static int connect_server(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(registry_server_port(server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	cr_assert_eq(
		connect(fd, (const struct sockaddr *)&address, sizeof(address)),
		0);
	return fd;
}

/* One exchange on a connection of its own; the whole reply, borrowed. */
static const char *exchange(const char *request)
{
	static char reply[1 << 16];
	size_t size = 0;
	int fd = connect_server();

	cr_assert_eq(write(fd, request, strlen(request)),
		     (ssize_t)strlen(request));
	for (;;) {
		ssize_t n = read(fd, reply + size, sizeof(reply) - size - 1);

		cr_assert_geq(n, 0);
		if (n == 0)
			break;
		size += (size_t)n;
	}
	reply[size] = '\0';
	close(fd);
	return reply;
}

static const char *ask(const char *method, const char *path, const char *header)
{
	char request[1024];

	snprintf(request, sizeof(request),
		 "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s\r\n",
		 method, path, header ? header : "", header ? "\r\n" : "");
	return exchange(request);
}

static const char *get(const char *path)
{
	return ask("GET", path, NULL);
}

static const char *body_of(const char *reply)
{
	const char *end = strstr(reply, "\r\n\r\n");

	return end ? end + 4 : "";
}

static void expect_status(const char *reply, int status)
{
	char start_line[32];

	snprintf(start_line, sizeof(start_line), "HTTP/1.1 %d ", status);
	cr_expect(strncmp(reply, start_line, strlen(start_line)) == 0,
		  "not %d: %s", status, reply);
}

static const char *by_digest(const char *kind, const struct digest *digest)
{
	static char path[256];
	char text[DIGEST_TEXT_SIZE];

	digest_format(digest, text);
	snprintf(path, sizeof(path), "/v2/base/%s/%s", kind, text);
	return path;
}

Test(registry_server, answers_the_version_check)
{
	const char *reply = get("/v2/");

	expect_status(reply, 200);
	cr_expect(
		strstr(reply, "Docker-Distribution-Api-Version: registry/2.0"));
	cr_expect_str_eq(body_of(reply), "{}");
}

Test(registry_server, serves_manifests_by_tag_and_digest)
{
	const char *reply = get("/v2/base/manifests/v1");
	char digest[DIGEST_TEXT_SIZE];
	struct digest found;

	digest_format(&image.digest, digest);
	expect_status(reply, 200);
	cr_expect(strstr(reply, "application/vnd.oci.image.manifest.v1+json"));
	cr_expect(strstr(reply, digest));
	digest_compute(body_of(reply), strlen(body_of(reply)), &found);
	cr_expect(digest_equal(&found, &image.digest));
	reply = get(by_digest("manifests", &list.digest));
	expect_status(reply, 200);
	cr_expect(strstr(reply, "application/vnd.oci.image.index.v1+json"));
}

Test(registry_server, answers_head_without_a_body)
{
	const char *reply = ask("HEAD", by_digest("blobs", &blob.digest), NULL);

	expect_status(reply, 200);
	cr_expect(strstr(reply, "Content-Length: 10"));
	cr_expect_str_eq(body_of(reply), "");
	reply = ask("HEAD", "/v2/base/manifests/v1", NULL);
	expect_status(reply, 200);
	cr_expect(strstr(reply, "Docker-Content-Digest: sha256:"));
	cr_expect_str_eq(body_of(reply), "");
}

static void expect_range(const char *range, int status, const char *body,
			 const char *content_range)
{
	char header[128];
	const char *reply;

	snprintf(header, sizeof(header), "Range: %s", range);
	reply = ask("GET", by_digest("blobs", &blob.digest), header);
	expect_status(reply, status);
	if (body)
		cr_expect_str_eq(body_of(reply), body, "case: %s", range);
	if (content_range)
		cr_expect(strstr(reply, content_range), "case: %s: %s", range,
			  reply);
	else
		cr_expect_null(strstr(reply, "Content-Range"), "case: %s",
			       range);
}

Test(registry_server, serves_single_ranges)
{
	expect_range("bytes=2-4", 206, "234", "Content-Range: bytes 2-4/10");
	expect_range("bytes=7-", 206, "789", "Content-Range: bytes 7-9/10");
	expect_range("bytes=-2", 206, "89", "Content-Range: bytes 8-9/10");
	expect_range("bytes=8-99", 206, "89", "Content-Range: bytes 8-9/10");
	expect_range("bytes=10-", 416, NULL, "Content-Range: bytes */10");
	expect_range("bytes=0-1,4-5", 200, TEN, NULL);
	expect_range("nonsense", 200, TEN, NULL);
}

Test(registry_server, honours_if_range)
{
	const char *path = by_digest("blobs", &blob.digest);
	char header[256];
	const char *reply;
	char digest[DIGEST_TEXT_SIZE];

	digest_format(&blob.digest, digest);
	snprintf(header, sizeof(header), "Range: bytes=0-1\r\nIf-Range: \"%s\"",
		 digest);
	reply = ask("GET", path, header);
	expect_status(reply, 206);
	reply = ask("GET", path, "Range: bytes=0-1\r\nIf-Range: \"other\"");
	expect_status(reply, 200);
	cr_expect_str_eq(body_of(reply), TEN);
}

Test(registry_server, refuses_in_the_words_of_the_specification)
{
	static const struct {
		const char *path;
		int status;
		const char *code;
	} cases[] = {
		{ "/", 404, "UNSUPPORTED" },
		{ "/v2/base", 404, "UNSUPPORTED" },
		{ "/v2/base/tags/other", 404, "UNSUPPORTED" },
		{ "/v2/../base/blobs/x", 404, "UNSUPPORTED" },
		{ "/v2/base/blobs/..%2f..%2findex.json", 404, "UNSUPPORTED" },
		{ "/v2/base/manifests/..", 404, "MANIFEST_UNKNOWN" },
		{ "/v2/none/manifests/v1", 404, "NAME_UNKNOWN" },
		{ "/v2/none/tags/list", 404, "NAME_UNKNOWN" },
		{ "/v2/base/manifests/none", 404, "MANIFEST_UNKNOWN" },
		{ "/v2/base/manifests/sha256:1", 400, "DIGEST_INVALID" },
		{ "/v2/base/blobs/index.json", 400, "DIGEST_INVALID" },
		{ "/v2/base/blobs/%ff", 400, "DIGEST_INVALID" },
		{ "/v2/base/referrers/x", 400, "DIGEST_INVALID" },
	};
	struct digest none = { .bytes = { 1 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reply = get(cases[i].path);

		expect_status(reply, cases[i].status);
		cr_expect(strstr(body_of(reply), cases[i].code), "case: %s: %s",
			  cases[i].path, reply);
		cr_expect_null(strstr(reply, folder), "case: %s: %s",
			       cases[i].path, reply);
	}
	expect_status(get(by_digest("blobs", &none)), 404);
	/* a blob that is no manifest is not served as one */
	expect_status(get(by_digest("manifests", &blob.digest)), 404);
	expect_status(ask("DELETE", by_digest("blobs", &blob.digest), NULL),
		      405);
	expect_status(get(by_digest("blobs", &blob.digest)), 200);
}

Test(registry_server, does_not_serve_a_damaged_manifest)
{
	char name[128] = "blobs/sha256/";

	digest_format_hex(&image.digest, name + strlen(name));
	layout_maker_write(&maker, name, "{}", 2);
	expect_status(get("/v2/base/manifests/v1"), 500);
}

Test(registry_server, lists_tags_and_repositories_in_pages)
{
	const char *reply;

	layout_maker_name(&maker, &image, "v2");
	layout_maker_name(&maker, &image, "docker.io/library/x:v3");
	cr_expect_str_eq(body_of(get("/v2/base/tags/list")),
			 "{\"name\":\"base\",\"tags\":[\"list\",\"v1\","
			 "\"v2\"]}");
	reply = get("/v2/base/tags/list?n=2");
	cr_expect_str_eq(body_of(reply),
			 "{\"name\":\"base\",\"tags\":[\"list\",\"v1\"]}");
	cr_expect(strstr(reply, "Link: </v2/base/tags/list?n=2&last=v1>; "
				"rel=\"next\""),
		  "%s", reply);
	reply = get("/v2/base/tags/list?n=2&last=v1");
	cr_expect_str_eq(body_of(reply),
			 "{\"name\":\"base\",\"tags\":[\"v2\"]}");
	cr_expect_null(strstr(reply, "Link:"));
	cr_expect_str_eq(body_of(get("/v2/_catalog")),
			 "{\"repositories\":[\"base\"]}");
	cr_expect_str_eq(body_of(get("/v2/_catalog?last=base")),
			 "{\"repositories\":[]}");
}

Test(registry_server, lists_referrers)
{
	struct layout_maker_blob referrer;
	char digest[DIGEST_TEXT_SIZE];
	char json[512];
	char path[256];
	const char *reply;

	digest_format(&image.digest, digest);
	snprintf(json, sizeof(json),
		 "{\"schemaVersion\":2,\"artifactType\":\"text/x-index\","
		 "\"subject\":{\"digest\":\"%s\"},\"layers\":[]}",
		 digest);
	layout_maker_add_blob(&maker,
			      "application/vnd.oci.image.manifest.v1+json",
			      json, strlen(json), &referrer);
	layout_maker_name(&maker, &referrer, NULL);
	reply = get(by_digest("referrers", &list.digest));
	expect_status(reply, 200);
	cr_expect(strstr(reply, "\"manifests\":[]"));
	snprintf(path, sizeof(path), "%s",
		 by_digest("referrers", &image.digest));
	digest_format(&referrer.digest, digest);
	reply = get(path);
	cr_expect(strstr(reply, digest), "%s", reply);
	cr_expect(strstr(reply, "\"artifactType\":\"text/x-index\""));
	strncat(path, "?artifactType=other", sizeof(path) - strlen(path) - 1);
	reply = get(path);
	cr_expect(strstr(reply, "\"manifests\":[]"));
	cr_expect(strstr(reply, "OCI-Filters-Applied: artifactType"));
}

Test(registry_server, keeps_connections_open)
{
	static const char request[] = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = connect_server();

	for (int i = 0; i < 3; i++) {
		char reply[1024] = "";
		size_t size = 0;

		cr_assert_eq(write(fd, request, strlen(request)),
			     (ssize_t)strlen(request));
		while (!strstr(reply, "\r\n\r\n{}")) {
			ssize_t n = read(fd, reply + size,
					 sizeof(reply) - size - 1);

			cr_assert_gt(n, 0);
			size += (size_t)n;
			reply[size] = '\0';
		}
	}
	close(fd);
}

Test(registry_server, logs_and_counts_each_request)
{
	struct registry_server_counters counters;
	char digest[DIGEST_TEXT_SIZE];
	char expected[512];
	char line[1024] = "";

	ask("GET", by_digest("blobs", &blob.digest), "Range: bytes=2-4");
	ask("HEAD", "/v2/base/manifests/v1", NULL);
	get("/v2/a%20b%0a");
	digest_format(&blob.digest, digest);
	snprintf(expected, sizeof(expected),
		 "GET /v2/base/blobs/%s bytes=2-4 206 3\n"
		 "HEAD /v2/base/manifests/v1 - 200 0\n"
		 "GET /v2/a?b? - 404 ",
		 digest);
	cr_assert_gt(pread(log_fd, line, sizeof(line) - 1, 0), 0);
	cr_expect(strncmp(line, expected, strlen(expected)) == 0, "%s", line);
	registry_server_get_counters(server, &counters);
	cr_expect_eq(counters.requests, 3);
	cr_expect_eq(counters.manifest_requests, 1);
	cr_expect_eq(counters.blob_requests, 1);
	cr_expect_eq(counters.range_requests, 1);
	cr_expect_eq(counters.failures, 1);
	cr_expect_geq(counters.body_bytes, 3);
}

Test(registry_server, sees_tags_added_later)
{
	expect_status(get("/v2/base/manifests/v9"), 404);
	layout_maker_name(&maker, &image, "v9");
	expect_status(get("/v2/base/manifests/v9"), 200);
}

Test(registry_server, can_be_slow)
{
	int64_t start_ms;

	start(300, 20);
	start_ms = clock_ms();
	cr_expect_str_eq(body_of(get(by_digest("blobs", &blob.digest))), TEN);
	cr_expect_geq(clock_ms() - start_ms, 300);
}

Test(registry_server, stops_while_answers_wait, .timeout = 20)
{
	static const char request[] = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n";
	struct registry_server_counters counters = { 0 };
	int fd;

	start(REGISTRY_SERVER_DELAY_MS_MAX, 0);
	fd = connect_server();
	cr_assert_eq(write(fd, request, strlen(request)),
		     (ssize_t)strlen(request));
	while (counters.requests == 0)
		registry_server_get_counters(server, &counters);
	registry_server_stop(server);
	server = NULL;
	close(fd);
}

Test(registry_server, says_why_it_cannot_listen)
{
	const char *roots[] = { folder };
	struct registry_server_options options = {
		.roots = roots,
		.root_count = 1,
		.port = registry_server_port(server),
		.log_fd = -1,
	};
	struct registry_server *other = NULL;
	struct error err = { 0 };

	cr_expect_eq(registry_server_start(&options, &other, &err),
		     -EADDRINUSE);
	cr_expect(strstr(err.text, "cannot listen on 127.0.0.1 port"), "%s",
		  err.text);
	options.address = "localhost.example";
	cr_expect_eq(registry_server_start(&options, &other, &err), -EINVAL);
	roots[0] = "/nowhere";
	cr_expect_eq(registry_server_start(&options, &other, &err), -ENOENT);
	cr_expect_null(other);
}
