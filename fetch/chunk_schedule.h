/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_schedule: what the scheduler does next: which flights, when, in which
 * range.  Pure decisions over chunk_traffic; internal to the loader.
 *
 * Demands overtake everything, and prefetches leave a quarter of the slots and
 * bytes free, so that a demand starts at once.
 *
 * Threads: none of its own; chunk_board.c's lock.
 */
#include "fetch/chunk_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_flight;
struct chunk_outcome;
struct chunk_range;
struct chunk_traffic;

enum {
	/* Pauses while another process fetches a chunk; they double. */
	CHUNK_SCHEDULE_WAIT_MS_MIN = 4,
	CHUNK_SCHEDULE_WAIT_MS_MAX = 50,
	/* After this part of the deadline a demand goes without the claim. */
	CHUNK_SCHEDULE_PATIENCE = 8,
};

/* What the scheduler learnt about a flight of its step. */
enum chunk_probe {
	CHUNK_PROBE_NONE = 0,  /* did not ask */
	CHUNK_PROBE_CACHED,    /* a file of the cache has it */
	CHUNK_PROBE_TAKEN,     /* another process fetches it */
	CHUNK_PROBE_CLAIMED,   /* ours to fetch; to be unclaimed later */
	CHUNK_PROBE_UNCLAIMED, /* ours to fetch; there are no claims for it */
};

/* Flights to probe: @first, then onwards from it, then back from it, in each
 * direction until one is not ours. */
struct chunk_step {
	size_t count;
	size_t first;
	struct chunk_flight *flights[CHUNK_PLAN_CHUNKS_MAX];
	enum chunk_probe probes[CHUNK_PLAN_CHUNKS_MAX];
};

/**
 * chunk_schedule_find_step() - something to do now
 * @ret_step:    its flights are PROBING; or none, when only something expired
 *               and the outcome is to be settled
 * @ret_wake_ms: when to ask again at the latest, after false; INT64_MAX: only
 *               after a change
 */
bool chunk_schedule_find_step(struct chunk_traffic *traffic, int64_t now_ms,
			      struct chunk_step *ret_step,
			      struct chunk_outcome *outcome,
			      int64_t *ret_wake_ms);

/**
 * chunk_schedule_start() - act on a step that was probed
 * @range: a fresh one; NULL (no memory) fails what would be fetched
 *
 * Return: true when @range is to be fetched now; it is the traffic's then.
 */
bool chunk_schedule_start(struct chunk_traffic *traffic, int64_t now_ms,
			  const struct chunk_step *step,
			  struct chunk_range *range,
			  struct chunk_outcome *outcome);
