/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: the lock is held while the source is opened: whoever else fetches
 * meanwhile needs it as well.  Once set, `opened` stays.
 */
#include "fetch/deferred_source.h"

#include "common/error.h"
#include "common/thread.h"
#include "fetch/range_source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct deferred_source {
	struct range_source source;
	deferred_open_fn *open;
	void *arg;
	uint32_t number;
	struct mutex lock;
	/* -- protected by lock -- */
	struct range_source *opened GUARDED; /* NULL: not yet */
};

static int get_opened(struct deferred_source *deferred,
		      struct range_source **ret, struct error *err)
{
	int r = 0;

	mutex_lock(&deferred->lock);
	if (!deferred->opened)
		r = deferred->open(deferred->arg, deferred->number,
				   &deferred->opened, err);
	*ret = deferred->opened;
	mutex_unlock(&deferred->lock);
	assert(r < 0 || (*ret)->size == deferred->source.size);
	return r;
}

static void deferred_source_fetch_watched(struct range_source *source,
					  uint64_t off, size_t size,
					  int64_t deadline_ms,
					  range_progress_fn *progress,
					  range_done_fn *done, void *arg)
{
	struct range_source *opened = NULL;
	struct error err = { 0 };
	int r = get_opened((struct deferred_source *)source, &opened, &err);

	if (r < 0) {
		err.code = r == -ENOMEM ? r : -EIO;
		done(arg, err.code, NULL, &err);
	} else if (progress) {
		range_source_fetch_watched(opened, off, size, deadline_ms,
					   progress, done, arg);
	} else {
		range_source_fetch(opened, off, size, deadline_ms, done, arg);
	}
}

static void deferred_source_fetch(struct range_source *source, uint64_t off,
				  size_t size, int64_t deadline_ms,
				  range_done_fn *done, void *arg)
{
	deferred_source_fetch_watched(source, off, size, deadline_ms, NULL,
				      done, arg);
}

static void deferred_source_report_bad(struct range_source *source,
				       uint64_t off, size_t size)
{
	struct deferred_source *deferred = (struct deferred_source *)source;
	struct range_source *opened;

	mutex_lock(&deferred->lock);
	opened = deferred->opened;
	mutex_unlock(&deferred->lock);
	if (opened)
		range_source_report_bad(opened, off, size);
}

static bool deferred_source_find_sender(struct range_source *source,
					uint64_t off, size_t size, char *ret,
					size_t ret_size)
{
	struct deferred_source *deferred = (struct deferred_source *)source;
	struct range_source *opened;

	mutex_lock(&deferred->lock);
	opened = deferred->opened;
	mutex_unlock(&deferred->lock);
	return opened &&
	       range_source_find_sender(opened, off, size, ret, ret_size);
}

static void deferred_source_destroy(struct range_source *source)
{
	struct deferred_source *deferred = (struct deferred_source *)source;
	struct range_source *opened;

	mutex_lock(&deferred->lock);
	opened = deferred->opened;
	mutex_unlock(&deferred->lock);
	range_source_destroy(opened);
	mutex_fini(&deferred->lock);
	free(deferred);
}

static const struct range_source_ops deferred_source_ops = {
	.fetch = deferred_source_fetch,
	.fetch_watched = deferred_source_fetch_watched,
	.report_bad = deferred_source_report_bad,
	.find_sender = deferred_source_find_sender,
	.destroy = deferred_source_destroy,
};

struct range_source *deferred_source_create(uint64_t size,
					    deferred_open_fn *open, void *arg,
					    uint32_t number)
{
	struct deferred_source *deferred = calloc(1, sizeof(*deferred));

	if (!deferred)
		return NULL;
	deferred->source.ops = &deferred_source_ops;
	deferred->source.size = size;
	deferred->open = open;
	deferred->arg = arg;
	deferred->number = number;
	mutex_init(&deferred->lock);
	return &deferred->source;
}
