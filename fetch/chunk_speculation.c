/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_speculation.h"

#include "common/chunk_ref.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_flight.h"
#include "fetch/chunk_pace.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_prefetch.h"
#include "fetch/chunk_touches.h"

enum { ROUND_TRIP_SHARE = 2 };

struct gathering {
	const struct chunk_parts *parts;
	uint32_t blob;
	uint64_t end; /* of what is taken along */
	struct chunk_flight **ret;
	size_t count;
	size_t count_max;
};

size_t chunk_speculation_size(const struct chunk_link *link)
{
	uint64_t size;

	if (link->rtt_us < CHUNK_PACE_NEAR_US)
		return 0;
	/* rates and times that overflow are beyond any link */
	size = link->rate / 1000 * (link->rtt_us / 1000) / ROUND_TRIP_SHARE;
	return size < CHUNK_SPECULATION_SIZE_MAX ? (size_t)size
						 : CHUNK_SPECULATION_SIZE_MAX;
}

static const struct chunk_flight *last_of(struct chunk_flight *const *flights,
					  size_t count)
{
	const struct chunk_flight *last = NULL;

	for (size_t i = 0; i < count; i++)
		if (flights[i] && (!last || flights[i]->number > last->number))
			last = flights[i];
	return last;
}

static void reach(struct gathering *gathering, uint32_t number)
{
	while (gathering->count < gathering->count_max &&
	       number++ != UINT32_MAX) {
		struct chunk_flight *flight;
		struct chunk_ref ref;

		if (chunk_parts_get_ref(gathering->parts, number, &ref, NULL) <
			    0 ||
		    ref.blob != gathering->blob ||
		    ref.stored_size > CHUNK_SPECULATION_COLD_SIZE ||
		    ref.stored_off + ref.stored_size > gathering->end)
			return;
		if (chunk_prefetch_is_at_hand(gathering->parts, number))
			continue;
		flight = chunk_flight_create(gathering->parts->table, number,
					     &ref, CHUNK_READ_AHEAD);
		if (!flight)
			return;
		gathering->ret[gathering->count++] = flight;
	}
}

static bool may_make(struct chunk_speculation *speculation)
{
	struct chunk_touches_counters touched;
	uint64_t allowed;

	if (!speculation->touches || !speculation->parts->cache)
		return false;
	chunk_touches_get_counters(speculation->touches, &touched);
	allowed = CHUNK_SPECULATION_FREE +
		  CHUNK_SPECULATION_SHARE * (uint64_t)touched.others;
	return __atomic_load_n(&speculation->made, __ATOMIC_RELAXED) < allowed;
}

size_t chunk_speculation_gather(struct chunk_speculation *speculation,
				struct chunk_flight *const *flights,
				size_t count, struct chunk_flight **ret,
				size_t count_max)
{
	const struct chunk_flight *last = last_of(flights, count);
	struct gathering gathering = {
		.parts = speculation->parts,
		.ret = ret,
		.count_max = count_max,
	};
	struct chunk_link link;
	size_t size;

	if (!last || !may_make(speculation))
		return 0;
	chunk_board_get_link(speculation->parts->board, &link);
	size = chunk_speculation_size(&link);
	if (size == 0)
		return 0;
	gathering.blob = last->ref.blob;
	gathering.end = last->ref.stored_off + last->ref.stored_size + size;
	reach(&gathering, last->number);
	__atomic_fetch_add(&speculation->made, gathering.count,
			   __ATOMIC_RELAXED);
	return gathering.count;
}
