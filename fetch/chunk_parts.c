/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_parts.h"

#include "common/chunk_ref.h"
#include "common/error.h"
#include "common/le.h"
#include "fetch/chunk.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_loader.h"
#include "fetch/range_source.h"

#include <errno.h>
#include <sys/mman.h>

/* Smaller chunks are copied: mapping would cost more than it saves. */
enum { MAP_SIZE_MIN = 128 << 10 };

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

/* Without a copy: as chunk_parts_load(), or -ENOTSUP */
static int map_chunk(const struct chunk_parts *parts, uint32_t number,
		     uint32_t size, const struct digest *key,
		     struct chunk **ret)
{
	struct chunk_cache_map map;
	struct chunk *chunk;
	int r = chunk_cache_map(parts->cache, key, size, &map);

	if (r != CHUNK_CACHE_HIT)
		return r < 0 ? r : CHUNK_LOADER_ABSENT;
	chunk = chunk_create_mapped(number, map.data, size, map.base, map.size);
	if (!chunk) {
		munmap(map.base, map.size);
		return -ENOMEM;
	}
	chunk_traffic_count(&chunk_board_counters(parts->board)->cache_hits, 1);
	*ret = chunk;
	return CHUNK_LOADER_FOUND;
}

int chunk_parts_load(const struct chunk_parts *parts, uint32_t number,
		     uint32_t size, const struct digest *key,
		     struct chunk **ret)
{
	autofree uint8_t *data = NULL;
	struct chunk *chunk;

	if (!parts->cache)
		return CHUNK_LOADER_ABSENT;
	if (size >= MAP_SIZE_MIN) {
		int r = map_chunk(parts, number, size, key, ret);

		if (r != -ENOTSUP)
			return r;
	}
	data = malloc(size ? size : 1);
	if (!data)
		return -ENOMEM;
	if (chunk_cache_load(parts->cache, key, data, size) != CHUNK_CACHE_HIT)
		return CHUNK_LOADER_ABSENT;
	chunk = chunk_create(number, data, size);
	if (!chunk)
		return -ENOMEM;
	data = NULL;
	chunk_traffic_count(&chunk_board_counters(parts->board)->cache_hits, 1);
	*ret = chunk;
	return CHUNK_LOADER_FOUND;
}
