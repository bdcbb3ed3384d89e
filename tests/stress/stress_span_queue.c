/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans through two queues in a row, with random sizes and pauses; then the
 * same, cancelled at random moments.  Counts what came out.
 */
#include "common/thread.h"
#include "index/layer_decoder.h"
#include "index/span_memory.h"
#include "index/span_queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPAN_COUNT = 5000, ROUND_COUNT = 200 };

struct chain {
	struct span_queue *first;
	struct span_queue *second;
	uint64_t received;
	bool is_in_order;
};

static void *produce(void *arg)
{
	struct chain *chain = arg;
	unsigned seed = 1;

	for (uint64_t i = 0; i < SPAN_COUNT; i++) {
		struct layer_span *span = calloc(1, sizeof(*span));

		if (!span)
			abort();
		span->has_chunk = true;
		span->ref.raw_size = (uint32_t)rand_r(&seed) % 3000 + 1;
		span->raw = span_memory_take(NULL, span->ref.raw_size);
		span->raw_off = i;
		if (span_queue_push(chain->first, span) < 0) {
			layer_span_destroy(span);
			return NULL;
		}
	}
	span_queue_finish(chain->first);
	return NULL;
}

static void *pass_on(void *arg)
{
	struct chain *chain = arg;
	struct layer_span *span;
	int r;

	while ((r = span_queue_pop(chain->first, &span)) > 0) {
		r = span_queue_push(chain->second, span);
		if (r < 0) {
			layer_span_destroy(span);
			break;
		}
	}
	if (r == 0) {
		span_queue_finish(chain->second);
	} else {
		span_queue_cancel(chain->first);
		span_queue_cancel(chain->second);
	}
	return NULL;
}

static void *receive(void *arg)
{
	struct chain *chain = arg;
	struct layer_span *span;

	while (span_queue_pop(chain->second, &span) > 0) {
		if (span->raw_off != chain->received)
			chain->is_in_order = false;
		chain->received++;
		layer_span_destroy(span);
	}
	return NULL;
}

static void run(struct chain *chain, unsigned cancel_after_us)
{
	pthread_t threads[3];

	chain->first = span_queue_create(20000);
	chain->second = span_queue_create(5000);
	chain->received = 0;
	chain->is_in_order = true;
	if (thread_start(&threads[0], "produce", produce, chain) < 0 ||
	    thread_start(&threads[1], "pass", pass_on, chain) < 0 ||
	    thread_start(&threads[2], "receive", receive, chain) < 0)
		abort();
	if (cancel_after_us) {
		usleep(cancel_after_us);
		span_queue_cancel(cancel_after_us % 2 ? chain->first
						      : chain->second);
	}
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	span_queue_destroy(chain->first);
	span_queue_destroy(chain->second);
}

int main(void)
{
	struct chain chain = { 0 };
	unsigned seed = 7;
	bool is_ok = true;

	printf("1..2\n");
	run(&chain, 0);
	printf("%s 1 - every span arrives in order\n",
	       chain.received == SPAN_COUNT && chain.is_in_order ? "ok"
								 : "not ok");
	is_ok = chain.received == SPAN_COUNT && chain.is_in_order;
	for (unsigned i = 0; i < ROUND_COUNT; i++) {
		run(&chain, (unsigned)rand_r(&seed) % 3000 + 1);
		is_ok = is_ok && chain.is_in_order;
	}
	printf("%s 2 - a cancelled chain ends\n", is_ok ? "ok" : "not ok");
	return is_ok ? 0 : 1;
}
