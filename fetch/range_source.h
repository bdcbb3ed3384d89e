/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * range_source: one blob, readable by closed byte ranges, asynchronously.
 *
 * The ordered places a blob can be read from, with credentials, retries and
 * health, behind one call.  Implementations: registry_blob (a registry and the
 * storage it redirects to), file_blob (a local file); OSDF caches later.
 *
 * Nothing here verifies digests: the chunk loader and the index builder do.
 *
 * Threads: any thread may call; `done` runs on a thread of the source's (the
 * network thread, usually) and must not block.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct range_source;

/*
 * Called exactly once per fetch, possibly before range_source_fetch() returns.
 * @result: 0 with exactly the bytes asked for in @data (malloc'ed; the callee
 *          owns and frees it), or negative errno with @err set:
 *   -EACCES credentials refused · -ENOENT no such blob · -ESTALE replaced
 *   while in use · -ETIMEDOUT the deadline passed · -EPROTO malformed reply ·
 *   -EIO every place failed · -ECANCELED the source was destroyed · -ENOMEM
 */
typedef void range_done_fn(void *arg, int result, uint8_t *data,
			   const struct error *err);

/*
 * Called any number of times before `done`, with its @arg and on its thread:
 * the first @size bytes of the range are in @data, which is lent for the call.
 * Another try may begin at 0 again.  Must be quick.
 */
typedef void range_progress_fn(void *arg, const uint8_t *data, size_t size);

struct range_source_ops {
	void (*fetch)(struct range_source *source, uint64_t off, size_t size,
		      int64_t deadline_ms, range_done_fn *done, void *arg);
	/* may be NULL: then nobody hears of progress */
	void (*fetch_watched)(struct range_source *source, uint64_t off,
			      size_t size, int64_t deadline_ms,
			      range_progress_fn *progress, range_done_fn *done,
			      void *arg);
	/* may be NULL */
	void (*report_bad)(struct range_source *source, uint64_t off,
			   size_t size);
	/* may be NULL */
	bool (*find_sender)(struct range_source *source, uint64_t off,
			    size_t size, char *ret, size_t ret_size);
	void (*destroy)(struct range_source *source);
};

/* First member of every implementation's struct. */
struct range_source {
	const struct range_source_ops *ops;
	uint64_t size; /* bytes of the blob, fixed */
	/* A range that is asked for had better be whole pieces of so many
	 * bytes, which begin at multiples of it: what the server reads at a
	 * time, or what a round trip is worth.  0: nothing is known.  Fixed. */
	uint32_t alignment;
};

enum { RANGE_SIZE_MAX = 32 << 20 }; /* largest single fetch */

/**
 * range_source_fetch() - ask for [off, off + size)
 * @size:        1 to RANGE_SIZE_MAX; the range lies within the blob
 * @deadline_ms: on clock_ms()'s clock; retries end then
 */
void range_source_fetch(struct range_source *source, uint64_t off, size_t size,
			int64_t deadline_ms, range_done_fn *done, void *arg);

/**
 * range_source_fetch_watched() - the same, and hear of bytes as they come
 * @progress: what it is shown nobody has checked, not even whether the blob is
 *            still the same: only for bytes whose digest is known.  A source
 *            need not call it.
 */
void range_source_fetch_watched(struct range_source *source, uint64_t off,
				size_t size, int64_t deadline_ms,
				range_progress_fn *progress,
				range_done_fn *done, void *arg);

/**
 * range_source_report_bad() - bytes of this range did not match their digest
 *
 * The place that served it is asked last, or no more, for this blob, and its
 * connection is dropped.
 */
void range_source_report_bad(struct range_source *source, uint64_t off,
			     size_t size);

/**
 * range_source_find_sender() - who sent this range last, for people
 * @ret: a URL without secrets, cut to fit
 *
 * Return: false when that is not known.
 */
bool range_source_find_sender(struct range_source *source, uint64_t off,
			      size_t size, char *ret, size_t ret_size);

/**
 * range_source_destroy() - end all fetches (-ECANCELED) and free
 *
 * Returns when no `done` is running or to come.  NULL is allowed.
 */
void range_source_destroy(struct range_source *source);
DEFINE_CLEANUP(struct range_source, range_source_destroy);
