/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_parts.h"

#include "common/chunk_ref.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "fetch/chunk.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_cache_check.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_record.h"
#include "fetch/range_source.h"

#include <errno.h>

int chunk_parts_get_ref(const struct chunk_parts *parts, uint32_t number,
			struct chunk_ref *ret, struct error *err)
{
	struct chunk_ref ref;
	int r = chunk_table_get(parts->table, number, &ref);

	if (r < 0)
		return error_set(err, r,
				 "chunk %u of %u: the index is damaged; index "
				 "the image again",
				 number, parts->table->count);
	if (ref.blob >= parts->source_count ||
	    !le_range_fits(ref.stored_off, ref.stored_size,
			   parts->sources[ref.blob]->size))
		return error_set(err, -EBADMSG,
				 "chunk %u lies outside of its blob (%u): the "
				 "index is not this image's; index it again",
				 number, ref.blob);
	*ret = ref;
	return 0;
}

int chunk_parts_take(const struct chunk_parts *parts, uint32_t number,
		     uint32_t size, struct chunk_cache_check *check,
		     struct chunk **ret)
{
	autoclose int fd = chunk_cache_check_take(check);

	*ret = chunk_create_in_file(number, fd, CHUNK_RECORD_HEADER_SIZE, size);
	if (!*ret)
		return -ENOMEM;
	fd = -1;
	chunk_traffic_count(&chunk_board_counters(parts->board)->cache_hits, 1);
	return CHUNK_LOADER_FOUND;
}

/* Without a copy: as chunk_parts_load() */
static int open_chunk(const struct chunk_parts *parts, uint32_t number,
		      uint32_t size, const struct digest *key,
		      struct chunk **ret)
{
	CLEANUP(chunk_cache_check_closep)
	struct chunk_cache_check *check = NULL;
	int r = chunk_cache_check_open(parts->cache, key, size, &check);

	if (r != CHUNK_CACHE_HIT)
		return r < 0 ? r : CHUNK_LOADER_ABSENT;
	if (chunk_cache_check_finish(check) != CHUNK_CACHE_CHECK_DONE)
		return CHUNK_LOADER_ABSENT;
	return chunk_parts_take(parts, number, size, check, ret);
}

static int load_chunk(const struct chunk_parts *parts, uint32_t number,
		      uint32_t size, const struct digest *key,
		      struct chunk **ret)
{
	autofree uint8_t *data = malloc(size ? size : 1);

	if (!data)
		return -ENOMEM;
	if (chunk_cache_load(parts->cache, key, data, size) != CHUNK_CACHE_HIT)
		return CHUNK_LOADER_ABSENT;
	*ret = chunk_create(number, data, size);
	if (!*ret)
		return -ENOMEM;
	data = NULL;
	chunk_traffic_count(&chunk_board_counters(parts->board)->cache_hits, 1);
	return CHUNK_LOADER_FOUND;
}

int chunk_parts_load(const struct chunk_parts *parts, uint32_t number,
		     uint32_t size, const struct digest *key,
		     struct chunk **ret)
{
	if (!parts->cache)
		return CHUNK_LOADER_ABSENT;
	return size >= CHUNK_PARTS_IN_FILE_MIN
		       ? open_chunk(parts, number, size, key, ret)
		       : load_chunk(parts, number, size, key, ret);
}
