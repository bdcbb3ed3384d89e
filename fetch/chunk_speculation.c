/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_speculation.h"

#include "common/chunk_ref.h"
#include "fetch/chunk_flight.h"
#include "fetch/chunk_pace.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_prefetch.h"

#include <stdbool.h>

enum { ROUND_TRIP_SHARE = 2 };

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

size_t chunk_speculation_gather(const struct chunk_parts *parts,
				struct chunk_flight *const *flights,
				size_t count, size_t size,
				struct chunk_flight **ret, size_t count_max)
{
	const struct chunk_flight *last = last_of(flights, count);
	struct chunk_ref ref;
	size_t taken = 0;
	size_t made = 0;

	if (!last)
		return 0;
	for (uint32_t number = last->number; made < count_max; made++) {
		if (number++ == UINT32_MAX ||
		    chunk_parts_get_ref(parts, number, &ref, NULL) < 0 ||
		    ref.blob != last->ref.blob ||
		    ref.stored_size > CHUNK_SPECULATION_COLD_SIZE ||
		    taken + ref.stored_size > size ||
		    chunk_prefetch_is_at_hand(parts, number))
			break;
		ret[made] = chunk_flight_create(parts->table, number, &ref,
						CHUNK_READ_AHEAD);
		if (!ret[made])
			break;
		taken += ref.stored_size;
	}
	return made;
}
