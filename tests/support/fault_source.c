/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fault_source.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/range_source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { WAIT_MS_MAX = 10000 };

struct step {
	enum fault fault;
	int code;
	unsigned count;
	struct step *prev;
	struct step *next;
};

struct fetch {
	uint64_t off;
	size_t size;
	enum fault fault;
	int code;
	range_progress_fn *progress; /* NULL: nobody watches */
	range_done_fn *done;
	void *arg;
	struct fetch *prev;
	struct fetch *next;
};

struct fault_source {
	struct range_source source;
	const uint8_t *data;
	pthread_t thread;

	struct mutex lock;
	struct condition changes;
	/* -- protected by lock */
	bool is_stopping GUARDED;
	bool is_inline GUARDED;
	struct step *script GUARDED;
	unsigned fail_chance GUARDED;
	unsigned wrong_chance GUARDED;
	unsigned random GUARDED;
	struct fetch *queue GUARDED; /* to be answered */
	struct fetch *held GUARDED;
	size_t held_count GUARDED;
	size_t fetch_count GUARDED;
	size_t bad_count GUARDED;
	unsigned *asked GUARDED; /* for each byte */
};

static void answer(struct fault_source *fault, struct fetch *fetch)
{
	uint8_t *data = malloc(fetch->size);
	struct error err = { 0 };
	int code = fetch->code;

	assert(data);
	memcpy(data, fault->data + fetch->off, fetch->size);
	/* in the middle, to hit one of several chunks */
	if (fetch->fault == FAULT_WRONG)
		data[fetch->size / 2] ^= 1;
	if (fetch->progress)
		fetch->progress(fetch->arg, data, fetch->size / 2 + 1);
	if (code < 0) {
		free(data);
		data = NULL;
		error_set(&err, code, "the source fails as the test asked");
	}
	fetch->done(fetch->arg, code, data, &err);
	free(fetch);
}

static void *run(void *arg)
{
	struct fault_source *fault = arg;
	struct fetch *fetch;

	mutex_lock(&fault->lock);
	for (;;) {
		while (!fault->queue && !fault->is_stopping)
			condition_wait(&fault->changes, &fault->lock);
		fetch = fault->queue;
		if (!fetch)
			break;
		DL_DELETE(fault->queue, fetch);
		mutex_unlock(&fault->lock);
		answer(fault, fetch);
		mutex_lock(&fault->lock);
	}
	mutex_unlock(&fault->lock);
	return NULL;
}

/* xorshift; good enough to be unfair */
static unsigned roll_locked(struct fault_source *fault) REQUIRES(fault->lock)
{
	fault->random ^= fault->random << 13;
	fault->random ^= fault->random >> 17;
	fault->random ^= fault->random << 5;
	return fault->random % 1000;
}

static void choose_fault_locked(struct fault_source *fault, struct fetch *fetch)
	REQUIRES(fault->lock)
{
	struct step *step = fault->script;
	unsigned roll;

	if (step) {
		fetch->fault = step->fault;
		fetch->code = step->fault == FAULT_FAIL ? step->code : 0;
		if (--step->count == 0) {
			DL_DELETE(fault->script, step);
			free(step);
		}
		return;
	}
	roll = roll_locked(fault);
	if (roll < fault->fail_chance) {
		fetch->fault = FAULT_FAIL;
		fetch->code = -EIO;
	} else if (roll < fault->fail_chance + fault->wrong_chance) {
		fetch->fault = FAULT_WRONG;
	}
}

static void fault_source_fetch_watched(struct range_source *source,
				       uint64_t off, size_t size,
				       int64_t deadline_ms,
				       range_progress_fn *progress,
				       range_done_fn *done, void *arg)
{
	struct fault_source *fault = (struct fault_source *)source;
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	bool is_inline;

	(void)deadline_ms;
	assert(fetch);
	fetch->off = off;
	fetch->size = size;
	fetch->progress = progress;
	fetch->done = done;
	fetch->arg = arg;
	mutex_lock(&fault->lock);
	fault->fetch_count++;
	for (size_t i = 0; i < size; i++)
		fault->asked[off + i]++;
	choose_fault_locked(fault, fetch);
	is_inline = fault->is_inline;
	if (fetch->fault == FAULT_HOLD) {
		DL_APPEND(fault->held, fetch);
		fault->held_count++;
		is_inline = false;
	} else if (!is_inline) {
		DL_APPEND(fault->queue, fetch);
	}
	condition_broadcast(&fault->changes);
	mutex_unlock(&fault->lock);
	if (is_inline)
		answer(fault, fetch);
}

static void fault_source_fetch(struct range_source *source, uint64_t off,
			       size_t size, int64_t deadline_ms,
			       range_done_fn *done, void *arg)
{
	fault_source_fetch_watched(source, off, size, deadline_ms, NULL, done,
				   arg);
}

static void fault_source_report_bad(struct range_source *source, uint64_t off,
				    size_t size)
{
	struct fault_source *fault = (struct fault_source *)source;

	(void)off;
	(void)size;
	mutex_lock(&fault->lock);
	fault->bad_count++;
	mutex_unlock(&fault->lock);
}

static void fault_source_destroy(struct range_source *source)
{
	struct fault_source *fault = (struct fault_source *)source;
	struct fetch *fetch;
	struct step *step;
	struct step *next;

	mutex_lock(&fault->lock);
	while ((fetch = fault->held)) {
		fetch->code = -ECANCELED;
		DL_DELETE(fault->held, fetch);
		DL_APPEND(fault->queue, fetch);
	}
	fault->is_stopping = true;
	condition_broadcast(&fault->changes);
	mutex_unlock(&fault->lock);
	pthread_join(fault->thread, NULL);
	mutex_lock(&fault->lock);
	DL_FOREACH_SAFE (fault->script, step, next)
		free(step);
	free(fault->asked);
	mutex_unlock(&fault->lock);
	condition_fini(&fault->changes);
	mutex_fini(&fault->lock);
	free(fault);
}

static const struct range_source_ops fault_source_ops = {
	.fetch = fault_source_fetch,
	.fetch_watched = fault_source_fetch_watched,
	.report_bad = fault_source_report_bad,
	.destroy = fault_source_destroy,
};

struct range_source *fault_source_create(const void *data, size_t size)
{
	struct fault_source *fault = calloc(1, sizeof(*fault));
	unsigned *asked = calloc(size + 1, sizeof(*asked));

	if (!fault || !asked) {
		free(asked);
		free(fault);
		return NULL;
	}
	fault->source.ops = &fault_source_ops;
	fault->source.size = size;
	fault->data = data;
	mutex_init(&fault->lock);
	condition_init(&fault->changes);
	mutex_lock(&fault->lock);
	fault->asked = asked;
	fault->random = 2463534242u;
	mutex_unlock(&fault->lock);
	if (thread_start(&fault->thread, "fault-source", run, fault) < 0) {
		free(asked);
		free(fault);
		return NULL;
	}
	return &fault->source;
}

void fault_source_script(struct range_source *source, enum fault kind, int code,
			 unsigned count)
{
	struct fault_source *fault = (struct fault_source *)source;
	struct step *step = calloc(1, sizeof(*step));

	assert(step && count > 0);
	step->fault = kind;
	step->code = code;
	step->count = count;
	mutex_lock(&fault->lock);
	DL_APPEND(fault->script, step);
	mutex_unlock(&fault->lock);
}

void fault_source_set_chance(struct range_source *source, unsigned fail,
			     unsigned wrong)
{
	struct fault_source *fault = (struct fault_source *)source;

	mutex_lock(&fault->lock);
	fault->fail_chance = fail;
	fault->wrong_chance = wrong;
	mutex_unlock(&fault->lock);
}

void fault_source_set_inline(struct range_source *source)
{
	struct fault_source *fault = (struct fault_source *)source;

	mutex_lock(&fault->lock);
	fault->is_inline = true;
	mutex_unlock(&fault->lock);
}

bool fault_source_wait_held(struct range_source *source, size_t count)
{
	struct fault_source *fault = (struct fault_source *)source;
	int64_t deadline_ms = clock_ms() + WAIT_MS_MAX;
	bool reached;

	mutex_lock(&fault->lock);
	while (fault->held_count < count && clock_ms() < deadline_ms)
		condition_wait_until(&fault->changes, &fault->lock,
				     deadline_ms);
	reached = fault->held_count >= count;
	mutex_unlock(&fault->lock);
	return reached;
}

static void release_locked(struct fault_source *fault, struct fetch *fetch)
	REQUIRES(fault->lock)
{
	DL_DELETE(fault->held, fetch);
	fault->held_count--;
	DL_APPEND(fault->queue, fetch);
	condition_broadcast(&fault->changes);
}

void fault_source_release(struct range_source *source, uint64_t off)
{
	struct fault_source *fault = (struct fault_source *)source;
	struct fetch *fetch;
	struct fetch *next;

	mutex_lock(&fault->lock);
	DL_FOREACH_SAFE (fault->held, fetch, next) {
		if (fetch->off == off)
			release_locked(fault, fetch);
	}
	mutex_unlock(&fault->lock);
}

void fault_source_release_all(struct range_source *source)
{
	struct fault_source *fault = (struct fault_source *)source;

	mutex_lock(&fault->lock);
	while (fault->held)
		release_locked(fault, fault->held->prev);
	mutex_unlock(&fault->lock);
}

size_t fault_source_fetch_count(struct range_source *source)
{
	struct fault_source *fault = (struct fault_source *)source;
	size_t count;

	mutex_lock(&fault->lock);
	count = fault->fetch_count;
	mutex_unlock(&fault->lock);
	return count;
}

size_t fault_source_bad_count(struct range_source *source)
{
	struct fault_source *fault = (struct fault_source *)source;
	size_t count;

	mutex_lock(&fault->lock);
	count = fault->bad_count;
	mutex_unlock(&fault->lock);
	return count;
}

unsigned fault_source_byte_count(struct range_source *source)
{
	struct fault_source *fault = (struct fault_source *)source;
	unsigned most = 0;

	mutex_lock(&fault->lock);
	for (size_t i = 0; i < source->size; i++) {
		if (fault->asked[i] > most)
			most = fault->asked[i];
	}
	mutex_unlock(&fault->lock);
	return most;
}

void fault_source_show_held(struct range_source *source, size_t size)
{
	struct fault_source *fault = (struct fault_source *)source;
	struct fetch *fetch;

	mutex_lock(&fault->lock);
	DL_FOREACH (fault->held, fetch) {
		if (fetch->progress)
			fetch->progress(fetch->arg, fault->data + fetch->off,
					size < fetch->size ? size
							   : fetch->size);
	}
	mutex_unlock(&fault->lock);
}
