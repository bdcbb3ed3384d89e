/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile_chunks.h"

#include "common/chunk_ref.h"
#include "common/cleanup.h"
#include "fetch/chunk_touches.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int profile_chunks_collect(const struct chunk_touches *touches,
			   uint32_t start_ms, const struct chunk_table *table,
			   struct profile_entry **ret, uint32_t *ret_count)
{
	struct profile_entry *entries;
	struct chunk_ref ref;
	uint32_t count = 0;
	uint32_t room = 0;
	uint32_t time_ms;

	for (uint32_t i = 0; i < table->count; i++)
		room += chunk_touches_find(touches, i, NULL);
	entries = calloc((size_t)room + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	/* others may be touched meanwhile */
	for (uint32_t i = 0; i < table->count && count < room; i++) {
		if (!chunk_touches_find(touches, i, &time_ms))
			continue;
		time_ms -= time_ms < start_ms ? time_ms : start_ms;
		if (time_ms > PROFILE_CHUNKS_TIME_MS_MAX ||
		    chunk_table_get(table, i, &ref) < 0)
			continue;
		entries[count++] = (struct profile_entry){
			.off = ref.stored_off,
			.size = ref.stored_size,
			.first_ms = time_ms,
			.blob = (uint16_t)ref.blob,
			.seen = 1,
		};
	}
	*ret = entries;
	*ret_count = count;
	return 0;
}

/* Whether a chunk ends at or before @off of @blob.  Neighbours may share a
 * byte, which belongs to either. */
static bool is_before(const struct chunk_ref *ref, uint32_t blob, uint64_t off)
{
	if (ref->blob != blob)
		return ref->blob < blob;
	return ref->stored_off + ref->stored_size <= off + 1;
}

/* The first chunk that reaches beyond @off.  The table is in the order of
 * blobs and offsets; one that is not gives some other number. */
static uint32_t find_first(const struct chunk_table *table, uint32_t blob,
			   uint64_t off)
{
	uint32_t low = 0;
	uint32_t high = table->count;
	struct chunk_ref ref;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (chunk_table_get(table, middle, &ref) < 0)
			return table->count;
		if (is_before(&ref, blob, off))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct found {
	struct profile_chunk *chunks;
	uint32_t count;
	uint32_t room;
};

static int add(struct found *found, uint32_t number, uint32_t first_ms)
{
	struct profile_chunk *chunks;
	uint32_t room = found->room ? found->room * 2 : 256;

	if (found->count == found->room) {
		chunks = reallocarray(found->chunks, room, sizeof(*chunks));
		if (!chunks)
			return -ENOMEM;
		found->chunks = chunks;
		found->room = room;
	}
	found->chunks[found->count++] =
		(struct profile_chunk){ number, first_ms };
	return 0;
}

static int find(const struct profile_entry *entry, uint32_t blob,
		const struct chunk_table *table, struct chunk_touches *touches,
		struct found *found)
{
	uint64_t end = entry->off + entry->size;
	uint32_t number = find_first(table, blob, entry->off);
	struct chunk_ref ref;
	int r = 0;

	for (; r == 0 && number < table->count; number++) {
		if (chunk_table_get(table, number, &ref) < 0 ||
		    ref.blob != blob || ref.stored_off + 1 >= end)
			break;
		if (chunk_touches_expect(touches, number))
			r = add(found, number, entry->first_ms);
	}
	return r;
}

int profile_chunks_find(const struct profile_entry *entries, uint32_t count,
			const uint32_t *blobs, const struct chunk_table *table,
			struct chunk_touches *touches,
			struct profile_chunk **ret, uint32_t *ret_count)
{
	struct found found = { 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		uint32_t blob = blobs[entries[i].blob];

		if (blob != UINT32_MAX)
			r = find(&entries[i], blob, table, touches, &found);
	}
	if (r < 0) {
		free(found.chunks);
		return r;
	}
	*ret = found.chunks;
	*ret_count = found.count;
	return 0;
}
