/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References: the owner's, and one for each request under way, whose answer
 * may come after destroy (fetch/source_fetches.h).  What finds servers is
 * stopped by destroy, which may wait for its thread, and freed with the last
 * reference, which may be given up on the network thread.
 */
#include "fetch/object_source.h"

#include "common/clock.h"
#include "common/completion.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/object.h"
#include "fetch/object_location.h"
#include "fetch/object_opening.h"
#include "fetch/object_request.h"
#include "fetch/object_small.h"
#include "fetch/pelican_object.h"
#include "fetch/pelican_url.h"
#include "fetch/range_source.h"
#include "fetch/source_fetches.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	struct source_fetches fetches;
};

/* ---- fetching ---- */

static void unref(void *arg)
{
	struct object_source *self = arg;

	if (__atomic_sub_fetch(&self->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	object_opening_close(&self->opened);
	source_fetches_fini(&self->fetches);
	free(self);
}

static int start(struct object_source *self, struct source_fetch *fetch,
		 const struct object_request_spec *spec, struct error *err)
{
	int r = object_check_unchanged(self->opened.object, err);

	if (r < 0)
		return r;
	r = object_request_start(self->opened.object, spec,
				 source_fetches_answer, fetch);
	if (r < 0)
		error_set_errno(err, r, "cannot start a request");
	return r;
}

static void object_source_fetch(struct range_source *source, uint64_t off,
				size_t size, int64_t deadline_ms,
				range_done_fn *done, void *arg)
{
	struct object_source *self = (struct object_source *)source;
	struct source_fetch *fetch;
	struct object_request_spec spec = {
		.off = off,
		.size = size,
		.deadline_ms = deadline_ms,
	};
	struct error err = { 0 };
	int r;

	__atomic_fetch_add(&self->refs, 1, __ATOMIC_RELAXED);
	fetch = source_fetches_begin(&self->fetches, NULL, done, arg);
	if (!fetch)
		return;
	spec.is_abandoned = source_fetches_abandoned(fetch);
	r = start(self, fetch, &spec, &err);
	if (r < 0)
		source_fetches_fail(fetch, r, &err);
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

static void object_source_destroy(struct range_source *source)
{
	struct object_source *self = (struct object_source *)source;

	object_opening_stop(&self->opened);
	source_fetches_cancel(&self->fetches);
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
	completion_end(arg, result, err);
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
	struct completion call;
	int r;

	completion_init(&call);
	r = object_request_start(object, &spec, on_first_byte, &call);
	if (r < 0)
		error_set_errno(err, r, "cannot start a request");
	else
		r = completion_wait(&call, err);
	completion_fini(&call);
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
	source_fetches_init(&self->fetches, unref, self);
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
