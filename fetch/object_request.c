/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine on the network thread; no state has a lock.
 *
 *	advance --> attempt (two at most) --> on_answer --> finish
 *	   ^            ^  |                      |
 *	   |            +--+ follow a redirect    | the next server
 *	   +------------- wait for the next round +
 *
 * The request lives until every attempt and timer that knows it has come back;
 * attempts that lost are broken off.  Each loop is bounded: redirects by a
 * count, a round by the number of servers, rounds by a count or the deadline.
 */
#include "fetch/object_request.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/object_answer.h"
#include "fetch/object_attempt.h"
#include "fetch/object_finder.h"
#include "fetch/object_pace.h"
#include "fetch/object_round.h"
#include "fetch/retry_policy.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ATTEMPTS_MAX = 2,
	TICK_MS = 500,
	TOKEN_ASKS_MAX = 2,
};

struct object_request {
	struct object *object; /* a reference */
	struct object_request_spec spec;
	object_request_fn *done;
	void *arg;
	struct retry_policy policy;
	struct object_attempt *attempts[ATTEMPTS_MAX];
	unsigned pending; /* attempts and timers that will come back */
	bool is_ticking;
	bool is_waiting; /* for the next round */
	bool is_over;	 /* done was called */
	unsigned wishes; /* that may still be asked for */
	unsigned token_asks;
	bool has_asked_for_token; /* by what was last found */
	unsigned rounds;	  /* that are over */
	struct object_round round;
	struct error last; /* what the round before came to; code 0: none */
};

static void let_go(struct object_request *request)
{
	assert(request->pending > 0);
	if (--request->pending > 0)
		return;
	assert(request->is_over);
	object_unref(request->object);
	free(request);
}

static void finish(struct object_request *request, int result,
		   struct http_response *response, const struct error *err)
{
	assert((result == 0) == (response != NULL));
	if (request->is_over)
		return;
	request->is_over = true;
	for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
		if (request->attempts[i])
			object_attempt_abandon(request->attempts[i]);
	request->done(request->arg, result, response, err);
}

static void fail(struct object_request *request, int result, const char *why)
{
	struct error err = { 0 };

	error_set(&err, result, "%s: %s", request->object->name, why);
	finish(request, result, NULL, &err);
}

/* The flag is the caller's, and gone once it was told of the end. */
static bool is_abandoned(const struct object_request *request)
{
	const bool *flag = request->spec.is_abandoned;

	return !request->is_over && flag &&
	       __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static unsigned active_count(const struct object_request *request)
{
	unsigned count = 0;

	for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
		if (request->attempts[i])
			count++;
	return count;
}

/* ---- rounds ---- */

static void advance(struct object_request *request);

static void on_next_round(void *arg)
{
	struct object_request *request = arg;

	request->is_waiting = false;
	advance(request);
	let_go(request);
}

static void on_found(void *arg, int result, const struct error *err)
{
	struct object_request *request = arg;

	request->is_waiting = false;
	if (request->is_over) {
		let_go(request);
		return;
	}
	if (result == -ECANCELED)
		fail(request, -ECANCELED, "canceled");
	else if (result < 0)
		object_round_note(&request->round, result, err, -1);
	else if (request->has_asked_for_token)
		object_round_reset(&request->round); /* with another token */
	advance(request);
	let_go(request);
}

/* Return: whether the request goes on when that is found. */
static bool find_more(struct object_request *request, unsigned wishes)
{
	struct object *object = request->object;

	request->wishes &= ~wishes;
	request->has_asked_for_token = wishes & OBJECT_WISH_TOKEN;
	if (wishes & OBJECT_WISH_TOKEN)
		request->token_asks++;
	if (!wishes || !object->finder ||
	    object_finder_ask(object->finder, object, wishes, on_found,
			      request) < 0)
		return false;
	request->is_waiting = true;
	request->pending++;
	return true;
}

/* The next step down the ladder once all servers known have failed. */
static unsigned choose_wish(const struct object_request *request)
{
	if (request->round.was_refused && request->token_asks < TOKEN_ASKS_MAX)
		return OBJECT_WISH_TOKEN;
	if ((request->wishes & OBJECT_WISH_DIRECT) &&
	    !object_has_direct(request->object))
		return OBJECT_WISH_DIRECT;
	if (!object_answer_is_final(request->round.code))
		return request->wishes & OBJECT_WISH_FRESH;
	return 0;
}

static void wait_for_next_round(struct object_request *request,
				int64_t delay_ms)
{
	int r;

	object_round_reset(&request->round);
	request->wishes |= OBJECT_WISH_FRESH;
	request->is_waiting = true;
	request->pending++;
	r = http_client_run_later(request->object->client, delay_ms,
				  on_next_round, request);
	if (r == 0)
		return;
	request->is_waiting = false;
	request->pending--;
	assert(request->pending > 0); /* whoever calls holds the request */
	fail(request, r, "canceled");
}

static void end_round(struct object_request *request)
{
	int64_t delay_ms = 0;
	struct error err = { 0 };

	if (find_more(request, choose_wish(request)))
		return;
	if (request->round.code == 0) {
		finish(request, object_explain_none(request->object, &err),
		       NULL, &err);
		return;
	}
	object_round_explain(&request->round, request->object, &err);
	request->last = err;
	request->rounds++;
	if (object_answer_is_final(request->round.code) ||
	    (request->spec.rounds_max &&
	     request->rounds >= request->spec.rounds_max) ||
	    retry_policy_next(&request->policy, clock_ms(),
			      request->round.retry_after_ms,
			      &delay_ms) == RETRY_POLICY_GIVE_UP)
		finish(request, err.code, NULL, &err);
	else
		wait_for_next_round(request, delay_ms);
}

/* ---- attempts ---- */

static void on_answer(void *arg, int result, struct http_response *response,
		      const struct error *err);

static void end_attempt(struct object_attempt *attempt)
{
	struct object_request *request = attempt->request;

	for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
		if (request->attempts[i] == attempt)
			request->attempts[i] = NULL;
	object_attempt_destroy(attempt);
}

/* Return: 0, or the attempt is gone and its place in pending is the caller's to
 * give up. */
static int submit(struct object_attempt *attempt)
{
	struct object_request *request = attempt->request;
	int r = object_attempt_submit(attempt, &request->spec, on_answer);

	if (r == 0)
		return 0;
	end_attempt(attempt);
	fail(request, r,
	     r == -ECANCELED ? "canceled" : "cannot start a request");
	return r;
}

/* @tried: not these; then a lone server is asked by another connection */
static bool start_attempt(struct object_request *request, uint32_t tried)
{
	struct object_attempt *attempt = NULL;
	unsigned slot = request->attempts[0] ? 1 : 0;
	int r = object_attempt_create(request, request->object, tried,
				      &attempt);

	assert(!request->attempts[slot]);
	if (r < 0)
		fail(request, r, "out of memory");
	if (r != 0)
		return false;
	request->round.tried |= 1u << attempt->answer.to.server;
	if (slot > 0)
		attempt->answer.to.is_fresh = true;
	request->attempts[slot] = attempt;
	request->pending++;
	if (submit(attempt) == 0)
		return true;
	request->pending--;
	assert(request->pending > 0); /* whoever calls holds the request */
	return false;
}

static void on_tick(void *arg);

static void start_ticking(struct object_request *request)
{
	if (request->is_ticking || request->is_over)
		return;
	request->pending++;
	request->is_ticking = true;
	if (http_client_run_later(request->object->client, TICK_MS, on_tick,
				  request) == 0)
		return;
	request->is_ticking = false;
	request->pending--;
}

/* Ahead of need; nobody waits.  Whoever is refused meanwhile asks, too. */
static void renew_token(struct object *object)
{
	if (object_token_is_ending(object, clock_wall_s()))
		(void)object_finder_ask(object->finder, object,
					OBJECT_WISH_TOKEN, NULL, NULL);
}

/* What the servers did, where that is known, tells more than the clock. */
static void expire(struct object_request *request)
{
	struct error err = { 0 };

	if (request->round.code < 0)
		object_round_explain(&request->round, request->object, &err);
	else if (request->last.code < 0)
		err = request->last;
	else
		error_set(&err, -ETIMEDOUT, "%s: not there before the deadline",
			  request->object->name);
	finish(request, err.code, NULL, &err);
}

static void advance(struct object_request *request)
{
	if (request->is_over || request->is_waiting)
		return;
	if (is_abandoned(request)) {
		fail(request, -ECANCELED, "canceled");
		return;
	}
	if (clock_ms() >= request->spec.deadline_ms) {
		expire(request);
		return;
	}
	if (active_count(request) > 0)
		return;
	if ((request->wishes & OBJECT_WISH_DIRECT) &&
	    object_wants_direct(request->object) &&
	    find_more(request, OBJECT_WISH_DIRECT))
		return;
	renew_token(request->object);
	if (start_attempt(request, request->round.tried))
		start_ticking(request);
	else if (!request->is_over)
		end_round(request);
}

/* ---- time ---- */

/* With nobody else to ask, once: some servers accept a connection and never
 * answer on it, while the next one is served (XRootD short of threads). */
static void hedge(struct object_request *request)
{
	if (start_attempt(request, request->round.tried) || request->is_over ||
	    request->round.has_asked_twice)
		return;
	request->round.has_asked_twice = true;
	start_attempt(request, 0);
}

static void on_tick(void *arg)
{
	struct object_request *request = arg;
	int64_t now_ms = clock_ms();
	bool needs_hedge = false;

	request->is_ticking = false;
	for (unsigned i = 0; i < ATTEMPTS_MAX && !request->is_over; i++)
		if (request->attempts[i])
			needs_hedge |= object_attempt_watch(
				request->attempts[i], now_ms);
	if (is_abandoned(request))
		fail(request, -ECANCELED, "canceled");
	if (needs_hedge && !request->is_over && active_count(request) == 1)
		hedge(request);
	if (active_count(request) > 0)
		start_ticking(request);
	let_go(request);
}

/* ---- answers ---- */

static void on_failure(struct object_attempt *attempt, int code,
		       struct error *err)
{
	struct object_request *request = attempt->request;
	struct object_answer *answer = &attempt->answer;
	int64_t now_ms = clock_ms();
	/* then it is the clock that ended it */
	bool is_cut_off = !attempt->is_stalled && request->last.code < 0 &&
			  now_ms >= request->spec.deadline_ms;

	if (attempt->is_stalled)
		code = object_attempt_explain_stall(attempt, err);
	object_judge(request->object, answer->to.server,
		     object_answer_is_lasting(code) ? OBJECT_SERVER_UNFIT
						    : OBJECT_SERVER_FAILED,
		     now_ms);
	if (!is_cut_off)
		object_round_note(&request->round, code, err,
				  answer->retry_after_ms);
	end_attempt(attempt);
	advance(request);
}

static void on_success(struct object_attempt *attempt,
		       struct http_response *response)
{
	struct object_request *request = attempt->request;
	int64_t now_ms = clock_ms();

	object_judge(request->object, attempt->answer.to.server,
		     OBJECT_SERVER_GOOD, now_ms);
	for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
		const struct object_attempt *loser = request->attempts[i];

		if (loser && loser != attempt &&
		    object_pace_idle_ms(&loser->pace, now_ms) >=
			    OBJECT_PACE_HEDGE_MS)
			object_judge(request->object, loser->answer.to.server,
				     OBJECT_SERVER_FAILED, now_ms);
	}
	object_note_served(request->object, attempt->answer.to.server,
			   request->spec.off, request->spec.size);
	finish(request, 0, response, NULL);
	end_attempt(attempt);
}

static void on_answer(void *arg, int result, struct http_response *response,
		      const struct error *err)
{
	struct object_attempt *attempt = arg;
	struct object_request *request = attempt->request;
	struct error told = { 0 };
	int r;

	if (request->is_over) {
		end_attempt(attempt);
		let_go(request);
		return;
	}
	if (result == -ECANCELED && !attempt->is_stalled) {
		end_attempt(attempt);
		fail(request, -ECANCELED, "canceled");
		let_go(request);
		return;
	}
	r = object_answer_read(&attempt->answer, result, response, err, &told);
	if (r == OBJECT_ANSWER_ASK_AGAIN) {
		if (submit(attempt) < 0)
			let_go(request);
		return;
	}
	if (r < 0)
		on_failure(attempt, r, &told);
	else
		on_success(attempt, response);
	let_go(request);
}

/* ---- the beginning ---- */

static void begin(void *arg)
{
	struct object_request *request = arg;

	advance(request);
	let_go(request);
}

int object_request_start(struct object *object,
			 const struct object_request_spec *spec,
			 object_request_fn *done, void *arg)
{
	struct object_request *request = calloc(1, sizeof(*request));
	int r;

	assert(spec->deadline_ms > 0 && spec->size > 0);
	if (!request)
		return -ENOMEM;
	request->object = object_ref(object);
	request->spec = *spec;
	request->done = done;
	request->arg = arg;
	object_round_reset(&request->round);
	request->wishes = OBJECT_WISH_DIRECT | OBJECT_WISH_FRESH;
	request->policy.deadline_ms = spec->deadline_ms;
	request->policy.seed = (uint64_t)clock_us() ^ (uintptr_t)request;
	request->pending = 1;
	r = http_client_run_later(object->client, 0, begin, request);
	if (r == 0)
		return 0;
	object_unref(request->object);
	free(request);
	return r;
}
