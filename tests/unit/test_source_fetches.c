/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/source_fetches.h"

#include "common/error.h"
#include "common/thread.h"
#include "fetch/http_client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_SIZE = 100, STEP_US = 50000 };

struct source {
	struct source_fetches fetches;
	unsigned refs; /* atomic; the test's own, and one a fetch */
};

/* What a caller heard; a slow one is in its functions until another cancels. */
struct caller {
	struct caller *other; /* is answered while this one is canceled */
	bool is_next;	      /* atomic */
	bool is_slow;
	bool is_entered;   /* atomic */
	bool is_canceling; /* atomic */
	bool is_left;	   /* atomic */
	unsigned done;	   /* atomic */
	int result;
	uint8_t *data;
	struct error err;
	size_t shown;
	unsigned done_when_shown;
};

static struct source source;

static void unref(void *arg)
{
	struct source *self = arg;

	cr_assert_gt(__atomic_fetch_sub(&self->refs, 1, __ATOMIC_ACQ_REL), 0);
}

static void set_up(void)
{
	source.refs = 1;
	source_fetches_init(&source.fetches, unref, &source);
}

static void tear_down(void)
{
	cr_expect_eq(source.refs, 1);
	source_fetches_fini(&source.fetches);
}

TestSuite(source_fetches, .init = set_up, .fini = tear_down, .timeout = 60);

static void wait_for(const bool *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		usleep(1000);
}

static void set(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

static void dawdle(struct caller *caller)
{
	set(&caller->is_entered);
	wait_for(&caller->is_canceling);
	usleep(STEP_US);
}

static void on_done(void *arg, int result, uint8_t *data,
		    const struct error *err)
{
	struct caller *caller = arg;

	if (caller->is_slow && result == 0)
		dawdle(caller);
	if (caller->other) {
		set(&caller->other->is_next);
		wait_for(&caller->other->is_entered);
		set(&caller->other->is_canceling);
	}
	caller->result = result;
	caller->data = data;
	caller->err = *err;
	__atomic_fetch_add(&caller->done, 1, __ATOMIC_RELEASE);
	if (result == 0)
		set(&caller->is_left);
}

static void on_progress(void *arg, const uint8_t *data, size_t size)
{
	struct caller *caller = arg;

	cr_expect_eq(data[0], 'x');
	if (caller->is_slow)
		dawdle(caller);
	caller->done_when_shown =
		__atomic_load_n(&caller->done, __ATOMIC_ACQUIRE);
	caller->shown = size;
	set(&caller->is_left);
}

static struct source_fetch *begin(struct caller *caller)
{
	struct source_fetch *fetch;

	__atomic_fetch_add(&source.refs, 1, __ATOMIC_RELAXED);
	fetch = source_fetches_begin(&source.fetches, on_progress, on_done,
				     caller);
	cr_assert(fetch);
	cr_expect_not(*source_fetches_abandoned(fetch));
	return fetch;
}

static void *answer(void *fetch)
{
	struct http_response response = { .status = 206 };

	response.body = malloc(BODY_SIZE);
	response.body_size = BODY_SIZE;
	cr_assert(response.body);
	memset(response.body, 'x', BODY_SIZE);
	source_fetches_answer(fetch, 0, &response, NULL);
	cr_expect_null(response.body, "taken");
	return NULL;
}

static void *show(void *fetch)
{
	source_fetches_progress(fetch, (const uint8_t *)"xy", 2);
	return NULL;
}

Test(source_fetches, hands_the_body_over)
{
	struct caller caller = { 0 };

	answer(begin(&caller));
	cr_expect_eq(caller.done, 1);
	cr_expect_eq(caller.result, 0);
	cr_expect_eq(caller.data[BODY_SIZE - 1], 'x');
	cr_expect_eq(source.refs, 1);
	source_fetches_cancel(&source.fetches);
	cr_expect_eq(caller.done, 1);
	free(caller.data);
}

Test(source_fetches, fails_as_range_source_promises)
{
	static const struct {
		int result;
		int told;
	} cases[] = {
		{ -EACCES, -EACCES },	 { -ENOENT, -ENOENT },
		{ -ESTALE, -ESTALE },	 { -ETIMEDOUT, -ETIMEDOUT },
		{ -EPROTO, -EPROTO },	 { -ECANCELED, -ECANCELED },
		{ -ENOMEM, -ENOMEM },	 { -EIO, -EIO },
		{ -ECONNRESET, -EIO },	 { -EAGAIN, -EIO },
		{ -EKEYREJECTED, -EIO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct caller caller = { 0 };
		struct error err = { 0 };

		error_set(&err, cases[i].result, "the cause");
		if (i % 2)
			source_fetches_fail(begin(&caller), cases[i].result,
					    &err);
		else
			source_fetches_answer(begin(&caller), cases[i].result,
					      NULL, &err);
		cr_expect_eq(caller.done, 1);
		cr_expect_eq(caller.result, cases[i].told, "case %zu", i);
		cr_expect_eq(caller.err.code, cases[i].told, "case %zu", i);
		cr_expect_str_eq(caller.err.text, "the cause");
		cr_expect_null(caller.data);
	}
}

Test(source_fetches, shows_progress_until_it_is_canceled)
{
	struct caller caller = { 0 };
	struct source_fetch *fetch = begin(&caller);

	show(fetch);
	cr_expect_eq(caller.shown, 2);
	cr_expect_eq(caller.done, 0);
	caller.shown = 0;
	source_fetches_cancel(&source.fetches);
	show(fetch);
	cr_expect_eq(caller.shown, 0);
	answer(fetch);
	cr_expect_eq(caller.done, 1);
}

Test(source_fetches, cancels_all_and_drops_late_answers)
{
	struct caller callers[3] = { 0 };
	struct source_fetch *fetches[3];
	struct error err = { 0 };

	for (size_t i = 0; i < 3; i++)
		fetches[i] = begin(&callers[i]);
	source_fetches_cancel(&source.fetches);
	cr_expect_eq(source.refs, 4, "the requests still have theirs");
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(callers[i].done, 1);
		cr_expect_eq(callers[i].result, -ECANCELED);
		cr_expect_eq(callers[i].err.code, -ECANCELED);
		cr_expect(*source_fetches_abandoned(fetches[i]));
	}
	error_set(&err, -EIO, "late");
	source_fetches_fail(fetches[0], -EIO, &err);
	answer(fetches[1]);
	answer(fetches[2]);
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(callers[i].done, 1);
		cr_expect_null(callers[i].data);
	}
}

Test(source_fetches, cancel_waits_for_a_done_that_is_running)
{
	struct caller caller = { .is_slow = true };
	pthread_t thread;

	cr_assert_eq(thread_start(&thread, "answer", answer, begin(&caller)),
		     0);
	wait_for(&caller.is_entered);
	set(&caller.is_canceling);
	source_fetches_cancel(&source.fetches);
	cr_expect(__atomic_load_n(&caller.is_left, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
	cr_expect_eq(caller.done, 1);
	cr_expect_eq(caller.result, 0);
	free(caller.data);
}

Test(source_fetches, cancel_waits_for_a_progress_that_is_running)
{
	struct caller caller = { .is_slow = true };
	struct source_fetch *fetch = begin(&caller);
	pthread_t thread;

	cr_assert_eq(thread_start(&thread, "progress", show, fetch), 0);
	wait_for(&caller.is_entered);
	set(&caller.is_canceling);
	source_fetches_cancel(&source.fetches);
	cr_expect(__atomic_load_n(&caller.is_left, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
	cr_expect_eq(caller.done_when_shown, 0, "`done` frees what is shown");
	cr_expect_eq(caller.result, -ECANCELED);
	answer(fetch);
	cr_expect_eq(caller.done, 1);
}

struct late {
	struct caller *caller;
	struct source_fetch *fetch;
};

static void *answer_next(void *arg)
{
	struct late *late = arg;

	wait_for(&late->caller->is_next);
	return answer(late->fetch);
}

Test(source_fetches, cancel_waits_for_a_done_that_began_meanwhile)
{
	struct caller second = { .is_slow = true };
	struct caller first = { .other = &second };
	struct source_fetch *fetch = begin(&first);
	struct late late = { &second, begin(&second) };
	pthread_t thread;

	cr_assert_eq(thread_start(&thread, "answer", answer_next, &late), 0);
	source_fetches_cancel(&source.fetches);
	cr_expect(__atomic_load_n(&second.is_left, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
	cr_expect_eq(first.result, -ECANCELED);
	cr_expect_eq(second.result, 0);
	cr_expect_eq(second.done, 1);
	free(second.data);
	answer(fetch);
}
