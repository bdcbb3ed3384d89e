/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: `lock` protects the list of fetches.  Whoever takes a fetch out of
 * the list calls its `done`: the network thread when the answer is there, or
 * destroy, which then leaves the request to end by itself.  destroy waits for
 * a `done` that is being called by the other.
 *
 * References: the owner's, and one for each request under way, whose answer
 * may come after destroy.  What finds servers is stopped by destroy, which may
 * wait for its thread, and freed with the last reference, which may be given up
 * on the network thread.
 */
#include "fetch/object_source.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/http_call.h"
#include "fetch/http_client.h"
#include "fetch/object.h"
#include "fetch/object_location.h"
#include "fetch/object_opening.h"
#include "fetch/object_request.h"
#include "fetch/object_small.h"
#include "fetch/pelican_object.h"
#include "fetch/pelican_url.h"
#include "fetch/range_source.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	OPEN_TIMEOUT_MS = 60000,
	/*
	 * Four blocks of an XRootD cache (pfc.blocksize 128k in the OSDF).
	 * import scipy.stats from a SIF of 397 MB, of which it uses 28.9 MB:
	 * with one block 331 ranges of 37.6 MB, with four 144 of 57.9 MB, with
	 * eight 91 of 75.3 MB, with no neighbours at all 572 of 29.0 MB.
	 */
	ALIGNMENT = 512 << 10,
	OPEN_ROUNDS_MAX = 3, /* somebody waits, and may have mistyped */
};

struct object_source {
	struct range_source source;
	struct object_opening opened;
	unsigned refs; /* atomic */
	struct mutex lock;
	struct condition quiet; /* calling is 0 */
	/* -- protected by lock -- */
	struct fetch *fetches GUARDED;
	unsigned calling GUARDED; /* `done`s that the network thread is in */
};

struct fetch {
	struct fetch *prev;
	struct fetch *next;
	struct object_source *source; /* a reference */
	bool is_abandoned; /* atomic for the request; set under the lock */
	range_done_fn *done;
	void *arg;
};

/* ---- fetching ---- */

static void unref(struct object_source *self)
{
	if (__atomic_sub_fetch(&self->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	object_opening_close(&self->opened);
	condition_fini(&self->quiet);
	mutex_fini(&self->lock);
	free(self);
}

/* Return: whether the caller may call `done`. */
static bool take_fetch(struct fetch *fetch)
{
	struct object_source *self = fetch->source;
	bool is_mine;

	mutex_lock(&self->lock);
	is_mine = !fetch->is_abandoned;
	if (is_mine) {
		DL_DELETE(self->fetches, fetch);
		self->calling++;
	}
	mutex_unlock(&self->lock);
	return is_mine;
}

static void end_call(struct object_source *self)
{
	mutex_lock(&self->lock);
	assert(self->calling > 0);
	if (--self->calling == 0)
		condition_broadcast(&self->quiet);
	mutex_unlock(&self->lock);
}

static void answer(struct fetch *fetch, int result, uint8_t *data,
		   const struct error *err)
{
	struct object_source *self = fetch->source;

	if (take_fetch(fetch)) {
		fetch->done(fetch->arg, result, data, err);
		end_call(self);
	} else {
		free(data);
	}
	free(fetch);
	unref(self);
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

static void on_range(void *arg, int result, struct http_response *response,
		     const struct error *err)
{
	struct fetch *fetch = arg;
	struct error told = { 0 };
	uint8_t *data;

	if (result < 0) {
		told = *err;
		told.code = source_code(result);
		answer(fetch, told.code, NULL, &told);
		return;
	}
	data = response->body;
	response->body = NULL;
	answer(fetch, 0, data, &told);
}

static int start(struct object_source *self, struct fetch *fetch,
		 const struct object_request_spec *spec, struct error *err)
{
	int r = object_check_unchanged(self->opened.object, err);

	if (r < 0)
		return r;
	r = object_request_start(self->opened.object, spec, on_range, fetch);
	if (r < 0)
		error_set_errno(err, r, "cannot start a request");
	return r;
}

static void object_source_fetch(struct range_source *source, uint64_t off,
				size_t size, int64_t deadline_ms,
				range_done_fn *done, void *arg)
{
	struct object_source *self = (struct object_source *)source;
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	struct object_request_spec spec = {
		.off = off,
		.size = size,
		.deadline_ms = deadline_ms,
	};
	struct error err = { 0 };
	int r;

	if (!fetch) {
		error_set(&err, -ENOMEM, "out of memory");
		done(arg, -ENOMEM, NULL, &err);
		return;
	}
	__atomic_fetch_add(&self->refs, 1, __ATOMIC_RELAXED);
	fetch->source = self;
	fetch->done = done;
	fetch->arg = arg;
	spec.is_abandoned = &fetch->is_abandoned;
	mutex_lock(&self->lock);
	DL_APPEND(self->fetches, fetch);
	mutex_unlock(&self->lock);
	r = start(self, fetch, &spec, &err);
	if (r < 0)
		answer(fetch, source_code(r), NULL, &err);
}

static void object_source_report_bad(struct range_source *source, uint64_t off,
				     size_t size)
{
	object_report_bad(((struct object_source *)source)->opened.object, off,
			  size);
}

static bool object_source_find_sender(struct range_source *source, uint64_t off,
				      size_t size, char *ret, size_t ret_size)
{
	struct object *object = ((struct object_source *)source)->opened.object;
	char url[URL_REDACTED_SIZE];

	if (!object_find_sender(object, off, size, url))
		return false;
	snprintf(ret, ret_size, "%s", url);
	return true;
}

static struct fetch *abandon_one_locked(struct object_source *self,
					range_done_fn **ret_done,
					void **ret_arg) REQUIRES(self->lock)
{
	struct fetch *fetch = self->fetches;

	if (!fetch)
		return NULL;
	DL_DELETE(self->fetches, fetch);
	*ret_done = fetch->done;
	*ret_arg = fetch->arg;
	/* From here on the network thread may free it. */
	__atomic_store_n(&fetch->is_abandoned, true, __ATOMIC_RELEASE);
	return fetch;
}

static void object_source_destroy(struct range_source *source)
{
	struct object_source *self = (struct object_source *)source;
	struct error err = { 0 };
	range_done_fn *done = NULL;
	void *arg = NULL;

	error_set(&err, -ECANCELED, "canceled");
	object_opening_stop(&self->opened);
	mutex_lock(&self->lock);
	while (abandon_one_locked(self, &done, &arg)) {
		mutex_unlock(&self->lock);
		done(arg, -ECANCELED, NULL, &err);
		mutex_lock(&self->lock);
	}
	while (self->calling > 0)
		condition_wait(&self->quiet, &self->lock);
	mutex_unlock(&self->lock);
	unref(self);
}

static const struct range_source_ops object_source_ops = {
	.fetch = object_source_fetch,
	.report_bad = object_source_report_bad,
	.find_sender = object_source_find_sender,
	.destroy = object_source_destroy,
};

/* ---- opening ---- */

static void on_first_byte(void *arg, int result, struct http_response *response,
			  const struct error *err)
{
	(void)response;
	http_call_end(arg, result, err);
}

static int64_t open_deadline_ms(const struct object_source_options *options)
{
	int64_t timeout_ms = options->timeout_ms;

	return clock_ms() + (timeout_ms ? timeout_ms : OPEN_TIMEOUT_MS);
}

/* One byte tells the size, and that ranges are served at all. */
static int probe(struct object *object, int64_t deadline_ms, struct error *err)
{
	const struct object_request_spec spec = {
		.size = 1,
		.deadline_ms = deadline_ms,
		.rounds_max = OPEN_ROUNDS_MAX,
	};
	struct http_call call;
	int r;

	http_call_init(&call);
	r = object_request_start(object, &spec, on_first_byte, &call);
	if (r < 0)
		error_set_errno(err, r, "cannot start a request");
	else
		r = http_call_wait(&call, err);
	http_call_fini(&call);
	return r;
}

/* Takes over what was opened. */
static struct object_source *make_source(struct object_opening *opened,
					 uint64_t size)
{
	struct object_source *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	self->source.ops = &object_source_ops;
	self->source.size = size;
	self->source.alignment = ALIGNMENT;
	self->opened = *opened;
	*opened = (struct object_opening){ 0 };
	self->refs = 1;
	mutex_init(&self->lock);
	condition_init(&self->quiet);
	return self;
}

static int finish_open(struct object_opening *opened,
		       const struct object_source_options *options,
		       struct range_source **ret,
		       struct object_identity *ret_identity, struct error *err)
{
	struct object_identity identity CLEANUP(object_identity_fini) = { 0 };
	struct object_source *self;
	int r = probe(opened->object, open_deadline_ms(options), err);

	if (r < 0)
		return r;
	r = object_copy_identity(opened->object, &identity);
	if (r < 0)
		return error_set(err, r, "out of memory");
	self = make_source(opened, identity.size);
	if (!self)
		return error_set(err, -ENOMEM, "out of memory");
	if (ret_identity) {
		*ret_identity = identity;
		identity = (struct object_identity){ 0 };
	}
	*ret = &self->source;
	return 0;
}

int object_source_open(const char *url,
		       const struct object_source_options *options,
		       struct range_source **ret,
		       struct object_identity *ret_identity, struct error *err)
{
	struct object_opening opened = { 0 };
	int r = object_opening_open(url, options, &opened, err);

	if (r == 0)
		r = finish_open(&opened, options, ret, ret_identity, err);
	object_opening_stop(&opened);
	object_opening_close(&opened);
	return r;
}

/* ---- small objects ---- */

int object_source_fetch_small(const char *url, size_t size_max,
			      const struct object_source_options *options,
			      uint8_t **ret, size_t *ret_size,
			      struct error *err)
{
	struct object_opening opened = { 0 };
	int r = object_opening_open(url, options, &opened, err);

	if (r == 0 && options->located)
		options->located(options->located_arg);
	if (r == 0)
		r = object_small_fetch_from(opened.object, size_max,
					    open_deadline_ms(options), ret,
					    ret_size, err);
	object_opening_stop(&opened);
	object_opening_close(&opened);
	return r == -ENOENT ? OBJECT_SOURCE_ABSENT : r;
}

/* ---- names ---- */

bool object_source_is_url(const char *text)
{
	return object_location_is_url(text) || pelican_url_is_one(text);
}

int object_source_name(const char *url, const char *federation, char **ret,
		       struct error *err)
{
	struct object_location location CLEANUP(object_location_fini) = { 0 };
	struct pelican_url pelican CLEANUP(pelican_url_fini) = { 0 };
	int r;

	if (!pelican_url_is_one(url)) {
		r = object_location_parse(url, true, &location, err);
		if (r == 0)
			*ret = STEAL_PTR(location.name);
		return r;
	}
	if (!federation)
		federation = pelican_object_federation();
	r = pelican_url_parse(url, federation, &pelican, err);
	if (r == 0)
		*ret = STEAL_PTR(pelican.name);
	return r;
}
