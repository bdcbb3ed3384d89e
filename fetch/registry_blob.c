/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: `lock` protects the list of fetches.  Whoever takes a fetch out of
 * the list calls its `done`: the network thread when the answer is there, or
 * destroy, which then leaves the request to end by itself.  destroy waits for
 * a `done` that is being called by the other.
 *
 * References: the owner's, and one for each request under way, whose answer
 * may come after destroy.
 */
#include "fetch/registry_blob.h"

#include "common/digest.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/http_client.h"
#include "fetch/range_source.h"
#include "fetch/registry_redirect.h"
#include "fetch/registry_request.h"
#include "fetch/registry_endpoint.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

struct registry_blob {
	struct range_source source;
	struct registry_endpoint *endpoint; /* a reference */
	char reference[DIGEST_TEXT_SIZE];
	unsigned refs;			   /* atomic */
	bool is_suspect;		   /* atomic: wrong bytes came */
	struct registry_redirect redirect; /* the network thread's */
	struct mutex lock;
	struct condition quiet; /* calling is 0 */
	/* -- protected by lock -- */
	struct fetch *fetches GUARDED;
	unsigned calling GUARDED; /* `done`s that the network thread is in */
};

struct fetch {
	struct fetch *prev;
	struct fetch *next;
	struct registry_blob *blob; /* a reference */
	bool is_abandoned; /* atomic for the request; set under the lock */
	range_progress_fn *progress; /* NULL: none */
	range_done_fn *done;
	void *arg;
};

static void unref(struct registry_blob *blob)
{
	if (__atomic_sub_fetch(&blob->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	registry_redirect_fini(&blob->redirect);
	registry_endpoint_unref(blob->endpoint);
	condition_fini(&blob->quiet);
	mutex_fini(&blob->lock);
	free(blob);
}

/* Return: whether the caller may call the owner's functions. */
static bool begin_call(struct fetch *fetch, bool is_last)
{
	struct registry_blob *blob = fetch->blob;
	bool is_mine;

	mutex_lock(&blob->lock);
	is_mine = !fetch->is_abandoned;
	if (is_mine) {
		if (is_last)
			DL_DELETE(blob->fetches, fetch);
		blob->calling++;
	}
	mutex_unlock(&blob->lock);
	return is_mine;
}

static void end_call(struct registry_blob *blob)
{
	mutex_lock(&blob->lock);
	assert(blob->calling > 0);
	if (--blob->calling == 0)
		condition_broadcast(&blob->quiet);
	mutex_unlock(&blob->lock);
}

static void answer(struct fetch *fetch, int result, uint8_t *data,
		   const struct error *err)
{
	struct registry_blob *blob = fetch->blob;

	if (begin_call(fetch, true)) {
		fetch->done(fetch->arg, result, data, err);
		end_call(blob);
	} else {
		free(data);
	}
	free(fetch);
	unref(blob);
}

/* To the errors that range_source.h promises. */
static int source_code(int result)
{
	switch (result) {
	case -EACCES:
	case -ENOENT:
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

static void on_progress(void *arg, const uint8_t *data, size_t size)
{
	struct fetch *fetch = arg;

	if (!begin_call(fetch, false))
		return;
	fetch->progress(fetch->arg, data, size);
	end_call(fetch->blob);
}

static void registry_blob_fetch_watched(struct range_source *source,
					uint64_t off, size_t size,
					int64_t deadline_ms,
					range_progress_fn *progress,
					range_done_fn *done, void *arg)
{
	struct registry_blob *blob = (struct registry_blob *)source;
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	struct registry_request_spec spec = {
		.kind = "blobs",
		.reference = blob->reference,
		.has_range = true,
		.range_off = off,
		.range_size = size,
		.range_total = blob->source.size,
		.deadline_ms = deadline_ms,
		.is_patient = true,
		.redirect = &blob->redirect,
		.progress = progress ? on_progress : NULL,
	};
	struct error err = { 0 };
	int r;

	if (!fetch) {
		error_set(&err, -ENOMEM, "out of memory");
		done(arg, -ENOMEM, NULL, &err);
		return;
	}
	__atomic_fetch_add(&blob->refs, 1, __ATOMIC_RELAXED);
	fetch->blob = blob;
	fetch->progress = progress;
	fetch->done = done;
	fetch->arg = arg;
	spec.is_abandoned = &fetch->is_abandoned;
	spec.use_fresh_connection =
		__atomic_exchange_n(&blob->is_suspect, false, __ATOMIC_RELAXED);
	mutex_lock(&blob->lock);
	DL_APPEND(blob->fetches, fetch);
	mutex_unlock(&blob->lock);
	r = registry_request_start(blob->endpoint, &spec, on_range, fetch);
	if (r == 0)
		return;
	error_set_errno(&err, source_code(r), "cannot start a request");
	answer(fetch, source_code(r), NULL, &err);
}

static void registry_blob_fetch(struct range_source *source, uint64_t off,
				size_t size, int64_t deadline_ms,
				range_done_fn *done, void *arg)
{
	registry_blob_fetch_watched(source, off, size, deadline_ms, NULL, done,
				    arg);
}

/* There is one place only; what can change is the way there. */
static void registry_blob_report_bad(struct range_source *source, uint64_t off,
				     size_t size)
{
	struct registry_blob *blob = (struct registry_blob *)source;

	(void)off;
	(void)size;
	__atomic_store_n(&blob->is_suspect, true, __ATOMIC_RELAXED);
}

static struct fetch *abandon_one_locked(struct registry_blob *blob,
					range_done_fn **ret_done,
					void **ret_arg) REQUIRES(blob->lock)
{
	struct fetch *fetch = blob->fetches;

	if (!fetch)
		return NULL;
	DL_DELETE(blob->fetches, fetch);
	*ret_done = fetch->done;
	*ret_arg = fetch->arg;
	/* From here on the network thread may free it. */
	__atomic_store_n(&fetch->is_abandoned, true, __ATOMIC_RELEASE);
	return fetch;
}

static void registry_blob_destroy(struct range_source *source)
{
	struct registry_blob *blob = (struct registry_blob *)source;
	struct error err = { 0 };
	range_done_fn *done = NULL;
	void *arg = NULL;

	error_set(&err, -ECANCELED, "canceled");
	mutex_lock(&blob->lock);
	while (abandon_one_locked(blob, &done, &arg)) {
		mutex_unlock(&blob->lock);
		done(arg, -ECANCELED, NULL, &err);
		mutex_lock(&blob->lock);
	}
	while (blob->calling > 0)
		condition_wait(&blob->quiet, &blob->lock);
	mutex_unlock(&blob->lock);
	unref(blob);
}

static const struct range_source_ops registry_blob_ops = {
	.fetch = registry_blob_fetch,
	.fetch_watched = registry_blob_fetch_watched,
	.report_bad = registry_blob_report_bad,
	.destroy = registry_blob_destroy,
};

struct range_source *registry_blob_create(struct registry_endpoint *endpoint,
					  const struct digest *digest,
					  uint64_t size)
{
	struct registry_blob *blob = calloc(1, sizeof(*blob));

	if (!blob)
		return NULL;
	blob->source.ops = &registry_blob_ops;
	blob->source.size = size;
	blob->endpoint = registry_endpoint_ref(endpoint);
	blob->refs = 1;
	digest_format(digest, blob->reference);
	mutex_init(&blob->lock);
	condition_init(&blob->quiet);
	return &blob->source;
}
