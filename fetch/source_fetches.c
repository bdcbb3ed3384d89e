/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: `lock` protects the list.  Whoever takes a fetch out of it calls its
 * `done`: who has the answer (the network thread), or cancel.  A fetch is freed
 * only by who has the answer; it then still holds a reference to the source,
 * so that the lock is there to be let go of.
 */
#include "fetch/source_fetches.h"

#include "common/error.h"
#include "fetch/http_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

struct source_fetch {
	struct source_fetch *prev;
	struct source_fetch *next;
	struct source_fetches *owner; /* with a reference to its source */
	bool is_abandoned; /* atomic for the request; set under the lock */
	range_progress_fn *progress; /* NULL: none */
	range_done_fn *done;
	void *arg;
};

void source_fetches_init(struct source_fetches *self,
			 void (*unref)(void *source), void *source)
{
	*self = (struct source_fetches){ .unref = unref, .source = source };
	mutex_init(&self->lock);
	condition_init(&self->quiet);
}

void source_fetches_fini(struct source_fetches *self)
{
	mutex_lock(&self->lock);
	assert(!self->list && self->calling == 0);
	mutex_unlock(&self->lock);
	condition_fini(&self->quiet);
	mutex_fini(&self->lock);
}

struct source_fetch *source_fetches_begin(struct source_fetches *self,
					  range_progress_fn *progress,
					  range_done_fn *done, void *arg)
{
	struct source_fetch *fetch = calloc(1, sizeof(*fetch));
	struct error err = { 0 };

	if (!fetch) {
		error_set(&err, -ENOMEM, "out of memory");
		done(arg, -ENOMEM, NULL, &err);
		self->unref(self->source);
		return NULL;
	}
	fetch->owner = self;
	fetch->progress = progress;
	fetch->done = done;
	fetch->arg = arg;
	mutex_lock(&self->lock);
	DL_APPEND(self->list, fetch);
	mutex_unlock(&self->lock);
	return fetch;
}

const bool *source_fetches_abandoned(const struct source_fetch *fetch)
{
	return &fetch->is_abandoned;
}

/* Return: whether the caller may call the fetch's functions. */
static bool begin_call(struct source_fetch *fetch, bool is_last)
{
	struct source_fetches *self = fetch->owner;
	bool is_mine;

	mutex_lock(&self->lock);
	is_mine = !fetch->is_abandoned && (is_last || !self->is_canceled);
	if (is_mine) {
		if (is_last)
			DL_DELETE(self->list, fetch);
		self->calling++;
	}
	mutex_unlock(&self->lock);
	return is_mine;
}

static void end_call(struct source_fetches *self)
{
	mutex_lock(&self->lock);
	assert(self->calling > 0);
	if (--self->calling == 0)
		condition_broadcast(&self->quiet);
	mutex_unlock(&self->lock);
}

/* @data: `done`'s, else freed */
static void end_fetch(struct source_fetch *fetch, int result, uint8_t *data,
		      const struct error *err)
{
	struct source_fetches *self = fetch->owner;

	if (begin_call(fetch, true)) {
		fetch->done(fetch->arg, result, data, err);
		end_call(self);
	} else {
		free(data);
	}
	free(fetch);
	self->unref(self->source);
}

/* To the errors that range_source.h promises. */
static int source_code(int result)
{
	switch (result) {
	case -EACCES:
	case -ENOENT:
	case -ESTALE:
	case -ETIMEDOUT:
	case -EPROTO:
	case -ECANCELED:
	case -ENOMEM:
		return result;
	default:
		return -EIO;
	}
}

void source_fetches_fail(struct source_fetch *fetch, int result,
			 const struct error *err)
{
	struct error told = *err;

	assert(result < 0);
	told.code = source_code(result);
	end_fetch(fetch, told.code, NULL, &told);
}

void source_fetches_answer(void *fetch, int result,
			   struct http_response *response,
			   const struct error *err)
{
	struct error none = { 0 };
	uint8_t *data;

	if (result < 0) {
		source_fetches_fail(fetch, result, err);
		return;
	}
	data = response->body;
	response->body = NULL;
	end_fetch(fetch, 0, data, &none);
}

void source_fetches_progress(void *arg, const uint8_t *data, size_t size)
{
	struct source_fetch *fetch = arg;

	if (!begin_call(fetch, false))
		return;
	fetch->progress(fetch->arg, data, size);
	end_call(fetch->owner);
}

/* Return: whether there was one. */
static bool abandon_one_locked(struct source_fetches *self,
			       range_done_fn **ret_done, void **ret_arg)
	REQUIRES(self->lock)
{
	struct source_fetch *fetch = self->list;

	if (!fetch)
		return false;
	DL_DELETE(self->list, fetch);
	*ret_done = fetch->done;
	*ret_arg = fetch->arg;
	/* Once the lock is let go of the network thread may free it. */
	__atomic_store_n(&fetch->is_abandoned, true, __ATOMIC_RELEASE);
	return true;
}

static void wait_quiet_locked(struct source_fetches *self) REQUIRES(self->lock)
{
	while (self->calling > 0)
		condition_wait(&self->quiet, &self->lock);
}

void source_fetches_cancel(struct source_fetches *self)
{
	struct error err = { 0 };
	range_done_fn *done = NULL;
	void *arg = NULL;

	error_set(&err, -ECANCELED, "canceled");
	mutex_lock(&self->lock);
	self->is_canceled = true;
	/* a progress uses what `done` may free */
	wait_quiet_locked(self);
	while (abandon_one_locked(self, &done, &arg)) {
		mutex_unlock(&self->lock);
		done(arg, -ECANCELED, NULL, &err);
		mutex_lock(&self->lock);
	}
	wait_quiet_locked(self);
	mutex_unlock(&self->lock);
}
