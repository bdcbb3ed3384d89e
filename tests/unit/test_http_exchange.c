/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_exchange.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "fetch/http_client.h"
#include "tests/support/fake_http.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { EXCHANGES_MAX = 4 };

static const uint8_t file[10000];
static struct fake_http *server;
static struct http_client *client;

/* Written on the network thread, read after the client's end. */
static struct http_exchange seen[EXCHANGES_MAX];
static char urls[EXCHANGES_MAX][256];
static unsigned seen_count;

static void serve(void *arg, const struct fake_request *request,
		  struct fake_answer *ret)
{
	(void)arg;
	ret->status = strcmp(request->path, "/file") == 0 ? 200 : 404;
	ret->body = file;
	ret->size = sizeof(file);
	ret->has_ranges = true;
	if (strcmp(request->path, "/silent") == 0)
		ret->fault = FAKE_FAULT_STALL_HEAD;
}

static void note(void *arg, const struct http_exchange *exchange)
{
	cr_assert_eq(arg, &seen_count);
	if (seen_count == EXCHANGES_MAX)
		return;
	snprintf(urls[seen_count], sizeof(urls[0]), "%s", exchange->url);
	seen[seen_count++] = *exchange;
}

static void set_up(void)
{
	const struct http_client_options options = {
		.first_byte_timeout_ms = 300,
		.observed = note,
		.observed_arg = &seen_count,
	};

	server = fake_http_start(serve, NULL);
	cr_assert(server);
	cr_assert_eq(http_client_create(&options, &client, NULL), 0);
}

static void tear_down(void)
{
	http_client_destroy(client);
	fake_http_stop(server);
}

TestSuite(http_exchange, .init = set_up, .fini = tear_down, .timeout = 60);

static void get(const char *path, bool has_range)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	char url[128];
	const struct http_request request = {
		.url = url,
		.has_range = has_range,
		.range_off = 1000,
		.range_size = 500,
		.range_total = sizeof(file),
		.body_size_max = 1 << 20,
		.deadline_ms = clock_ms() + 10000,
	};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s",
		 fake_http_port(server), path);
	http_client_call(client, &request, &response, NULL);
}

Test(http_exchange, tells_range_bytes_and_times_in_order)
{
	const int64_t before_us = clock_us();
	const struct http_exchange *first = &seen[0];

	get("/file?signature=1", true);
	get("/file", false);
	http_client_destroy(STEAL_PTR(client));
	cr_assert_eq(seen_count, 2);
	cr_expect_eq(first->status, 206);
	cr_expect_eq(first->result, 0);
	cr_expect(first->has_range);
	cr_expect_eq(first->range_off, 1000);
	cr_expect_eq(first->range_size, 500);
	cr_expect_eq(first->body_size, 500);
	cr_expect(strstr(urls[0], "/file?signature=1"));
	/* submitted_us is a whole millisecond, started_us libcurl's own count
	 */
	cr_expect_geq(first->submitted_us, before_us - 1000);
	cr_expect_geq(first->started_us, first->submitted_us - 1000);
	cr_expect_geq(first->connected_us, first->started_us);
	cr_expect_geq(first->first_byte_us, first->connected_us);
	cr_expect_geq(first->ended_us, first->first_byte_us);
	cr_expect(!seen[1].has_range);
	cr_expect_eq(seen[1].status, 200);
	cr_expect_eq(seen[1].body_size, sizeof(file));
}

Test(http_exchange, tells_a_kept_connection_from_a_new_one)
{
	get("/file", true);
	get("/file", true);
	http_client_destroy(STEAL_PTR(client));
	cr_assert_eq(seen_count, 2);
	cr_expect(seen[0].has_opened_connection);
	cr_expect_neq(seen[0].connected_us, 0);
	cr_expect(!seen[1].has_opened_connection);
	cr_expect_eq(seen[1].connected_us, 0);
}

Test(http_exchange, tells_of_a_request_without_an_answer)
{
	get("/silent", true);
	http_client_destroy(STEAL_PTR(client));
	cr_assert_eq(seen_count, 1);
	cr_expect_eq(seen[0].status, 0);
	cr_expect_lt(seen[0].result, 0);
	cr_expect_eq(seen[0].first_byte_us, 0);
	cr_expect_eq(seen[0].body_size, 0);
}
