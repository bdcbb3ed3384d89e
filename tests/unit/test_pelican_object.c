/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a federation, opened and read by object_source.h: discovery,
 * director, caches, origin, tokens, and what each may do wrong.
 */
#include "fetch/pelican_object.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/completion.h"
#include "fetch/http_client.h"
#include "fetch/object_source.h"
#include "fetch/range_source.h"
#include "tests/support/fake_federation.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_SIZE = 300000 };

static uint8_t file[FILE_SIZE];
static uint8_t wrong[FILE_SIZE];
static char dir[TEMP_DIR_SIZE];
static int dir_fd;
static struct fake_federation *federation;
static struct http_client *client;

static void set_up(void)
{
	const struct http_client_options options = {
		.connect_timeout_ms = 2000,
	};
	static const char *const names[] = {
		"BEARER_TOKEN",
		"BEARER_TOKEN_FILE",
		"XDG_RUNTIME_DIR",
		"TOKEN",
		"_CONDOR_CREDS",
		"PELICAN_CLIENT_PREFERREDCACHES",
		"PELICAN_NEAREST_CACHE",
		"NEAREST_CACHE",
		"OSG_NEAREST_CACHE",
		"LAZYRUN_FEDERATION",
		"PELICAN_FEDERATION_DISCOVERYURL",
		"PELICAN_FEDERATION_URL",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)(i * 31 + (i >> 8));
	memset(wrong, 'w', sizeof(wrong));
	temp_dir_create(dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(dir_fd, 0);
	cr_assert_eq(http_client_create(&options, &client, NULL), 0);
}

static void tear_down(void)
{
	http_client_destroy(client);
	fake_federation_stop(federation);
	close(dir_fd);
	temp_dir_remove(dir);
}

TestSuite(pelican_object, .init = set_up, .fini = tear_down, .timeout = 60);

static void start(const struct fake_federation_options *options)
{
	federation = fake_federation_start(options);
	for (unsigned i = FAKE_SEAT_CACHE_A; i < FAKE_SEAT_COUNT; i++)
		fake_federation_set_object(federation, (enum fake_seat)i, file,
					   FILE_SIZE);
}

static void start_plain(void)
{
	const struct fake_federation_options options = { 0 };

	start(&options);
}

static unsigned requests(enum fake_seat seat)
{
	return fake_federation_requests(federation, seat);
}

static int open_url(const char *url, struct range_source **ret,
		    struct object_identity *ret_identity, struct error *err)
{
	const struct object_source_options options = {
		.client = client,
		.cache_dir_fd = dir_fd,
		.federation = fake_federation_host(federation),
		.timeout_ms = 20000,
	};

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

/* Return: the result; *ret_is_right is set when it is 0. */
static int fetch(struct range_source *source, uint64_t off, size_t size,
		 bool *ret_is_right, struct error *err)
{
	struct fetched fetched = { 0 };
	int r;

	completion_init(&fetched.call);
	range_source_fetch(source, off, size, clock_ms() + 30000, on_done,
			   &fetched);
	r = completion_wait(&fetched.call, err);
	completion_fini(&fetched.call);
	if (r == 0)
		*ret_is_right = memcmp(fetched.data, file + off, size) == 0;
	free(fetched.data);
	return r;
}

static void expect_right(struct range_source *source, uint64_t off, size_t size)
{
	struct error err = { 0 };
	bool is_right = false;

	cr_expect_eq(fetch(source, off, size, &is_right, &err), 0, "%s",
		     err.text);
	cr_expect(is_right);
}

/* ---- the way to the first byte ---- */

Test(pelican_object, is_found_by_discovery_and_director)
{
	struct object_identity identity CLEANUP(object_identity_fini) = { 0 };
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };
	char name[128];

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, &identity, &err), 0,
		     "%s", err.text);
	snprintf(name, sizeof(name), "pelican://%s/ns/a.sif",
		 fake_federation_host(federation));
	cr_expect_str_eq(identity.name, name);
	cr_expect_eq(identity.size, FILE_SIZE);
	expect_right(source, 1000, 200000);
	cr_expect_eq(requests(FAKE_SEAT_DISCOVERY), 1);
	cr_expect_eq(requests(FAKE_SEAT_DIRECTOR), 1);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_A), 2);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_B), 0);
	cr_expect_eq(requests(FAKE_SEAT_ORIGIN), 0);
}

Test(pelican_object, is_named_alike_by_every_form)
{
	static const char *const forms[] = {
		"osdf:///ns/a b.sif",
		"osdf://ns/a%20b.sif",
		"stash:///ns//./a b.sif",
		"igwn+osdf:///ns/x/../a b.sif",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		autofree char *name = NULL;

		cr_assert_eq(object_source_name(forms[i], NULL, &name, NULL),
			     0);
		cr_expect_str_eq(name, "osdf:///ns/a%20b.sif", "case: %s",
				 forms[i]);
	}
}

Test(pelican_object, remembers_the_federation_and_the_namespace)
{
	CLEANUP(range_source_destroyp) struct range_source *a = NULL;
	CLEANUP(range_source_destroyp) struct range_source *b = NULL;

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &a, NULL, NULL), 0);
	cr_assert_eq(open_url("osdf:///ns/deep/b.sif", &b, NULL, NULL), 0);
	expect_right(b, 0, 100);
	cr_expect_eq(requests(FAKE_SEAT_DISCOVERY), 1);
	cr_expect_eq(requests(FAKE_SEAT_DIRECTOR), 1);
}

Test(pelican_object, needs_no_director_of_a_lone_origin)
{
	const struct fake_federation_options options = { .lacks_director =
								 true };
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;

	start(&options);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	expect_right(source, 0, 100);
	cr_expect_eq(requests(FAKE_SEAT_DIRECTOR), 0);
	cr_expect_eq(requests(FAKE_SEAT_ORIGIN), 2);
}

Test(pelican_object, makes_do_with_a_location)
{
	const struct fake_federation_options options = { .lacks_link = true };
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;

	start(&options);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	expect_right(source, 0, 100);
}

Test(pelican_object, waits_for_a_director_that_restarts)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };

	start_plain();
	fake_federation_fail(federation, FAKE_SEAT_DIRECTOR, FAKE_FAULT_STATUS,
			     1, 502);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, &err), 0, "%s",
		     err.text);
	cr_expect_eq(requests(FAKE_SEAT_DIRECTOR), 2);
}

Test(pelican_object, is_read_from_the_origin_when_asked_to)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;

	start_plain();
	cr_assert_eq(
		open_url("osdf:///ns/a.sif?directread", &source, NULL, NULL),
		0);
	expect_right(source, 0, 100);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_A), 0);
	cr_expect_eq(requests(FAKE_SEAT_ORIGIN), 2);
}

Test(pelican_object, asks_preferred_caches_first)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char cache[64];
	char list[128];

	start_plain();
	fake_federation_server(federation, FAKE_SEAT_CACHE_C, cache);
	setenv("OSG_NEAREST_CACHE", "http://127.0.0.1:1", 1); /* overruled */
	snprintf(list, sizeof(list), "%s +", cache);
	setenv("PELICAN_CLIENT_PREFERREDCACHES", list, 1);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	expect_right(source, 0, 100);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_C), 2);
	/* then the director's */
	fake_federation_fail(federation, FAKE_SEAT_CACHE_C, FAKE_FAULT_STATUS,
			     1, 500);
	expect_right(source, 0, 100);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_A), 1);
}

/* ---- the ladder ---- */

static const struct {
	const char *label;
	enum fake_fault fault;
	int status;
	unsigned count;
} faults[] = {
	{ "short body", FAKE_FAULT_SHORT_BODY, 0, 1 },
	{ "long body", FAKE_FAULT_LONG_BODY, 0, 1 },
	{ "wrong range", FAKE_FAULT_WRONG_RANGE, 0, 1 },
	{ "another size", FAKE_FAULT_WRONG_TOTAL, 0, 1 },
	{ "the whole", FAKE_FAULT_IGNORE_RANGE, 0, 1 },
	{ "encoded", FAKE_FAULT_ENCODED, 0, 1 },
	/* libcurl itself asks again when a kept connection is closed */
	{ "reset", FAKE_FAULT_RESET, 0, 2 },
	{ "not there", FAKE_FAULT_STATUS, 404, 1 },
	{ "500", FAKE_FAULT_STATUS, 500, 1 },
	{ "429", FAKE_FAULT_STATUS, 429, 1 },
};

Test(pelican_object, fails_over_to_the_next_cache_at_once)
{
	start_plain();
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		CLEANUP(range_source_destroyp)
		struct range_source *source = NULL;
		unsigned before = requests(FAKE_SEAT_CACHE_B);
		int64_t start_ms;

		cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL),
			     0);
		fake_federation_fail(federation, FAKE_SEAT_CACHE_A,
				     faults[i].fault, faults[i].count,
				     faults[i].status);
		start_ms = clock_ms();
		expect_right(source, 100, 50000);
		cr_expect_lt(clock_ms() - start_ms, 1000, "case: %s",
			     faults[i].label);
		cr_expect_eq(requests(FAKE_SEAT_CACHE_B), before + 1,
			     "case: %s", faults[i].label);
	}
}

Test(pelican_object, hedges_a_cache_that_sends_headers_and_no_body)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	int64_t start_ms;

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	fake_federation_fail(federation, FAKE_SEAT_CACHE_A,
			     FAKE_FAULT_STALL_BODY, 100, 0);
	start_ms = clock_ms();
	expect_right(source, 100, 50000);
	expect_right(source, 100000, 50000);
	cr_expect_lt(clock_ms() - start_ms, 6000);
	/* twice too slow: asked last */
	start_ms = clock_ms();
	expect_right(source, 200000, 50000);
	cr_expect_lt(clock_ms() - start_ms, 1000);
}

Test(pelican_object, asks_no_cache_again_that_gave_wrong_bytes)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	bool is_right = true;
	char cache[64];
	char sender[256];
	unsigned before;

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	fake_federation_set_object(federation, FAKE_SEAT_CACHE_A, wrong,
				   FILE_SIZE);
	cr_assert_eq(fetch(source, 100, 5000, &is_right, NULL), 0);
	cr_assert_not(is_right);
	before = requests(FAKE_SEAT_CACHE_A);
	fake_federation_server(federation, FAKE_SEAT_CACHE_A, cache);
	cr_expect(range_source_find_sender(source, 200, 100, sender,
					   sizeof(sender)));
	cr_expect_eq(strncmp(sender, cache, strlen(cache)), 0, "%s", sender);
	range_source_report_bad(source, 200, 100);
	expect_right(source, 100, 5000);
	expect_right(source, 200000, 5000);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_A), before);
}

Test(pelican_object, reads_from_the_origin_past_two_wrong_caches)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	bool is_right = true;

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	for (unsigned i = FAKE_SEAT_CACHE_A; i <= FAKE_SEAT_CACHE_C; i++)
		fake_federation_set_object(federation, (enum fake_seat)i, wrong,
					   FILE_SIZE);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(fetch(source, 100, 5000, &is_right, NULL), 0);
		cr_assert_not(is_right);
		range_source_report_bad(source, 100, 5000);
	}
	expect_right(source, 100, 5000);
	cr_expect_eq(requests(FAKE_SEAT_ORIGIN), 1);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_C), 0);
}

Test(pelican_object, says_so_when_every_server_is_wrong)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };
	bool is_right = true;

	start_plain();
	for (unsigned i = FAKE_SEAT_CACHE_A; i < FAKE_SEAT_COUNT; i++)
		fake_federation_set_object(federation, (enum fake_seat)i, wrong,
					   FILE_SIZE);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(fetch(source, 100, 5000, &is_right, &err), 0, "%s",
			     err.text);
		range_source_report_bad(source, 100, 5000);
	}
	cr_expect_eq(fetch(source, 100, 5000, &is_right, &err), -EIO);
	cr_expect(strstr(err.text, "no server is left"), "%s", err.text);
}

Test(pelican_object, goes_to_the_origin_when_all_caches_are_down)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	for (unsigned i = FAKE_SEAT_CACHE_A; i <= FAKE_SEAT_CACHE_C; i++)
		fake_federation_fail(federation, (enum fake_seat)i,
				     FAKE_FAULT_RESET, 100, 0);
	expect_right(source, 100, 5000);
	cr_expect_eq(requests(FAKE_SEAT_ORIGIN), 1);
}

Test(pelican_object, refuses_an_object_that_grew_everywhere)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };
	bool is_right;

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	for (unsigned i = FAKE_SEAT_CACHE_A; i < FAKE_SEAT_COUNT; i++)
		fake_federation_set_object(federation, (enum fake_seat)i, file,
					   FILE_SIZE - 1);
	cr_expect_eq(fetch(source, 100, 5000, &is_right, &err), -ESTALE);
	cr_expect(strstr(err.text, "replaced"), "%s", err.text);
	cr_expect_eq(fetch(source, 100, 5000, &is_right, &err), -ESTALE);
	cr_expect(strstr(err.text, "replaced"), "%s", err.text);
}

static void fail_everywhere(enum fake_fault fault, int status)
{
	for (unsigned i = FAKE_SEAT_CACHE_A; i < FAKE_SEAT_COUNT; i++)
		fake_federation_fail(federation, (enum fake_seat)i, fault, 1000,
				     status);
}

/* Time is up in a round whose servers are only silent so far. */
Test(pelican_object, says_what_servers_did_when_time_is_up)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct fetched fetched = { 0 };
	struct error err = { 0 };
	int64_t start_ms;

	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	fail_everywhere(FAKE_FAULT_STATUS, 503);
	completion_init(&fetched.call);
	start_ms = clock_ms();
	range_source_fetch(source, 100, 50000, start_ms + 1500, on_done,
			   &fetched);
	usleep(400000);
	fail_everywhere(FAKE_FAULT_STALL_BODY, 0);
	cr_expect_lt(completion_wait(&fetched.call, &err), 0);
	completion_fini(&fetched.call);
	cr_expect_null(fetched.data);
	cr_expect_lt(clock_ms() - start_ms, 6000);
	cr_expect(strstr(err.text, "status 503"), "%s", err.text);
	cr_expect_not(strstr(err.text, "deadline"), "%s", err.text);
}

/* ---- tokens ---- */

#define CLAIMS                                                                 \
	"\"wlcg.ver\":\"1.0\",\"iss\":\"https://issuer\",\"scope\":"           \
	"\"storage.read:/\""

/* Writes a token file; the token stays in @ret. */
static void put_token(const char *claims, char ret[TOKEN_MAKER_SIZE])
{
	char path[TEMP_DIR_SIZE + 16];
	int fd;

	token_maker_format(claims, ret);
	snprintf(path, sizeof(path), "%s/token", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, ret, strlen(ret)), (ssize_t)strlen(ret));
	close(fd);
	setenv("BEARER_TOKEN_FILE", path, 1);
}

static void start_private(const char *token)
{
	const struct fake_federation_options options = {
		.requires_token = true,
		.token = token,
		.issuer = "https://issuer",
	};

	start(&options);
}

Test(pelican_object, sends_a_token_to_the_federations_servers_alone)
{
	struct fake_federation_options options = {
		.requires_token = true,
		.issuer = "https://issuer",
		.redirects_to_other = true,
	};
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char token[TOKEN_MAKER_SIZE];
	struct error err = { 0 };

	/* cache A redirects to another host, which refuses what comes without
	 * a token; then cache B is asked itself */
	put_token("{" CLAIMS "}", token);
	options.token = token;
	start(&options);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, &err), 0, "%s",
		     err.text);
	expect_right(source, 100, 5000);
	cr_expect_eq(
		fake_federation_authorizations(federation, FAKE_SEAT_CACHE_A),
		requests(FAKE_SEAT_CACHE_A));
	cr_expect_geq(
		requests(FAKE_SEAT_CACHE_B),
		fake_federation_authorizations(federation, FAKE_SEAT_CACHE_B) +
			1);
	cr_expect_geq(
		fake_federation_authorizations(federation, FAKE_SEAT_CACHE_B),
		1);
	cr_expect_eq(
		fake_federation_authorizations(federation, FAKE_SEAT_DIRECTOR),
		0);
}

Test(pelican_object, sends_no_token_where_none_is_needed)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char token[TOKEN_MAKER_SIZE];

	put_token("{" CLAIMS "}", token);
	start_plain();
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	expect_right(source, 100, 5000);
	for (unsigned i = 0; i < FAKE_SEAT_COUNT; i++)
		cr_expect_eq(fake_federation_authorizations(federation,
							    (enum fake_seat)i),
			     0);
}

Test(pelican_object, reads_the_token_again_when_it_is_refused)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char token[TOKEN_MAKER_SIZE];
	char newer[TOKEN_MAKER_SIZE];

	put_token("{" CLAIMS ",\"jti\":\"1\"}", token);
	start_private(token);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	put_token("{" CLAIMS ",\"jti\":\"2\"}", newer);
	fake_federation_set_token(federation, newer);
	expect_right(source, 100, 5000);
}

Test(pelican_object, reads_the_token_again_when_it_is_about_to_expire)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char claims[256];
	char token[TOKEN_MAKER_SIZE];
	char newer[TOKEN_MAKER_SIZE];
	unsigned before;

	snprintf(claims, sizeof(claims), "{" CLAIMS ",\"exp\":%lld}",
		 (long long)clock_wall_s() + 30);
	put_token(claims, token);
	start_private(token);
	cr_assert_eq(open_url("osdf:///ns/a.sif", &source, NULL, NULL), 0);
	fake_federation_set_token(federation, ""); /* any */
	put_token("{" CLAIMS "}", newer);
	expect_right(source, 100, 5000); /* asks for the new one, too */
	usleep(300000);
	fake_federation_set_token(federation, newer);
	before = requests(FAKE_SEAT_CACHE_A);
	expect_right(source, 100, 5000);
	cr_expect_eq(requests(FAKE_SEAT_CACHE_A), before + 1);
}

static const struct {
	const char *label;
	const char *claims; /* NULL: no token at all */
	const char *words;
} refusals[] = {
	{ "missing", NULL, "a token is needed" },
	{ "expired", "{" CLAIMS ",\"exp\":1000}", "expired at" },
	{ "foreign",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://other\",\"scope\":"
	  "\"storage.read:/\"}",
	  "issuer https://other" },
	{ "narrow",
	  "{\"wlcg.ver\":\"1.0\",\"iss\":\"https://issuer\",\"scope\":"
	  "\"storage.read:/elsewhere\"}",
	  "for another path" },
	{ "refused", "{" CLAIMS "}", "was refused" },
	{ "astray", "{" CLAIMS ",\"aud\":\"https://two\"}",
	  "for audience \"https://two\"" },
};

Test(pelican_object, says_what_is_wrong_with_a_token)
{
	start_private("another");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		CLEANUP(range_source_destroyp)
		struct range_source *source = NULL;
		char token[TOKEN_MAKER_SIZE] = "e30.";
		struct error err = { 0 };

		if (refusals[i].claims)
			put_token(refusals[i].claims, token);
		cr_expect_eq(open_url("osdf:///ns/a.sif", &source, NULL, &err),
			     -EACCES, "case: %s", refusals[i].label);
		cr_expect(strstr(err.text, refusals[i].words), "case: %s: %s",
			  refusals[i].label, err.text);
		cr_expect_null(strstr(err.text, token), "%s", err.text);
	}
}

Test(pelican_object, says_once_what_to_do_when_all_refuse)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	char token[TOKEN_MAKER_SIZE];
	struct error err = { 0 };
	const char *first;

	start_private("another");
	put_token("{" CLAIMS "}", token);
	cr_expect_eq(open_url("osdf:///ns/a.sif", &source, NULL, &err),
		     -EACCES);
	first = strstr(err.text, "; get a new one");
	cr_assert(first, "%s", err.text);
	cr_expect_null(strstr(first + 10, "get a new one"), "%s", err.text);
	cr_expect(strstr(err.text, "status 403; http://"), "%s", err.text);
}

/* ---- names that are wrong ---- */

Test(pelican_object, says_that_there_is_no_such_object)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };

	start_plain();
	cr_expect_eq(open_url("osdf:///other/a", &source, NULL, &err), -ENOENT);
	cr_expect(strstr(err.text, "no such object in this federation"), "%s",
		  err.text);
	cr_expect_eq(open_url("osdf:///ns/none", &source, NULL, &err), -ENOENT);
	cr_expect(strstr(err.text, "no such object"), "%s", err.text);
}

Test(pelican_object, says_that_a_host_is_no_federation)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct error err = { 0 };

	start_plain();
	fake_federation_fail(federation, FAKE_SEAT_DISCOVERY, FAKE_FAULT_STATUS,
			     10, 404);
	cr_expect_eq(open_url("osdf:///ns/a", &source, NULL, &err), -ENOENT);
	cr_expect(strstr(err.text, "not the host of a federation"), "%s",
		  err.text);
}

Test(pelican_object, knows_a_sidecar_that_is_not_there)
{
	const struct object_source_options options = {
		.client = client,
		.cache_dir_fd = 0,
	};
	autofree uint8_t *data = NULL;
	size_t size = 0;
	char url[128];

	start_plain();
	snprintf(url, sizeof(url), "pelican://%s/ns/none",
		 fake_federation_host(federation));
	cr_expect_eq(object_source_fetch_small(url, FILE_SIZE, &options, &data,
					       &size, NULL),
		     OBJECT_SOURCE_ABSENT);
	snprintf(url, sizeof(url), "pelican://%s/ns/a.lzi",
		 fake_federation_host(federation));
	cr_expect_eq(object_source_fetch_small(url, FILE_SIZE, &options, &data,
					       &size, NULL),
		     OBJECT_SOURCE_FOUND);
	cr_assert_eq(size, FILE_SIZE);
	cr_expect_eq(memcmp(data, file, size), 0);
}

Test(pelican_object, waits_for_no_cache_long_for_a_sidecar)
{
	const struct object_source_options options = { .client = client };
	autofree uint8_t *data = NULL;
	int64_t start_ms = clock_ms();
	size_t size = 0;
	char url[128];

	start_plain();
	fake_federation_fail(federation, FAKE_SEAT_CACHE_A,
			     FAKE_FAULT_STALL_HEAD, 100, 0);
	snprintf(url, sizeof(url), "pelican://%s/ns/a.lzi",
		 fake_federation_host(federation));
	cr_expect_eq(object_source_fetch_small(url, FILE_SIZE, &options, &data,
					       &size, NULL),
		     OBJECT_SOURCE_FOUND);
	cr_expect_lt(clock_ms() - start_ms, 8000);
}
