/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/range_source.h"

#include <assert.h>

static void check_range(const struct range_source *source, uint64_t off,
			size_t size, int64_t deadline_ms)
{
	assert(size > 0 && size <= RANGE_SIZE_MAX);
	assert(off <= source->size && size <= source->size - off);
	assert(deadline_ms > 0);
}

void range_source_fetch(struct range_source *source, uint64_t off, size_t size,
			int64_t deadline_ms, range_done_fn *done, void *arg)
{
	check_range(source, off, size, deadline_ms);
	source->ops->fetch(source, off, size, deadline_ms, done, arg);
}

void range_source_fetch_watched(struct range_source *source, uint64_t off,
				size_t size, int64_t deadline_ms,
				range_progress_fn *progress,
				range_done_fn *done, void *arg)
{
	if (!source->ops->fetch_watched) {
		range_source_fetch(source, off, size, deadline_ms, done, arg);
		return;
	}
	check_range(source, off, size, deadline_ms);
	source->ops->fetch_watched(source, off, size, deadline_ms, progress,
				   done, arg);
}

void range_source_report_bad(struct range_source *source, uint64_t off,
			     size_t size)
{
	assert(off <= source->size && size <= source->size - off);
	if (source->ops->report_bad)
		source->ops->report_bad(source, off, size);
}

bool range_source_find_sender(struct range_source *source, uint64_t off,
			      size_t size, char *ret, size_t ret_size)
{
	return source->ops->find_sender &&
	       source->ops->find_sender(source, off, size, ret, ret_size);
}

void range_source_destroy(struct range_source *source)
{
	if (source)
		source->ops->destroy(source);
}
