/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/blob_stream.h"

#include "common/byte_stream.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/range_source.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED_MAX = 32 };

/* A source that keeps what it is asked for until the test answers. */
struct held_source {
	struct range_source source;
	bool is_prompt; /* answers within range_source_fetch() */
	unsigned asked;
	unsigned answered;
	struct {
		uint64_t off;
		size_t size;
		range_done_fn *done;
		void *arg;
	} held[ASKED_MAX];
};

static void answer(struct held_source *held, unsigned number, int result)
{
	struct error err = { 0 };
	uint8_t *data = NULL;

	cr_assert(number < held->asked);
	if (result == 0) {
		data = malloc(held->held[number].size);
		for (size_t i = 0; i < held->held[number].size; i++)
			data[i] = (uint8_t)(held->held[number].off + i);
	} else {
		error_set(&err, result, "range %u failed", number);
	}
	held->answered++;
	held->held[number].done(held->held[number].arg, result, data, &err);
}

static void held_fetch(struct range_source *source, uint64_t off, size_t size,
		       int64_t deadline_ms, range_done_fn *done, void *arg)
{
	struct held_source *held = (struct held_source *)source;
	unsigned number = held->asked;

	(void)deadline_ms;
	cr_assert(number < ASKED_MAX);
	held->held[number].off = off;
	held->held[number].size = size;
	held->held[number].done = done;
	held->held[number].arg = arg;
	__atomic_store_n(&held->asked, number + 1, __ATOMIC_RELEASE);
	if (held->is_prompt)
		answer(held, number, 0);
}

static const struct range_source_ops held_ops = { .fetch = held_fetch };

static struct held_source held_source(uint64_t size, bool is_prompt)
{
	return (struct held_source){
		.source = { .ops = &held_ops, .size = size },
		.is_prompt = is_prompt,
	};
}

static struct byte_stream *open_stream(struct held_source *held,
				       size_t request_size, unsigned count)
{
	const struct blob_stream_options options = {
		.request_size = request_size,
		.request_count = count,
		.timeout_ms = 5000,
	};
	struct byte_stream *stream = NULL;

	cr_assert_eq(blob_stream_create(&held->source, &options, &stream, NULL),
		     0);
	return stream;
}

static void expect_bytes(struct byte_stream *stream, uint64_t off, size_t size)
{
	uint8_t data[256];
	size_t have = 0;

	while (have < size) {
		ssize_t n = byte_stream_read(stream, data, size - have, NULL);

		cr_assert(n > 0, "read gives %zd", n);
		for (ssize_t i = 0; i < n; i++)
			cr_assert_eq(data[i], (uint8_t)(off + have + i));
		have += (size_t)n;
	}
}

TestSuite(blob_stream, .timeout = 30);

Test(blob_stream, delivers_every_byte_in_order)
{
	struct held_source held = held_source(107, true);
	struct byte_stream *stream = open_stream(&held, 10, 3);
	uint8_t byte;

	expect_bytes(stream, 0, 107);
	cr_assert_eq(byte_stream_read(stream, &byte, 1, NULL), 0);
	cr_assert_eq(held.asked, 11);
	cr_assert_eq(held.held[10].off, 100);
	cr_assert_eq(held.held[10].size, 7);
	byte_stream_destroy(stream);
}

Test(blob_stream, of_an_empty_blob_asks_for_nothing)
{
	struct held_source held = held_source(0, true);
	struct byte_stream *stream = open_stream(&held, 10, 3);
	uint8_t byte;

	cr_assert_eq(byte_stream_read(stream, &byte, 1, NULL), 0);
	cr_assert_eq(held.asked, 0);
	byte_stream_destroy(stream);
}

static void *answer_backwards(void *arg)
{
	struct held_source *held = arg;

	while (__atomic_load_n(&held->asked, __ATOMIC_ACQUIRE) < 3)
		sched_yield();
	answer(held, 2, 0);
	answer(held, 1, 0);
	answer(held, 0, 0);
	return NULL;
}

Test(blob_stream, keeps_a_bounded_window_in_flight_and_sorts_it)
{
	struct held_source held = held_source(100, false);
	struct byte_stream *stream = open_stream(&held, 10, 3);
	pthread_t thread;

	pthread_create(&thread, NULL, answer_backwards, &held);
	expect_bytes(stream, 0, 9);
	pthread_join(thread, NULL);
	cr_assert_eq(held.asked, 3, "the window holds three ranges");
	expect_bytes(stream, 9, 1);
	cr_assert_eq(held.asked, 4, "a range handed out makes room for one");
	expect_bytes(stream, 10, 20);
	cr_assert_eq(held.asked, 6);
	answer(&held, 3, -ECANCELED);
	answer(&held, 4, -ECANCELED);
	answer(&held, 5, -ECANCELED);
	byte_stream_destroy(stream);
}

static void *fail_the_second(void *arg)
{
	struct held_source *held = arg;

	while (__atomic_load_n(&held->asked, __ATOMIC_ACQUIRE) < 2)
		sched_yield();
	answer(held, 1, -EIO);
	answer(held, 0, 0);
	return NULL;
}

Test(blob_stream, reports_a_failure_at_its_place_and_again)
{
	struct held_source held = held_source(20, false);
	struct byte_stream *stream = open_stream(&held, 10, 2);
	struct error err = { 0 };
	pthread_t thread;
	uint8_t byte;

	pthread_create(&thread, NULL, fail_the_second, &held);
	expect_bytes(stream, 0, 10);
	pthread_join(thread, NULL);
	cr_assert_eq(byte_stream_read(stream, &byte, 1, &err), -EIO);
	cr_assert_str_eq(err.text, "range 1 failed");
	err = (struct error){ 0 };
	cr_assert_eq(byte_stream_read(stream, &byte, 1, &err), -EIO);
	cr_assert_str_eq(err.text, "range 1 failed");
	byte_stream_destroy(stream);
}

static void *answer_the_first(void *arg)
{
	struct held_source *held = arg;

	while (__atomic_load_n(&held->asked, __ATOMIC_ACQUIRE) < 4)
		sched_yield();
	answer(held, 0, 0);
	return NULL;
}

Test(blob_stream, may_be_destroyed_with_ranges_in_flight)
{
	struct held_source held = held_source(40, false);
	struct byte_stream *stream = open_stream(&held, 10, 4);
	pthread_t thread;

	pthread_create(&thread, NULL, answer_the_first, &held);
	expect_bytes(stream, 0, 1);
	pthread_join(thread, NULL);
	byte_stream_destroy(stream);
	for (unsigned i = 1; i < 4; i++)
		answer(&held, i, i == 2 ? -EIO : 0);
	cr_assert_eq(held.answered, 4);
}
