/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_block.h"

#include "common/chunk_ref.h"
#include "fetch/chunk_flight.h"
#include "fetch/chunk_parts.h"
#include "fetch/range_source.h"

#include <stdbool.h>

/* The blocks that a chunk touches. */
struct window {
	uint32_t blob;
	uint64_t off;
	uint64_t end;
};

struct gathering {
	const struct chunk_parts *parts;
	struct chunk_flight **ret;
	size_t count;
};

static uint64_t end_of(const struct chunk_ref *ref)
{
	return ref->stored_off + ref->stored_size;
}

static bool add(struct gathering *gathering, uint32_t number,
		const struct chunk_ref *ref)
{
	struct chunk_flight *flight =
		gathering->count < CHUNK_BLOCK_COMPANIONS_MAX
			? chunk_flight_create(gathering->parts->table, number,
					      ref, CHUNK_READ_AHEAD)
			: NULL;

	if (flight)
		gathering->ret[gathering->count++] = flight;
	return flight;
}

/* In one direction, as far as chunks lie within the window. */
static void reach(struct gathering *gathering, const struct window *window,
		  uint32_t number, int step)
{
	struct chunk_ref ref;

	for (unsigned i = 0; i < CHUNK_BLOCK_REACH_MAX; i++) {
		if (number == (step < 0 ? 0 : UINT32_MAX))
			return;
		number += (uint32_t)step;
		if (chunk_parts_get_ref(gathering->parts, number, &ref, NULL) <
			    0 ||
		    ref.blob != window->blob || ref.stored_off < window->off ||
		    end_of(&ref) > window->end || !add(gathering, number, &ref))
			return;
	}
}

size_t chunk_block_gather(const struct chunk_parts *parts,
			  struct chunk_flight *const *flights, size_t count,
			  struct chunk_flight *ret[CHUNK_BLOCK_COMPANIONS_MAX])
{
	struct gathering gathering = { .parts = parts, .ret = ret };

	for (size_t i = 0; i < count; i++) {
		const struct chunk_ref *ref;
		struct window window;
		uint64_t size;

		if (!flights[i])
			continue;
		ref = &flights[i]->ref;
		size = parts->sources[ref->blob]->alignment;
		if (size < 2)
			continue;
		window.blob = ref->blob;
		window.off = ref->stored_off / size * size;
		window.end = (end_of(ref) + size - 1) / size * size;
		reach(&gathering, &window, flights[i]->number, 1);
		reach(&gathering, &window, flights[i]->number, -1);
	}
	return gathering.count;
}
