/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_source.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "common/completion.h"
#include "fetch/http_client.h"
#include "fetch/range_source.h"
#include "tests/support/fake_http.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE = 300000 };

static uint8_t file[FILE_SIZE];
static struct fake_http *server;
static struct http_client *client;

/* What requests meet from now on. */
static size_t served_size;
static const char *etag;
static const char *last_modified;
static enum fake_fault fault;
static int fault_status;
static unsigned fault_count;   /* so many more requests */
static unsigned request_count; /* so far */
static unsigned old_url_count; /* at /old */

static void serve(void *arg, const struct fake_request *request,
		  struct fake_answer *ret)
{
	(void)arg;
	__atomic_fetch_add(&request_count, 1, __ATOMIC_RELAXED);
	ret->status = 200;
	ret->body = file;
	ret->size = served_size;
	ret->has_ranges = true;
	if (etag)
		fake_answer_add_header(ret, "ETag", "%s", etag);
	if (last_modified)
		fake_answer_add_header(ret, "Last-Modified", "%s",
				       last_modified);
	if (strcmp(request->path, "/none") == 0)
		fake_answer_set_text(ret, 404, "no");
	else if (strcmp(request->path, "/mine") == 0)
		fake_answer_set_text(ret, 403, "no");
	else if (strcmp(request->path, "/circle") == 0) {
		fake_answer_set_text(ret, 302, "there");
		fake_answer_add_header(ret, "Location", "/circle");
	} else if (strcmp(request->path, "/old") == 0) {
		old_url_count++;
		fake_answer_set_text(ret, 302, "there");
		fake_answer_add_header(ret, "Location", "/new?a=b");
	}
	if (fault_count == 0)
		return;
	fault_count--;
	ret->fault = fault;
	ret->fault_status = fault_status;
}

static void set_up(void)
{
	const struct http_client_options options = {
		.connect_timeout_ms = 2000,
	};

	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)(i * 31 + (i >> 8));
	served_size = FILE_SIZE;
	server = fake_http_start(serve, NULL);
	cr_assert(server);
	cr_assert_eq(http_client_create(&options, &client, NULL), 0);
}

static void tear_down(void)
{
	http_client_destroy(client);
	fake_http_stop(server);
}

TestSuite(object_source, .init = set_up, .fini = tear_down, .timeout = 60);

static void make_url(const char *path, char ret[128])
{
	snprintf(ret, 128, "http://127.0.0.1:%u%s", fake_http_port(server),
		 path);
}

static int open_path(const char *path, struct range_source **ret,
		     struct object_identity *ret_identity, struct error *err)
{
	const struct object_source_options options = { .client = client };
	char url[128];

	make_url(path, url);
	return object_source_open(url, &options, ret, ret_identity, err);
}

struct fetched {
	struct completion call;
	uint8_t *data;
};

static void on_done(void *arg, int result, uint8_t *data,
		    const struct error *err)
{
	struct fetched *fetched = arg;

	fetched->data = data;
	completion_end(&fetched->call, result, err);
}

/* Return: the result; the bytes are right when it is 0. */
static int fetch(struct range_source *source, uint64_t off, size_t size,
		 int64_t timeout_ms, struct error *err)
{
	struct fetched fetched = { 0 };
	int r;

	completion_init(&fetched.call);
	range_source_fetch(source, off, size, clock_ms() + timeout_ms, on_done,
			   &fetched);
	r = completion_wait(&fetched.call, err);
	completion_fini(&fetched.call);
	if (r == 0)
		cr_expect_eq(memcmp(fetched.data, file + off, size), 0);
	free(fetched.data);
	return r;
}

Test(object_source, finds_what_an_object_is)
{
	struct object_identity identity CLEANUP(object_identity_fini) = { 0 };
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char url[128];

	etag = "\"v1\"";
	last_modified = "Thu, 01 Jan 2026 00:00:00 GMT";
	make_url("/x.sif", url);
	cr_assert_eq(open_path("/x.sif", &source, &identity, NULL), 0);
	cr_expect_eq(identity.size, FILE_SIZE);
	cr_expect_eq(source->size, FILE_SIZE);
	cr_expect_str_eq(identity.name, url);
	cr_expect_str_eq(identity.etag, etag);
	cr_expect_str_eq(identity.last_modified, last_modified);
	cr_expect_eq(request_count, 1);
}

Test(object_source, takes_no_weak_etag_for_a_version)
{
	struct object_identity identity CLEANUP(object_identity_fini) = { 0 };
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;

	etag = "W/\"v1\"";
	cr_assert_eq(open_path("/x.sif", &source, &identity, NULL), 0);
	cr_expect_null(identity.etag);
	cr_expect_null(identity.last_modified);
	etag = "W/\"v2\"";
	cr_expect_eq(fetch(source, 10, 20, 5000, NULL), 0);
}

Test(object_source, fetches_ranges)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;

	cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
	cr_expect_eq(fetch(source, 0, 1, 5000, NULL), 0);
	cr_expect_eq(fetch(source, 1234, 200000, 5000, NULL), 0);
	cr_expect_eq(fetch(source, FILE_SIZE - 1, 1, 5000, NULL), 0);
}

Test(object_source, follows_a_redirect_and_remembers_it)
{
	struct object_identity identity CLEANUP(object_identity_fini) = { 0 };
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char url[128];

	make_url("/old", url);
	cr_assert_eq(open_path("/old", &source, &identity, NULL), 0);
	cr_expect_str_eq(identity.name, url);
	cr_expect_eq(fetch(source, 10, 20, 5000, NULL), 0);
	cr_expect_eq(old_url_count, 1);
	/* where it led is dead now: the first place knows a new one */
	fault = FAKE_FAULT_STATUS;
	fault_status = 403;
	fault_count = 1;
	cr_expect_eq(fetch(source, 10, 20, 5000, NULL), 0);
	cr_expect_eq(old_url_count, 2);
}

static const struct {
	const char *label;
	enum fake_fault fault;
	int status;
} passing[] = {
	{ "short body", FAKE_FAULT_SHORT_BODY, 0 },
	{ "long body", FAKE_FAULT_LONG_BODY, 0 },
	{ "wrong range", FAKE_FAULT_WRONG_RANGE, 0 },
	{ "no range", FAKE_FAULT_NO_CONTENT_RANGE, 0 },
	{ "encoded", FAKE_FAULT_ENCODED, 0 },
	{ "reset", FAKE_FAULT_RESET, 0 },
	{ "headers without end", FAKE_FAULT_BIG_HEAD, 0 },
	{ "500", FAKE_FAULT_STATUS, 500 },
	{ "503", FAKE_FAULT_STATUS, 503 },
	{ "429", FAKE_FAULT_STATUS, 429 },
};

Test(object_source, asks_again_after_what_may_pass)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;

	cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		struct error err = { 0 };

		fault = passing[i].fault;
		fault_status = passing[i].status;
		fault_count = 1;
		cr_expect_eq(fetch(source, 100, 50000, 20000, &err), 0,
			     "case: %s: %s", passing[i].label, err.text);
		cr_expect_eq(fault_count, 0, "case: %s", passing[i].label);
	}
}

Test(object_source, takes_an_unknown_total_once_the_size_is_known)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };

	fault = FAKE_FAULT_NO_TOTAL;
	fault_count = 100;
	cr_expect_eq(open_path("/x.sif", &source, NULL, &err), -EPROTO);
	cr_expect(strstr(err.text, "size"), "%s", err.text);
	fault_count = 0;
	cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
	fault_count = 100;
	cr_expect_eq(fetch(source, 100, 50000, 5000, NULL), 0);
}

Test(object_source, hedges_a_request_that_is_never_answered)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	int64_t start_ms;

	cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
	fault = FAKE_FAULT_STALL_BODY; /* headers at once, then half */
	fault_count = 1;
	start_ms = clock_ms();
	cr_expect_eq(fetch(source, 100, 50000, 30000, NULL), 0);
	cr_expect_lt(clock_ms() - start_ms, 12000);
}

Test(object_source, ends_at_the_deadline)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };

	cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
	fault = FAKE_FAULT_STALL_HEAD;
	fault_count = 100;
	cr_expect_eq(fetch(source, 100, 50000, 1500, &err), -ETIMEDOUT);
	cr_expect(strstr(err.text, "127.0.0.1"), "%s", err.text);
}

Test(object_source, refuses_another_version)
{
	static const struct {
		const char *label;
		size_t size;
		const char *etag;
		const char *last_modified;
	} changes[] = {
		{ "longer", FILE_SIZE, "\"1\"", "Monday" },
		{ "another ETag", FILE_SIZE - 1, "\"2\"", "Monday" },
		{ "another time", FILE_SIZE - 1, "\"1\"", "Tuesday" },
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		CLEANUP(range_source_destroyp)
		struct range_source *source = NULL;
		struct error err = { 0 };

		served_size = FILE_SIZE - 1;
		etag = "\"1\"";
		last_modified = "Monday";
		cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
		served_size = changes[i].size;
		etag = changes[i].etag;
		last_modified = changes[i].last_modified;
		cr_expect_eq(fetch(source, 10, 20, 5000, &err), -ESTALE,
			     "case: %s", changes[i].label);
		cr_expect(strstr(err.text, "replaced"), "%s", err.text);
		/* and it stays refused, without asking */
		request_count = 0;
		cr_expect_eq(fetch(source, 10, 20, 5000, &err), -ESTALE);
		cr_expect_eq(request_count, 0);
	}
}

static const struct {
	const char *path;
	int result;
	const char *words;
} refusals[] = {
	{ "/none", -ENOENT, "no such object" },
	{ "/mine", -EACCES, "access refused" },
	{ "/circle", -EPROTO, "circle" },
};

Test(object_source, says_why_it_cannot_open)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		CLEANUP(range_source_destroyp)
		struct range_source *source = NULL;
		struct error err = { 0 };

		cr_expect_eq(open_path(refusals[i].path, &source, NULL, &err),
			     refusals[i].result, "case: %s: %s",
			     refusals[i].path, err.text);
		cr_expect(strstr(err.text, refusals[i].words), "case: %s: %s",
			  refusals[i].path, err.text);
	}
}

Test(object_source, needs_a_server_that_has_ranges)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };

	fault = FAKE_FAULT_IGNORE_RANGE;
	fault_count = 100;
	cr_expect_eq(open_path("/x.sif", &source, NULL, &err), -ENOTSUP);
	cr_expect(strstr(err.text, "ranges"), "%s", err.text);
}

Test(object_source, comes_back_to_a_lone_server_after_wrong_bytes)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	unsigned connections;

	cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
	cr_assert_eq(fetch(source, 10, 20, 5000, NULL), 0);
	connections = fake_http_connection_count(server);
	range_source_report_bad(source, 12, 5);
	cr_expect_eq(fetch(source, 10, 20, 5000, NULL), 0);
	cr_expect_eq(fake_http_connection_count(server), connections + 1);
}

static void on_canceled(void *arg, int result, uint8_t *data,
			const struct error *err)
{
	(void)err;
	free(data);
	*(int *)arg = result;
}

Test(object_source, cancels_what_waits_when_destroyed)
{
	struct range_source *source = NULL;
	int result = 1;

	cr_assert_eq(open_path("/x.sif", &source, NULL, NULL), 0);
	fault = FAKE_FAULT_STALL_HEAD;
	fault_count = 100;
	range_source_fetch(source, 0, 10, clock_ms() + 30000, on_canceled,
			   &result);
	range_source_destroy(source);
	cr_expect_eq(result, -ECANCELED);
}

static int fetch_small(const char *path, size_t size_max, uint8_t **ret,
		       size_t *ret_size)
{
	const struct object_source_options options = { .client = client };
	char url[128];

	make_url(path, url);
	return object_source_fetch_small(url, size_max, &options, ret, ret_size,
					 NULL);
}

Test(object_source, fetches_a_small_object_whole)
{
	autofree uint8_t *data = NULL;
	size_t size = 0;

	served_size = 5000;
	fault = FAKE_FAULT_STATUS;
	fault_status = 503;
	fault_count = 1;
	cr_assert_eq(fetch_small("/old", 5000, &data, &size),
		     OBJECT_SOURCE_FOUND);
	cr_assert_eq(size, 5000);
	cr_expect_eq(memcmp(data, file, size), 0);
	cr_expect_eq(fetch_small("/x.sif.lzi", 4999, &data, &size), -EFBIG);
	cr_expect_eq(fetch_small("/none", 5000, &data, &size),
		     OBJECT_SOURCE_ABSENT);
	cr_expect_eq(fetch_small("/mine", 5000, &data, &size), -EACCES);
}
