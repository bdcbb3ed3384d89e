/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_outcome.h"

#include "fetch/chunk_cache.h"
#include "fetch/chunk_flight.h"
#include "fetch/chunk_memory.h"
#include "fetch/chunk_range.h"
#include "fetch/chunk_request.h"

#include <assert.h>
#include <utlist.h>

void chunk_outcome_settle(struct chunk_outcome *outcome,
			  struct chunk_cache *cache)
{
	struct chunk_request *request;
	struct chunk_request *next_request;
	struct chunk_flight *flight;
	struct chunk_flight *next_flight;
	struct chunk_range *range;
	struct chunk_range *next_range;

	/* Readers first: they wait. */
	DL_FOREACH_SAFE (outcome->finished, request, next_request) {
		DL_DELETE(outcome->finished, request);
		chunk_request_finish(request);
	}
	DL_FOREACH_SAFE (outcome->ended, flight, next_flight) {
		DL_DELETE(outcome->ended, flight);
		if (flight->is_claimed) {
			assert(cache);
			chunk_cache_unclaim(cache, &flight->key);
			flight->is_claimed = false;
		}
		chunk_flight_destroy(flight);
	}
	chunk_memory_release(outcome->given_up);
	DL_FOREACH_SAFE (outcome->ranges, range, next_range) {
		DL_DELETE(outcome->ranges, range);
		chunk_range_destroy(range);
	}
	*outcome = (struct chunk_outcome){ 0 };
}
