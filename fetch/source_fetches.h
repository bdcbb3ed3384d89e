/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * source_fetches: the fetches that a range_source has under way over HTTP, and
 * the promises of range_source.h about them: each `done` is called exactly
 * once, and none is running or to come when the source's destroy has returned.
 *
 * A fetch is the source's caller's: it is over when its `done` is called.  The
 * request that serves it is the network's and may end later: canceling calls
 * `done` at once and leaves the request to end by itself.
 *
 * References: source_fetches_begin() takes over one reference to the source,
 * which is given up by `unref` when the request has ended, as the last thing
 * done.  So the source, and this list in it, outlive their requests.  `unref`
 * may run on the network thread.
 *
 * Threads: any.  source_fetches_cancel() waits for a `done` or a progress that
 * another thread is in: never call it from one of these, nor on the network
 * thread.  No lock is held while a function of the caller's or `unref` runs.
 */
#include "common/thread.h"
#include "fetch/range_source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_response;
struct source_fetch; /* one of them, until its request has ended */

/* Embedded in the source; its fields are this file's own. */
struct source_fetches {
	void (*unref)(void *source);
	void *source;
	struct mutex lock;
	struct condition quiet; /* calling is 0 */
	/* -- protected by lock -- */
	struct source_fetch *list GUARDED; /* whose `done` is to come */
	bool is_canceled GUARDED;	   /* no progress begins any more */
	unsigned calling GUARDED;	   /* functions of callers' that run */
};

/**
 * source_fetches_init() - no fetches yet
 * @unref:  gives up a reference to @source
 * @source: what @self is a part of
 */
void source_fetches_init(struct source_fetches *self,
			 void (*unref)(void *source), void *source);

/** source_fetches_fini() - for the last `unref`: all requests have ended */
void source_fetches_fini(struct source_fetches *self);

/**
 * source_fetches_begin() - a fetch, before its request is started
 * @progress: NULL: none
 * @arg:      of both; borrowed until `done`
 *
 * Takes over one reference to the source, in any case.
 *
 * Return: the fetch, the argument of the request's `done`, which must be
 * source_fetches_answer(); when no request starts it is
 * source_fetches_fail()'s.  NULL: no memory; `done` was called with -ENOMEM.
 */
struct source_fetch *source_fetches_begin(struct source_fetches *self,
					  range_progress_fn *progress,
					  range_done_fn *done, void *arg);

/**
 * source_fetches_abandoned() - the flag that tells the request to end early
 *
 * Return: read it atomically; it lives as long as the fetch.
 */
const bool *source_fetches_abandoned(const struct source_fetch *fetch);

/**
 * source_fetches_answer() - the request has ended: an http_done_fn
 * @fetch:    a struct source_fetch, freed
 * @result:   0: exactly the range asked for is @response's body, which goes to
 *            `done`; else as source_fetches_fail()
 *
 * When the fetch was canceled meanwhile nobody is told.
 */
void source_fetches_answer(void *fetch, int result,
			   struct http_response *response,
			   const struct error *err);

/**
 * source_fetches_fail() - the same, without a response
 * @fetch:  freed
 * @result: any negative errno; `done` gets it when range_source.h promises it,
 *          and -EIO for all others
 * @err:    what `done` gets, but for its code
 */
void source_fetches_fail(struct source_fetch *fetch, int result,
			 const struct error *err);

/**
 * source_fetches_progress() - more has come: an http_progress_fn
 * @fetch: a struct source_fetch that was begun with a progress; on the thread
 *         that source_fetches_answer() will be called on
 */
void source_fetches_progress(void *fetch, const uint8_t *data, size_t size);

/**
 * source_fetches_cancel() - for the source's destroy: all end with -ECANCELED
 *
 * A progress that is running ends before its `done` is called, as `done` may
 * free what both work on; none begins from here on.  Returns when no function
 * of a caller's is running or to come.  Needs a reference of the caller's own,
 * and no fetch may begin from now on.
 */
void source_fetches_cancel(struct source_fetches *self);
