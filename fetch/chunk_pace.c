/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_pace.h"

#include <assert.h>

void chunk_pace_init(struct chunk_pace *pace, size_t narrow, size_t wide)
{
	assert(narrow > 0 && wide >= narrow);
	*pace = (struct chunk_pace){
		.narrow = narrow,
		.wide = wide,
		.size = narrow,
	};
}

static void end_slot(struct chunk_pace *pace, int64_t now_ms)
{
	uint64_t rate =
		pace->slot_size * 1000 / (uint64_t)(now_ms - pace->slot_ms);

	/* a slot with little to do says little: the best one fades */
	pace->rate -= pace->rate / 8;
	if (rate > pace->rate)
		pace->rate = rate;
	pace->slot_ms = now_ms;
	pace->slot_size = 0;
}

void chunk_pace_note(struct chunk_pace *pace, int64_t now_ms, size_t size,
		     uint64_t rtt_us)
{
	uint64_t wanted;

	pace->rtt_us = rtt_us;
	if (pace->slot_ms == 0)
		pace->slot_ms = now_ms;
	pace->slot_size += size;
	if (now_ms - pace->slot_ms >= CHUNK_PACE_SLOT_MS)
		end_slot(pace, now_ms);
	/* rates and times that overflow are beyond any link */
	wanted = pace->rate / 1000 * (rtt_us / 1000) * CHUNK_PACE_PRODUCTS;
	if (wanted < pace->narrow)
		wanted = pace->narrow;
	if (wanted > pace->wide)
		wanted = pace->wide;
	__atomic_store_n(&pace->size, (size_t)wanted, __ATOMIC_RELAXED);
	wanted *= CHUNK_PACE_AHEAD;
	if (wanted > pace->rate)
		wanted = pace->rate;
	if (rtt_us < CHUNK_PACE_NEAR_US)
		wanted = 0;
	__atomic_store_n(&pace->ahead, (size_t)wanted, __ATOMIC_RELAXED);
}

size_t chunk_pace_size(const struct chunk_pace *pace)
{
	return __atomic_load_n(&pace->size, __ATOMIC_RELAXED);
}

size_t chunk_pace_ahead(const struct chunk_pace *pace)
{
	return __atomic_load_n(&pace->ahead, __ATOMIC_RELAXED);
}

unsigned chunk_pace_scale(const struct chunk_pace *pace, unsigned count)
{
	return (unsigned)(chunk_pace_size(pace) * (uint64_t)count /
			  pace->narrow);
}
