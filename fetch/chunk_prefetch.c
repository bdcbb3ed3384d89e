/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_prefetch.h"

#include "common/cleanup.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_parts.h"

#include <stdlib.h>

/* Chunks of a run that are queued at a time. */
enum { RUN_BATCH = 64 };

/* A flight for each chunk that is wanted; how many. */
static size_t make_flights(const struct chunk_parts *parts,
			   const uint32_t *numbers, uint32_t count,
			   enum chunk_priority priority,
			   struct chunk_flight **flights)
{
	struct chunk_ref ref;
	size_t made = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!chunk_board_wants(parts->board, numbers[i]) ||
		    chunk_parts_get_ref(parts, numbers[i], &ref, NULL) < 0)
			continue;
		flights[made] = chunk_flight_create(parts->table, numbers[i],
						    &ref, priority);
		if (!flights[made])
			break;
		made++;
	}
	return made;
}

size_t chunk_prefetch_start(const struct chunk_parts *parts,
			    const uint32_t *numbers, uint32_t count,
			    enum chunk_priority priority)
{
	struct chunk_flight **flights =
		calloc((size_t)count + 1, sizeof(struct chunk_flight *));
	size_t started;
	size_t made;

	if (!flights)
		return 0;
	made = make_flights(parts, numbers, count, priority, flights);
	started = chunk_board_prefetch(parts->board, flights, made);
	for (size_t i = 0; i < made; i++)
		chunk_flight_destroy(flights[i]);
	free(flights);
	return started;
}

size_t chunk_prefetch_runs(const struct chunk_parts *parts,
			   const struct chunk_loader_run *runs,
			   size_t run_count, enum chunk_priority priority)
{
	autofree struct chunk_flight **flights = NULL;
	size_t count = 0;
	size_t started;
	size_t made = 0;

	for (size_t i = 0; i < run_count; i++)
		count += runs[i].count;
	flights = calloc(count + 1, sizeof(struct chunk_flight *));
	for (size_t i = 0; flights && i < run_count; i++) {
		size_t first = made;

		for (uint32_t k = 0; k < runs[i].count; k++) {
			uint32_t number = runs[i].first + k;

			made += make_flights(parts, &number, 1, priority,
					     &flights[made]);
		}
		for (; first < made; first++)
			flights[first]->run = runs[i].first;
	}
	if (made == 0)
		return 0;
	started = chunk_board_prefetch(parts->board, flights, made);
	for (size_t i = 0; i < made; i++)
		chunk_flight_destroy(flights[i]);
	return started;
}

size_t chunk_prefetch_run(const struct chunk_parts *parts, uint32_t first,
			  uint32_t count, enum chunk_priority priority)
{
	uint32_t numbers[RUN_BATCH];
	uint32_t table_count = parts->table->count;
	size_t started = 0;

	if (first >= table_count)
		return 0;
	if (count > table_count - first)
		count = table_count - first;
	while (count > 0) {
		uint32_t batch = count < RUN_BATCH ? count : RUN_BATCH;

		for (uint32_t i = 0; i < batch; i++)
			numbers[i] = first + i;
		started +=
			chunk_prefetch_start(parts, numbers, batch, priority);
		first += batch;
		count -= batch;
	}
	return started;
}

bool chunk_prefetch_is_at_hand(const struct chunk_parts *parts, uint32_t number)
{
	struct chunk_ref ref;
	struct digest key;

	if (!chunk_board_wants(parts->board, number))
		return true;
	if (!parts->cache || chunk_parts_get_ref(parts, number, &ref, NULL) < 0)
		return false;
	/* no digest, no key */
	if (!chunk_table_get_key(parts->table, &ref, &key))
		return false;
	return chunk_cache_has(parts->cache, &key, ref.raw_size);
}

size_t chunk_prefetch_missing(const struct chunk_parts *parts, uint32_t first,
			      uint32_t count, enum chunk_priority priority)
{
	while (count > 0 && chunk_prefetch_is_at_hand(parts, first)) {
		first++;
		count--;
	}
	return count > 0 ? chunk_prefetch_run(parts, first, count, priority)
			 : 0;
}
