/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_status.h"

#include "common/digest.h"
#include "fetch/chunk_loader.h"
#include "fs/fs_context.h"
#include "index/index_file.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum status {
	STATUS_IMAGE,
	STATUS_CHUNKS,
	STATUS_CHUNKS_FETCHED,
	STATUS_BYTES_FETCHED,
	STATUS_RANGES_FETCHED,
	STATUS_CACHE_HITS,
	STATUS_MEMORY_HITS,
	STATUS_BAD_DIGESTS,
	STATUS_FUSE_REQUESTS,
	STATUS_PASSTHROUGH_OPENS,
	STATUS_COUNT,
};

static const char *const names[STATUS_COUNT] = {
	[STATUS_IMAGE] = "user.lazyrun.image",
	[STATUS_CHUNKS] = "user.lazyrun.chunks",
	[STATUS_CHUNKS_FETCHED] = "user.lazyrun.chunks_fetched",
	[STATUS_BYTES_FETCHED] = "user.lazyrun.bytes_fetched",
	[STATUS_RANGES_FETCHED] = "user.lazyrun.ranges_fetched",
	[STATUS_CACHE_HITS] = "user.lazyrun.cache_hits",
	[STATUS_MEMORY_HITS] = "user.lazyrun.memory_hits",
	[STATUS_BAD_DIGESTS] = "user.lazyrun.bad_digests",
	[STATUS_FUSE_REQUESTS] = "user.lazyrun.fuse_requests",
	[STATUS_PASSTHROUGH_OPENS] = "user.lazyrun.passthrough_opens",
};

const char *fs_status_name(size_t position)
{
	return position < STATUS_COUNT ? names[position] : NULL;
}

static uint64_t get_number(const struct fs_context *ctx, enum status status)
{
	struct chunk_loader_counters loader;

	chunk_loader_get_counters(ctx->loader, &loader);
	switch (status) {
	case STATUS_CHUNKS:
		return index_file_chunks(ctx->index)->count;
	case STATUS_CHUNKS_FETCHED:
		return loader.fetched_chunks;
	case STATUS_BYTES_FETCHED:
		return loader.fetched_bytes;
	case STATUS_RANGES_FETCHED:
		return loader.fetched_ranges;
	case STATUS_CACHE_HITS:
		return loader.cache_hits;
	case STATUS_MEMORY_HITS:
		return loader.memory_hits;
	case STATUS_BAD_DIGESTS:
		return loader.bad_digests;
	case STATUS_FUSE_REQUESTS:
		return __atomic_load_n(&ctx->counters.requests,
				       __ATOMIC_RELAXED);
	case STATUS_PASSTHROUGH_OPENS:
		return __atomic_load_n(&ctx->counters.passthrough_opens,
				       __ATOMIC_RELAXED);
	case STATUS_IMAGE: /* no number */
	case STATUS_COUNT:
		break;
	}
	return 0;
}

size_t fs_status_format(const struct fs_context *ctx, size_t position,
			char ret[FS_STATUS_VALUE_SIZE])
{
	char digest[DIGEST_TEXT_SIZE];
	int size;

	assert(position < STATUS_COUNT);
	if (position == STATUS_IMAGE) {
		digest_format(index_file_manifest_digest(ctx->index), digest);
		size = snprintf(ret, FS_STATUS_VALUE_SIZE, "%s", digest);
	} else {
		size = snprintf(ret, FS_STATUS_VALUE_SIZE, "%" PRIu64,
				get_number(ctx, (enum status)position));
	}
	assert(size > 0 && size < FS_STATUS_VALUE_SIZE);
	return (size_t)size;
}
