/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_blob.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/http_client.h"
#include "fetch/range_source.h"
#include "fetch/registry.h"
#include "tests/support/fake_registry.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOB_SIZE = 1 << 20, PARALLEL = 64 };

static uint8_t blob[BLOB_SIZE];
static struct fake_registry *fake;
static struct http_client *client;
static struct registry *registry;
static struct range_source *source;

struct answer {
	struct mutex lock;
	struct condition changed;
	unsigned count;
	unsigned failed;
	unsigned wrong;
	int result; /* of the last */
	struct error err;
};

static void set_up(void)
{
	const struct http_client_options options = {
		.first_byte_timeout_ms = 500,
		.progress_timeout_ms = 500,
	};

	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)(i * 7 + (i >> 9));
	setenv("REGISTRY_AUTH_FILE", "/nonexistent", 1);
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	setenv("HOME", "/nonexistent", 1);
	cr_assert_eq(http_client_create(&options, &client, NULL), 0);
}

static void tear_down(void)
{
	range_source_destroy(source);
	registry_destroy(registry);
	http_client_destroy(client);
	fake_registry_stop(fake);
}

TestSuite(registry_blob, .init = set_up, .fini = tear_down, .timeout = 60);

static void start(const struct fake_registry_options *fake_options)
{
	struct registry_options options = { .repository = "test/image" };
	struct digest digest;

	fake = fake_registry_start(fake_options);
	cr_assert(fake);
	fake_registry_add_blob(fake, blob, sizeof(blob), &digest);
	options.host = fake_registry_host(fake);
	cr_assert_eq(registry_create(client, &options, &registry, NULL), 0);
	cr_assert_eq(registry_open_blob(registry, &digest, sizeof(blob),
					&source, NULL),
		     0);
}

static void start_with_storage(void)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.expires_in = 300,
		.has_storage = true,
	};

	start(&options);
}

struct wanted {
	struct answer *answer;
	uint64_t off;
	size_t size;
};

static void note(void *arg, int result, uint8_t *data, const struct error *err)
{
	struct wanted *wanted = arg;
	struct answer *answer = wanted->answer;

	mutex_lock(&answer->lock);
	answer->count++;
	answer->result = result;
	if (result < 0) {
		answer->failed++;
		answer->err = *err;
	} else if (memcmp(data, blob + wanted->off, wanted->size) != 0) {
		answer->wrong++;
	}
	condition_signal(&answer->changed);
	mutex_unlock(&answer->lock);
	free(data);
	free(wanted);
}

static void answer_init(struct answer *answer)
{
	*answer = (struct answer){ 0 };
	mutex_init(&answer->lock);
	condition_init(&answer->changed);
}

static void ask(uint64_t off, size_t size, int64_t timeout_ms,
		struct answer *answer)
{
	struct wanted *wanted = calloc(1, sizeof(*wanted));

	wanted->answer = answer;
	wanted->off = off;
	wanted->size = size;
	range_source_fetch(source, off, size, clock_ms() + timeout_ms, note,
			   wanted);
}

static void wait_for(struct answer *answer, unsigned count)
{
	mutex_lock(&answer->lock);
	while (answer->count < count)
		condition_wait(&answer->changed, &answer->lock);
	mutex_unlock(&answer->lock);
}

static int fetch(uint64_t off, size_t size, int64_t timeout_ms,
		 struct error *err)
{
	struct answer answer;

	answer_init(&answer);
	ask(off, size, timeout_ms, &answer);
	wait_for(&answer, 1);
	if (answer.result < 0 && err)
		*err = answer.err;
	return answer.wrong ? -EBADMSG : answer.result;
}

static struct fake_registry_counters counters(void)
{
	struct fake_registry_counters ret;

	fake_registry_get_counters(fake, &ret);
	return ret;
}

Test(registry_blob, reads_ranges_from_a_registry_without_storage)
{
	start(NULL);
	cr_assert_eq(fetch(0, BLOB_SIZE, 5000, NULL), 0);
	cr_assert_eq(fetch(BLOB_SIZE - 1, 1, 5000, NULL), 0);
	cr_assert_eq(fetch(12345, 100000, 5000, NULL), 0);
	cr_assert_eq(counters().requests[FAKE_PLACE_BLOB], 3);
}

struct watched {
	struct answer answer;
	size_t seen;
	unsigned steps;
	bool is_wrong;
};

static void watch(void *arg, const uint8_t *data, size_t size)
{
	struct watched *watched = arg;

	watched->is_wrong |=
		size < watched->seen || memcmp(data, blob, size) != 0;
	watched->seen = size;
	watched->steps++;
}

static void end_watch(void *arg, int result, uint8_t *data,
		      const struct error *err)
{
	struct wanted *wanted = malloc(sizeof(*wanted));

	*wanted = (struct wanted){ .answer = &((struct watched *)arg)->answer,
				   .size = BLOB_SIZE };
	note(wanted, result, data, err);
}

Test(registry_blob, shows_bytes_as_they_come)
{
	struct watched watched = { 0 };

	start(NULL);
	answer_init(&watched.answer);
	range_source_fetch_watched(source, 0, BLOB_SIZE, clock_ms() + 5000,
				   watch, end_watch, &watched);
	wait_for(&watched.answer, 1);
	cr_expect_eq(watched.answer.result, 0);
	cr_expect_eq(watched.answer.wrong, 0);
	cr_expect_not(watched.is_wrong);
	cr_expect_eq(watched.seen, BLOB_SIZE);
	cr_expect_gt(watched.steps, 1);
}

Test(registry_blob, asks_the_registry_once_and_then_the_storage)
{
	start_with_storage();
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(fetch(i * 1000, 1000, 5000, NULL), 0);
	cr_assert_eq(counters().requests[FAKE_PLACE_BLOB], 2, "401 and 307");
	cr_assert_eq(counters().requests[FAKE_PLACE_TOKEN], 1);
	cr_assert_eq(counters().requests[FAKE_PLACE_STORAGE], 5);
	cr_assert_eq(counters().storage_authorizations, 0);
}

Test(registry_blob, gets_a_new_url_when_the_signed_one_is_dead)
{
	static const int statuses[] = { 403, 400, 401, 404, 410 };

	start_with_storage();
	cr_assert_eq(fetch(0, 10, 5000, NULL), 0);
	for (unsigned i = 0; i < 5; i++) {
		fake_registry_expire_urls(fake, statuses[i]);
		cr_expect_eq(fetch(10, 10, 5000, NULL), 0, "case: %d",
			     statuses[i]);
		cr_expect_eq(counters().requests[FAKE_PLACE_BLOB], 3 + i);
		cr_expect_eq(counters().requests[FAKE_PLACE_STORAGE],
			     3 + 2 * i);
	}
	cr_assert_eq(counters().storage_authorizations, 0);
}

Test(registry_blob, believes_a_storage_that_refuses_twice)
{
	struct error err = { 0 };

	start_with_storage();
	fake_registry_fail(fake, FAKE_PLACE_STORAGE, FAKE_FAULT_STATUS, 1000,
			   403, NULL);
	cr_assert_eq(fetch(0, 10, 5000, &err), -EACCES);
	cr_assert_eq(counters().requests[FAKE_PLACE_STORAGE], 2);
}

static const struct {
	const char *label;
	enum fake_fault fault;
	int status;
} passing[] = {
	{ "short body", FAKE_FAULT_SHORT_BODY, 0 },
	{ "long body", FAKE_FAULT_LONG_BODY, 0 },
	{ "wrong range", FAKE_FAULT_WRONG_RANGE, 0 },
	{ "wrong total", FAKE_FAULT_WRONG_TOTAL, 0 },
	{ "no range", FAKE_FAULT_NO_CONTENT_RANGE, 0 },
	{ "encoded", FAKE_FAULT_ENCODED, 0 },
	{ "stalled head", FAKE_FAULT_STALL_HEAD, 0 },
	{ "stalled body", FAKE_FAULT_STALL_BODY, 0 },
	{ "reset", FAKE_FAULT_RESET, 0 },
	{ "500", FAKE_FAULT_STATUS, 500 },
	{ "429", FAKE_FAULT_STATUS, 429 },
};

Test(registry_blob, delivers_the_right_bytes_after_any_passing_fault)
{
	start_with_storage();
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		struct error err = { 0 };
		unsigned before = counters().requests[FAKE_PLACE_STORAGE];

		fake_registry_fail(fake, FAKE_PLACE_STORAGE, passing[i].fault,
				   1, passing[i].status, "0");
		cr_expect_eq(fetch(5000, 60000, 10000, &err), 0, "case: %s: %s",
			     passing[i].label, err.text);
		cr_expect_eq(counters().requests[FAKE_PLACE_STORAGE],
			     before + 2, "case: %s", passing[i].label);
	}
}

Test(registry_blob, accepts_a_range_without_a_total)
{
	start_with_storage();
	fake_registry_fail(fake, FAKE_PLACE_STORAGE, FAKE_FAULT_NO_TOTAL, 1, 0,
			   NULL);
	cr_assert_eq(fetch(1, 10, 5000, NULL), 0);
	cr_assert_eq(counters().requests[FAKE_PLACE_STORAGE], 1);
}

Test(registry_blob, says_that_a_server_ignores_ranges)
{
	struct error err = { 0 };

	start_with_storage();
	fake_registry_fail(fake, FAKE_PLACE_STORAGE, FAKE_FAULT_IGNORE_RANGE,
			   1000, 0, NULL);
	cr_assert_eq(fetch(0, 10, 5000, &err), -EPROTO);
	cr_assert(strstr(err.text, "ignores byte ranges"), "%s", err.text);
	cr_assert_eq(counters().requests[FAKE_PLACE_STORAGE], 1);
}

Test(registry_blob, goes_another_way_after_wrong_bytes)
{
	struct http_client_counters before;
	struct http_client_counters after;

	start_with_storage();
	cr_assert_eq(fetch(0, 10, 5000, NULL), 0);
	fake_registry_fail(fake, FAKE_PLACE_STORAGE, FAKE_FAULT_FLIP, 1, 0,
			   NULL);
	cr_assert_eq(fetch(0, 10, 5000, NULL), -EBADMSG);
	range_source_report_bad(source, 0, 10);
	http_client_get_counters(client, &before);
	cr_assert_eq(fetch(0, 10, 5000, NULL), 0);
	http_client_get_counters(client, &after);
	cr_assert_eq(counters().requests[FAKE_PLACE_BLOB], 3, "asked anew");
	cr_assert(after.connections > before.connections);
}

Test(registry_blob, ends_in_a_circle_of_redirects)
{
	const struct fake_registry_options options = {
		.has_storage = true,
		.redirects_in_circle = true,
	};
	struct error err = { 0 };

	start(&options);
	cr_assert_eq(fetch(0, 10, 5000, &err), -EPROTO);
	cr_assert(strstr(err.text, "circle"), "%s", err.text);
	cr_assert_eq(counters().requests[FAKE_PLACE_STORAGE], 5);
}

Test(registry_blob, follows_no_redirect_off_the_web)
{
	static const char *const targets[] = { "file:///etc/passwd",
					       "ftp://127.0.0.1/x", "http://" };

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const struct fake_registry_options options = {
			.redirect_to = targets[i],
		};
		struct error err = { 0 };

		start(&options);
		cr_expect_eq(fetch(0, 10, 5000, &err), -EPROTO, "case: %s: %s",
			     targets[i], err.text);
		cr_expect(strstr(err.text, "does not follow"), "%s", err.text);
		range_source_destroy(STEAL_PTR(source));
		registry_destroy(STEAL_PTR(registry));
		fake_registry_stop(STEAL_PTR(fake));
	}
}

Test(registry_blob, is_patient_with_a_storage_that_is_gone)
{
	const struct fake_registry_options options = {
		.redirect_to = "http://127.0.0.1:1/x?Signature=1",
	};
	struct error err = { 0 };

	start(&options);
	cr_assert_eq(fetch(0, 10, 1500, &err), -EIO);
	cr_assert(strstr(err.text, "http://127.0.0.1:1/x: cannot connect"),
		  "%s", err.text);
	cr_assert_null(strstr(err.text, "Signature"), "%s", err.text);
	cr_assert(counters().requests[FAKE_PLACE_BLOB] >= 2, "asked anew");
}

Test(registry_blob, ends_at_its_deadline)
{
	int64_t start_ms;
	int r;

	start_with_storage();
	fake_registry_fail(fake, FAKE_PLACE_STORAGE, FAKE_FAULT_STALL_BODY,
			   1000, 0, NULL);
	start_ms = clock_ms();
	r = fetch(0, 1000, 1800, NULL);
	cr_assert(r == -ETIMEDOUT || r == -EIO, "%d", r);
	cr_assert(clock_ms() - start_ms < 4000, "bounded");
}

Test(registry_blob, reads_on_while_tokens_live_for_a_moment)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.expires_in = 1,
		.token_life_ms = 300, /* less than it says */
	};

	start(&options);
	for (unsigned i = 0; i < 20; i++) {
		struct error err = { 0 };

		cr_assert_eq(fetch(i * 100, 100, 5000, &err), 0, "%s",
			     err.text);
		usleep(100000);
	}
	cr_assert(counters().requests[FAKE_PLACE_TOKEN] >= 4);
}

Test(registry_blob, shares_one_token_between_many_readers)
{
	const struct fake_registry_options options = {
		.auth = FAKE_AUTH_BEARER,
		.expires_in = 300,
	};
	struct answer answer;

	start(&options);
	answer_init(&answer);
	for (unsigned round = 1; round <= 3; round++) {
		fake_registry_expire_tokens(fake);
		for (unsigned i = 0; i < PARALLEL; i++)
			ask(i * 1000, 1000, 10000, &answer);
		wait_for(&answer, round * PARALLEL);
		cr_assert_eq(answer.failed, 0, "%s", answer.err.text);
		cr_assert_eq(answer.wrong, 0);
		cr_assert_eq(counters().requests[FAKE_PLACE_TOKEN], round);
	}
}

Test(registry_blob, cancels_what_is_under_way_when_destroyed)
{
	struct answer answer;
	int64_t start_ms;

	start_with_storage();
	answer_init(&answer);
	fake_registry_fail(fake, FAKE_PLACE_STORAGE, FAKE_FAULT_STALL_BODY,
			   1000, 0, NULL);
	for (unsigned i = 0; i < 10; i++)
		ask(i * 1000, 1000, 30000, &answer);
	usleep(100000);
	start_ms = clock_ms();
	range_source_destroy(STEAL_PTR(source));
	cr_assert_eq(answer.count, 10);
	cr_assert_eq(answer.failed, 10);
	cr_assert_eq(answer.result, -ECANCELED);
	cr_assert(clock_ms() - start_ms < 1000, "without waiting");
	registry_destroy(STEAL_PTR(registry));
	usleep(1000000); /* the abandoned requests end by themselves */
}
