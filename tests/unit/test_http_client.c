/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_client.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "tests/support/fake_certificate.h"
#include "tests/support/fake_http.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_SIZE = 100000 };

static uint8_t file[FILE_SIZE];
static struct fake_http *server;
static struct http_client *client;

/* What the next requests meet; set before they are sent. */
static enum fake_fault fault;
static int fault_status;
static const char *retry_after;

static void serve(void *arg, const struct fake_request *request,
		  struct fake_answer *ret)
{
	(void)arg;
	ret->status = 200;
	ret->body = file;
	ret->size = sizeof(file);
	ret->has_ranges = true;
	ret->fault = fault;
	ret->fault_status = fault_status;
	ret->retry_after = retry_after;
	if (strcmp(request->path, "/hello") == 0) {
		fake_answer_set_text(ret, 200, "hello, %s",
				     request->accept_encoding);
		fake_answer_add_header(ret, "Content-Type",
				       "text/plain; charset=utf-8");
		fake_answer_add_header(ret, "Docker-Content-Digest",
				       "sha256:1");
	} else if (strcmp(request->path, "/moved") == 0) {
		fake_answer_set_text(ret, 307, "elsewhere");
		fake_answer_add_header(ret, "Location", "../a b?c=d");
	} else if (strcmp(request->path, "/login") == 0) {
		fake_answer_set_text(ret, 401, "who are you?");
		fake_answer_add_header(ret, "WWW-Authenticate",
				       "Basic realm=x");
		fake_answer_add_header(ret, "WWW-Authenticate", "Bearer a=b");
	} else if (strcmp(request->path, "/form") == 0) {
		fake_answer_set_text(ret, 200, "%s %s", request->method,
				     request->body);
	}
}

static void set_up(void)
{
	const struct http_client_options options = {
		.connect_timeout_ms = 2000,
		.first_byte_timeout_ms = 600,
		.progress_timeout_ms = 600,
	};

	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)(i * 31 + (i >> 8));
	server = fake_http_start(serve, NULL);
	cr_assert(server);
	cr_assert_eq(http_client_create(&options, &client, NULL), 0);
}

static void tear_down(void)
{
	http_client_destroy(client);
	fake_http_stop(server);
}

TestSuite(http_client, .init = set_up, .fini = tear_down, .timeout = 60);

static void make_url(const char *path, char ret[128])
{
	snprintf(ret, 128, "http://127.0.0.1:%u%s", fake_http_port(server),
		 path);
}

static int get(const char *path, struct http_response **ret, struct error *err)
{
	char url[128];
	const struct http_request request = {
		.url = url,
		.body_size_max = 1 << 20,
		.deadline_ms = clock_ms() + 10000,
	};

	make_url(path, url);
	return http_client_call(client, &request, ret, err);
}

static int get_range(uint64_t off, uint64_t size, struct http_response **ret,
		     struct error *err)
{
	char url[128];
	const struct http_request request = {
		.url = url,
		.has_range = true,
		.range_off = off,
		.range_size = size,
		.range_total = FILE_SIZE,
		.deadline_ms = clock_ms() + 10000,
	};

	make_url("/file", url);
	return http_client_call(client, &request, ret, err);
}

static struct http_client_counters counters(void)
{
	struct http_client_counters ret;

	http_client_get_counters(client, &ret);
	return ret;
}

Test(http_client, fetches_a_whole_body_with_its_headers)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;

	cr_assert_eq(get("/hello", &response, NULL), 0);
	cr_assert_eq(response->status, 200);
	cr_assert_str_eq((char *)response->body, "hello, identity");
	cr_assert_eq(response->body_size, strlen("hello, identity"));
	cr_assert_str_eq(response->content_type, "text/plain");
	cr_assert_str_eq(response->content_digest, "sha256:1");
	cr_assert_null(response->location);
	cr_assert_null(response->challenges[0]);
	cr_assert_eq(response->retry_after_ms, -1);
	cr_assert_eq(counters().requests, 1);
}

Test(http_client, fetches_exactly_a_range)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;

	cr_assert_eq(get_range(1234, 50000, &response, NULL), 0);
	cr_assert_eq(response->status, 206);
	cr_assert_eq(response->body_size, 50000);
	cr_assert_eq(memcmp(response->body, file + 1234, 50000), 0);
	cr_assert_eq(counters().range_requests, 1);
	cr_assert_eq(counters().body_bytes, 50000);
}

Test(http_client, keeps_a_connection_for_the_next_request)
{
	for (unsigned i = 0; i < 5; i++) {
		CLEANUP(http_response_destroyp)
		struct http_response *response = NULL;

		cr_assert_eq(get_range(i, 10, &response, NULL), 0);
	}
	cr_assert_eq(fake_http_connection_count(server), 1);
	cr_assert_eq(counters().connections, 1);
}

Test(http_client, opens_a_fresh_connection_when_told)
{
	char url[128];
	const struct http_request request = {
		.url = url,
		.body_size_max = 1 << 20,
		.deadline_ms = clock_ms() + 10000,
		.use_fresh_connection = true,
	};

	make_url("/hello", url);
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(http_response_destroyp)
		struct http_response *response = NULL;

		cr_assert_eq(
			http_client_call(client, &request, &response, NULL), 0);
	}
	cr_assert_eq(fake_http_connection_count(server), 2);
}

Test(http_client, reports_a_redirect_resolved_and_not_followed)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	char url[128];

	cr_assert_eq(get("/moved", &response, NULL), 0);
	cr_assert_eq(response->status, 307);
	make_url("/a%20b?c=d", url);
	cr_assert_str_eq(response->location, url);
	cr_assert_eq(counters().requests, 1);
}

Test(http_client, hands_on_every_challenge)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;

	cr_assert_eq(get("/login", &response, NULL), 0);
	cr_assert_eq(response->status, 401);
	cr_assert_str_eq(response->challenges[0], "Basic realm=x");
	cr_assert_str_eq(response->challenges[1], "Bearer a=b");
	cr_assert_null(response->challenges[2]);
}

Test(http_client, posts_a_form)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	char url[128];
	const struct http_request request = {
		.method = HTTP_POST,
		.url = url,
		.body = "a=b&c=d",
		.body_size_max = 1000,
		.deadline_ms = clock_ms() + 10000,
	};

	make_url("/form", url);
	cr_assert_eq(http_client_call(client, &request, &response, NULL), 0);
	cr_assert_str_eq((char *)response->body, "POST a=b&c=d");
}

Test(http_client, refuses_a_body_past_its_limit)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	char url[128];
	const struct http_request request = {
		.url = url,
		.body_size_max = FILE_SIZE - 1,
		.deadline_ms = clock_ms() + 10000,
	};

	make_url("/file", url);
	cr_assert_eq(http_client_call(client, &request, &response, NULL),
		     -EFBIG);
	fault = FAKE_FAULT_LONG_BODY; /* without a Content-Length */
	cr_assert_eq(http_client_call(client, &request, &response, NULL),
		     -EFBIG);
}

/* One fault on a range request, and how it must end. */
static const struct {
	const char *label;
	enum fake_fault fault;
	int result;
	const char *words;
} range_faults[] = {
	{ "short body", FAKE_FAULT_SHORT_BODY, -ECONNRESET, "broke" },
	{ "long body", FAKE_FAULT_LONG_BODY, -EPROTO, "more bytes" },
	{ "wrong range", FAKE_FAULT_WRONG_RANGE, -EPROTO, "got 11-110" },
	{ "wrong total", FAKE_FAULT_WRONG_TOTAL, -EPROTO, "100001" },
	{ "no range", FAKE_FAULT_NO_CONTENT_RANGE, -EPROTO, "Content-Range" },
	{ "encoded", FAKE_FAULT_ENCODED, -EPROTO, "encoded" },
	{ "stalled head", FAKE_FAULT_STALL_HEAD, -ETIMEDOUT, "not answer" },
	{ "stalled body", FAKE_FAULT_STALL_BODY, -ETIMEDOUT, "stopped" },
	{ "reset", FAKE_FAULT_RESET, -ECONNRESET, "broke" },
	{ "big head", FAKE_FAULT_BIG_HEAD, -EFBIG, "header bytes" },
	{ "open total", FAKE_FAULT_NO_TOTAL, 0, "" },
};

Test(http_client, judges_every_fault_of_a_range)
{
	for (size_t i = 0; i < sizeof(range_faults) / sizeof(range_faults[0]);
	     i++) {
		CLEANUP(http_response_destroyp)
		struct http_response *response = NULL;
		struct error err = { 0 };
		int r;

		fault = range_faults[i].fault;
		r = get_range(10, 100, &response, &err);
		cr_expect_eq(r, range_faults[i].result, "case: %s gives %d, %s",
			     range_faults[i].label, r, err.text);
		cr_expect(strstr(err.text, range_faults[i].words),
			  "case: %s says \"%s\"", range_faults[i].label,
			  err.text);
		fault = FAKE_FAULT_NONE;
		http_response_destroy(STEAL_PTR(response));
		cr_expect_eq(get_range(10, 100, &response, NULL), 0,
			     "case: after %s", range_faults[i].label);
	}
}

Test(http_client, breaks_off_a_whole_file_in_place_of_a_range)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;

	fault = FAKE_FAULT_IGNORE_RANGE;
	cr_assert_eq(get_range(10, 100, &response, NULL), 0);
	cr_assert_eq(response->status, 200);
	cr_assert_eq(response->body_size, 0);
	cr_assert_eq(counters().body_bytes, 0);
}

static const struct {
	const char *value;
	int64_t min_ms;
	int64_t max_ms;
} retry_afters[] = {
	{ "0", 0, 0 },
	{ "7", 7000, 7000 },
	{ "100000", 60000, 60000 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT", 0, 0 },
	{ "Sun, 06 Nov 2094 08:49:37 GMT", 60000, 60000 },
	{ "soon", 0, 0 },
	{ NULL, -1, -1 },
};

Test(http_client, reads_retry_after_as_seconds_or_a_date)
{
	for (size_t i = 0; i < sizeof(retry_afters) / sizeof(retry_afters[0]);
	     i++) {
		CLEANUP(http_response_destroyp)
		struct http_response *response = NULL;

		fault = FAKE_FAULT_STATUS;
		fault_status = 429;
		retry_after = retry_afters[i].value;
		cr_assert_eq(get_range(0, 10, &response, NULL), 0);
		cr_expect_eq(response->status, 429);
		cr_expect(response->retry_after_ms >= retry_afters[i].min_ms &&
				  response->retry_after_ms <=
					  retry_afters[i].max_ms,
			  "case: %s is %" PRId64, retry_afters[i].value,
			  response->retry_after_ms);
		cr_expect(strstr((char *)response->body, "as the test asked"));
	}
}

Test(http_client, ends_at_the_requests_deadline)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	struct error err = { 0 };
	char url[128];
	const struct http_request request = {
		.url = url,
		.body_size_max = 1000,
		.deadline_ms = clock_ms() + 200,
	};

	make_url("/hello", url);
	fault = FAKE_FAULT_STALL_HEAD;
	cr_assert_eq(http_client_call(client, &request, &response, &err),
		     -ETIMEDOUT);
	cr_assert(strstr(err.text, "deadline"), "%s", err.text);
}

Test(http_client, says_who_refused_and_hides_secrets)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	struct error err = { 0 };
	const struct http_request request = {
		.url = "http://me:geheim@127.0.0.1:1/x?token=geheim#geheim",
		.body_size_max = 1000,
		.deadline_ms = clock_ms() + 5000,
	};

	cr_assert_eq(http_client_call(client, &request, &response, &err),
		     -ECONNREFUSED);
	cr_assert(strstr(err.text, "http://127.0.0.1:1/x: "), "%s", err.text);
	cr_assert_null(strstr(err.text, "geheim"), "%s", err.text);
}

Test(http_client, refuses_other_schemes_and_nonsense)
{
	static const char *const urls[] = { "file:///etc/passwd", "ftp://x/y",
					    "http://", "x y", "" };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_response *response = NULL;
		struct error err = { 0 };
		const struct http_request request = {
			.url = urls[i],
			.body_size_max = 1000,
			.deadline_ms = clock_ms() + 5000,
		};

		cr_expect_eq(
			http_client_call(client, &request, &response, &err),
			-EINVAL, "case: %s", urls[i]);
	}
	cr_assert_eq(counters().requests, 0);
}

Test(http_client, says_when_a_name_does_not_resolve)
{
	struct http_response *response = NULL;
	struct error err = { 0 };
	const struct http_request request = {
		.url = "http://no-such-host.invalid/",
		.body_size_max = 1000,
		.deadline_ms = clock_ms() + 20000,
	};
	int r = http_client_call(client, &request, &response, &err);

	cr_assert(r == -EHOSTUNREACH || r == -ETIMEDOUT, "%d: %s", r, err.text);
	cr_assert(strstr(err.text, "no-such-host.invalid"), "%s", err.text);
}

/* ---- TLS ---- */

static int call_tls(const struct fake_http *tls, const char *scheme,
		    const char *ca_file, struct error *err)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	CLEANUP(http_client_destroyp) struct http_client *trusting = NULL;
	char url[128];
	const struct http_request request = {
		.url = url,
		.body_size_max = 1000,
		.deadline_ms = clock_ms() + 10000,
	};
	int r;

	setenv("CURL_CA_BUNDLE", ca_file, 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	snprintf(url, sizeof(url), "%s://localhost:%u/hello", scheme,
		 fake_http_port(tls));
	cr_assert_eq(http_client_create(NULL, &trusting, NULL), 0);
	r = http_client_call(trusting, &request, &response, err);
	if (r == 0)
		cr_assert_str_eq((char *)response->body, "hello, identity");
	return r;
}

Test(http_client, trusts_only_the_authorities_it_is_told)
{
	struct fake_http *tls = fake_http_start_tls(
		fake_certificate_key, fake_certificate, serve, NULL);
	struct error err = { 0 };
	char path[64];
	FILE *out;

	if (!tls)
		cr_skip_test("libmicrohttpd without TLS");
	snprintf(path, sizeof(path), "/tmp/test_http_client.%d", (int)getpid());
	out = fopen(path, "w");
	fputs(fake_certificate, out);
	fclose(out);
	cr_expect_eq(call_tls(tls, "https", path, &err), 0, "%s", err.text);
	cr_expect_eq(call_tls(tls, "https", "/etc/passwd", &err), -EKEYREJECTED,
		     "%s", err.text);
	cr_expect_eq(call_tls(server, "https", path, &err), -EKEYREJECTED,
		     "https to an http port: %s", err.text);
	unlink(path);
	fake_http_stop(tls);
}

/* ---- what runs on the network thread ---- */

struct tally {
	struct mutex lock;
	struct condition changed;
	unsigned count;
	unsigned canceled;
	char order[32];
};

static void tally_init(struct tally *tally)
{
	*tally = (struct tally){ 0 };
	mutex_init(&tally->lock);
	condition_init(&tally->changed);
}

static void tally_wait(struct tally *tally, unsigned count)
{
	mutex_lock(&tally->lock);
	while (tally->count < count)
		condition_wait(&tally->changed, &tally->lock);
	mutex_unlock(&tally->lock);
}

static void tally_add(struct tally *tally, char what, int result)
{
	mutex_lock(&tally->lock);
	tally->order[tally->count++ % sizeof(tally->order)] = what;
	tally->canceled += result == -ECANCELED;
	condition_signal(&tally->changed);
	mutex_unlock(&tally->lock);
}

static void note_done(void *arg, int result, struct http_response *response,
		      const struct error *err)
{
	(void)response;
	(void)err;
	tally_add(arg, 'r', result);
}

struct named_timer {
	struct tally *tally;
	char name;
};

static void note_timer(void *arg)
{
	struct named_timer *timer = arg;

	tally_add(timer->tally, timer->name, 0);
}

Test(http_client, runs_timers_in_the_order_they_fall_due)
{
	struct tally tally;
	struct named_timer timers[] = { { &tally, 'd' },
					{ &tally, 'b' },
					{ &tally, 'a' },
					{ &tally, 'c' } };
	static const int64_t delays_ms[] = { 300, 100, 0, 200 };

	tally_init(&tally);
	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(http_client_run_later(client, delays_ms[i],
						   note_timer, &timers[i]),
			     0);
	tally_wait(&tally, 4);
	cr_assert_str_eq(tally.order, "abcd");
}

Test(http_client, answers_everything_when_destroyed)
{
	struct tally tally;
	struct named_timer timer = { &tally, 't' };
	char url[128];
	const struct http_request request = {
		.url = url,
		.body_size_max = 1 << 20,
		.deadline_ms = clock_ms() + 50000,
	};

	tally_init(&tally);
	make_url("/file", url);
	fault = FAKE_FAULT_STALL_HEAD;
	for (unsigned i = 0; i < 20; i++) /* more than run at once */
		cr_assert_eq(
			http_client_submit(client, &request, note_done, &tally),
			0);
	cr_assert_eq(http_client_run_later(client, 50000, note_timer, &timer),
		     0);
	http_client_destroy(STEAL_PTR(client));
	cr_assert_eq(tally.count, 21);
	cr_assert_eq(tally.canceled, 20);
}

Test(http_client, runs_no_more_than_its_connections_at_once)
{
	const struct http_client_options options = {
		.connections_per_host = 2,
	};
	CLEANUP(http_client_destroyp) struct http_client *narrow = NULL;
	struct tally tally;
	char url[128];
	const struct http_request request = {
		.url = url,
		.body_size_max = 1 << 20,
		.deadline_ms = clock_ms() + 50000,
	};

	tally_init(&tally);
	make_url("/file", url);
	cr_assert_eq(http_client_create(&options, &narrow, NULL), 0);
	for (unsigned i = 0; i < 12; i++)
		cr_assert_eq(
			http_client_submit(narrow, &request, note_done, &tally),
			0);
	tally_wait(&tally, 12);
	cr_assert(fake_http_connection_count(server) <= 2, "%u connections",
		  fake_http_connection_count(server));
}
