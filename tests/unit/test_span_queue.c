/* SPDX-License-Identifier: Apache-2.0 */
#include "index/span_queue.h"

#include "common/thread.h"
#include "index/layer_decoder.h"
#include "index/span_memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static struct layer_span *make_span(uint64_t number, size_t raw_size)
{
	struct layer_span *span = calloc(1, sizeof(*span));

	cr_assert(span);
	span->has_chunk = true;
	span->raw_off = number;
	span->raw = span_memory_take(NULL, raw_size);
	cr_assert(span->raw);
	span->ref.raw_size = (uint32_t)raw_size;
	return span;
}

Test(span_queue, hands_spans_out_in_order_and_then_ends)
{
	struct span_queue *queue = span_queue_create(1 << 20);
	struct layer_span *span;

	for (uint64_t i = 0; i < 10; i++)
		cr_assert_eq(span_queue_push(queue, make_span(i, 100)), 0);
	span_queue_finish(queue);
	for (uint64_t i = 0; i < 10; i++) {
		cr_assert_eq(span_queue_pop(queue, &span), 1);
		cr_expect_eq(span->raw_off, i);
		layer_span_destroy(span);
	}
	cr_expect_eq(span_queue_pop(queue, &span), 0);
	cr_expect_eq(span_queue_pop(queue, &span), 0);
	span_queue_destroy(queue);
}

Test(span_queue, destroys_what_is_left_in_it)
{
	struct span_queue *queue = span_queue_create(1 << 20);

	cr_assert_eq(span_queue_push(queue, make_span(0, 100)), 0);
	cr_assert_eq(span_queue_push(queue, make_span(1, 100)), 0);
	span_queue_destroy(queue);
	span_queue_destroy(NULL);
}

Test(span_queue, lets_neither_side_go_on_once_cancelled)
{
	struct span_queue *queue = span_queue_create(1 << 20);
	struct layer_span *span = make_span(1, 100);
	struct layer_span *popped;

	cr_assert_eq(span_queue_push(queue, make_span(0, 100)), 0);
	span_queue_cancel(queue);
	cr_expect_eq(span_queue_push(queue, span), -ECANCELED);
	cr_expect_eq(span_queue_pop(queue, &popped), -ECANCELED);
	layer_span_destroy(span); /* still ours */
	span_queue_destroy(queue);
}

Test(span_queue, takes_one_span_that_is_larger_than_all_its_room)
{
	struct span_queue *queue = span_queue_create(1000);
	struct layer_span *span;

	cr_assert_eq(span_queue_push(queue, make_span(0, 100000)), 0);
	cr_assert_eq(span_queue_pop(queue, &span), 1);
	layer_span_destroy(span);
	span_queue_destroy(queue);
}

struct producer {
	struct span_queue *queue;
	uint64_t count;
	size_t raw_size;
	atomic_uint pushed;
	int result;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;

	for (uint64_t i = 0; i < producer->count; i++) {
		struct layer_span *span = make_span(i, producer->raw_size);

		producer->result = span_queue_push(producer->queue, span);
		if (producer->result < 0) {
			layer_span_destroy(span);
			return NULL;
		}
		atomic_fetch_add(&producer->pushed, 1);
	}
	span_queue_finish(producer->queue);
	return NULL;
}

/* Waits until the producer cannot go on: its counter stands still. */
static unsigned wait_until_full(struct producer *producer)
{
	unsigned before;
	unsigned now = atomic_load(&producer->pushed);

	do {
		before = now;
		usleep(20000);
		now = atomic_load(&producer->pushed);
	} while (now != before || now == 0);
	return now;
}

Test(span_queue, holds_back_a_producer_at_either_bound)
{
	static const struct {
		size_t raw_size;
		unsigned min;
		unsigned max;
	} cases[] = {
		{ 1, SPAN_QUEUE_COUNT_MAX, SPAN_QUEUE_COUNT_MAX },
		{ 100000, 9, 10 }, /* a million bytes */
	};

	for (size_t i = 0; i < 2; i++) {
		struct producer producer = {
			.queue = span_queue_create(1000000),
			.count = 200,
			.raw_size = cases[i].raw_size,
		};
		struct layer_span *span;
		pthread_t thread;
		unsigned pushed;
		uint64_t popped = 0;

		cr_assert_eq(thread_start(&thread, "p", produce, &producer), 0);
		pushed = wait_until_full(&producer);
		cr_expect_geq(pushed, cases[i].min);
		cr_expect_leq(pushed, cases[i].max);
		while (span_queue_pop(producer.queue, &span) == 1) {
			cr_expect_eq(span->raw_off, popped);
			layer_span_destroy(span);
			popped++;
		}
		cr_expect_eq(popped, 200);
		pthread_join(thread, NULL);
		span_queue_destroy(producer.queue);
	}
}

Test(span_queue, wakes_a_waiting_producer_when_cancelled)
{
	struct producer producer = {
		.queue = span_queue_create(1000),
		.count = 1000,
		.raw_size = 500,
	};
	pthread_t thread;

	cr_assert_eq(thread_start(&thread, "p", produce, &producer), 0);
	wait_until_full(&producer);
	span_queue_cancel(producer.queue);
	pthread_join(thread, NULL);
	cr_expect_eq(producer.result, -ECANCELED);
	span_queue_destroy(producer.queue);
}

static void *consume(void *arg)
{
	struct producer *producer = arg;
	struct layer_span *span;

	producer->result = span_queue_pop(producer->queue, &span);
	return NULL;
}

Test(span_queue, wakes_a_waiting_consumer_when_finished_or_cancelled)
{
	for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
		struct producer consumer = {
			.queue = span_queue_create(1000),
			.result = 77,
		};
		pthread_t thread;

		cr_assert_eq(thread_start(&thread, "c", consume, &consumer), 0);
		if (is_cancelled)
			span_queue_cancel(consumer.queue);
		else
			span_queue_finish(consumer.queue);
		pthread_join(thread, NULL);
		cr_expect_eq(consumer.result, is_cancelled ? -ECANCELED : 0);
		span_queue_destroy(consumer.queue);
	}
}
