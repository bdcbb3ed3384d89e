/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References: the owner's, and one for each request under way, whose answer
 * may come after destroy (fetch/source_fetches.h).
 */
#include "fetch/registry_blob.h"

#include "common/digest.h"
#include "common/error.h"
#include "fetch/range_source.h"
#include "fetch/registry_redirect.h"
#include "fetch/registry_request.h"
#include "fetch/registry_endpoint.h"
#include "fetch/source_fetches.h"

#include <errno.h>
#include <stdlib.h>

struct registry_blob {
	struct range_source source;
	struct registry_endpoint *endpoint; /* a reference */
	char reference[DIGEST_TEXT_SIZE];
	unsigned refs;			   /* atomic */
	bool is_suspect;		   /* atomic: wrong bytes came */
	struct registry_redirect redirect; /* the network thread's */
	struct source_fetches fetches;
};

static void unref(void *arg)
{
	struct registry_blob *blob = arg;

	if (__atomic_sub_fetch(&blob->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	registry_redirect_fini(&blob->redirect);
	registry_endpoint_unref(blob->endpoint);
	source_fetches_fini(&blob->fetches);
	free(blob);
}

static void registry_blob_fetch_watched(struct range_source *source,
					uint64_t off, size_t size,
					int64_t deadline_ms,
					range_progress_fn *progress,
					range_done_fn *done, void *arg)
{
	struct registry_blob *blob = (struct registry_blob *)source;
	struct source_fetch *fetch;
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
		.progress = progress ? source_fetches_progress : NULL,
	};
	struct error err = { 0 };
	int r;

	__atomic_fetch_add(&blob->refs, 1, __ATOMIC_RELAXED);
	fetch = source_fetches_begin(&blob->fetches, progress, done, arg);
	if (!fetch)
		return;
	spec.is_abandoned = source_fetches_abandoned(fetch);
	spec.use_fresh_connection =
		__atomic_exchange_n(&blob->is_suspect, false, __ATOMIC_RELAXED);
	r = registry_request_start(blob->endpoint, &spec, source_fetches_answer,
				   fetch);
	if (r == 0)
		return;
	error_set_errno(&err, r, "cannot start a request");
	source_fetches_fail(fetch, r, &err);
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

static void registry_blob_destroy(struct range_source *source)
{
	struct registry_blob *blob = (struct registry_blob *)source;

	source_fetches_cancel(&blob->fetches);
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
	source_fetches_init(&blob->fetches, unref, blob);
	return &blob->source;
}
