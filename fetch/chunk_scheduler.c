/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only thread that starts ranges, so that planning needs no guard beyond
 * the board's lock.  Between taking a step and acting on it the step's flights
 * are PROBING and belong to this thread; the cache and the claims are asked
 * about them without the lock.
 *
 * It blocks on the local disk (fcntl, fstatat), on local files that are blobs,
 * and in callbacks of requests whose deadline passed; never on the network.
 */
#include "fetch/chunk_scheduler.h"

#include "common/clock.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_parts.h"
#include "fetch/chunk_range.h"
#include "fetch/chunk_schedule.h"
#include "fetch/range_source.h"

#include <stdbool.h>

enum { SAYING_SHARE = 60 }; /* of a deadline: 2 s of 120 */

static enum chunk_probe probe(const struct chunk_parts *parts,
			      const struct chunk_flight *flight)
{
	const struct digest *key = &flight->key;
	bool is_claimed;

	if (!parts->cache || !flight->has_key || flight->is_claimed)
		return CHUNK_PROBE_UNCLAIMED;
	is_claimed =
		chunk_cache_try_claim(parts->cache, key) == CHUNK_CACHE_CLAIMED;
	/* The one before us may have stored it just now: look, after that. */
	if (!chunk_cache_has(parts->cache, key, flight->ref.raw_size))
		return is_claimed ? CHUNK_PROBE_CLAIMED : CHUNK_PROBE_TAKEN;
	if (is_claimed)
		chunk_cache_unclaim(parts->cache, key);
	return CHUNK_PROBE_CACHED;
}

static bool probe_is_ours(const struct chunk_parts *parts,
			  struct chunk_step *step, size_t i)
{
	step->probes[i] = probe(parts, step->flights[i]);
	return step->probes[i] == CHUNK_PROBE_CLAIMED ||
	       step->probes[i] == CHUNK_PROBE_UNCLAIMED;
}

/* Ours is one run around the first: what others fetch is not fetched along. */
static void probe_step(const struct chunk_parts *parts, struct chunk_step *step)
{
	if (!probe_is_ours(parts, step, step->first))
		return;
	for (size_t i = step->first + 1; i < step->count; i++) {
		if (!probe_is_ours(parts, step, i))
			break;
	}
	for (size_t i = step->first; i > 0; i--) {
		if (!probe_is_ours(parts, step, i - 1))
			break;
	}
}

/* Earlier than the readers' own, so that they are told what the servers did
 * and not only that nothing came. */
static int64_t source_deadline_ms(const struct chunk_range *range)
{
	int64_t left_ms = range->deadline_ms - clock_ms();

	return range->deadline_ms - (left_ms > 0 ? left_ms / SAYING_SHARE : 0);
}

void *chunk_scheduler_run(void *arg)
{
	const struct chunk_parts *parts = arg;
	struct chunk_board *board = parts->board;
	struct chunk_range *range = NULL;
	struct chunk_outcome outcome = { 0 };
	struct chunk_step step;

	while (chunk_board_next_step(board, &step, &outcome)) {
		bool is_started = false;

		if (!range)
			range = chunk_range_create();
		if (step.count > 0) {
			probe_step(parts, &step);
			is_started = chunk_board_start(board, &step, range,
						       &outcome);
		}
		chunk_outcome_settle(&outcome, parts->cache);
		if (!is_started)
			continue;
		range_source_fetch_watched(
			parts->sources[range->blob], range->off, range->size,
			source_deadline_ms(range), chunk_board_progress,
			chunk_board_answer, range);
		range = NULL;
	}
	chunk_range_destroy(range);
	return NULL;
}
