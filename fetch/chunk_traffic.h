/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_traffic: which chunks are at hand, on their way, and waited for.  The
 * loader's state without its threads: internal to the loader.
 *
 * Functions here change state and do nothing else: no I/O, no callback, no
 * clock.  What must be done outside the lock comes back in an outcome.
 *
 * Threads: none of its own; chunk_board.c owns one and locks it.
 */
#include "fetch/chunk_failures.h"
#include "fetch/chunk_flight.h"
#include "fetch/chunk_memory.h"
#include "fetch/chunk_pace.h"
#include "fetch/chunk_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk;
struct chunk_outcome;
struct chunk_range;
struct chunk_request;
struct error;

enum {
	/* All flights: a server of 16384 parked reads is beyond help. */
	CHUNK_TRAFFIC_FLIGHTS_MAX = 16384,
	/* No more prefetches when there are so many flights. */
	CHUNK_TRAFFIC_PREFETCHES_MAX = 4096,
	CHUNK_TRAFFIC_ATTEMPTS_MAX = 3,
	/* Of bytes that are handed to the workers before their range is
	 * complete; what readers wait for may exceed it. */
	CHUNK_TRAFFIC_EARLY_SIZE_MAX = 4 << 20,
};

struct chunk_traffic_limits {
	size_t memory_size;
	size_t flight_size_max;	       /* on a near link */
	size_t flight_size_wide;       /* on a long one; 0: the same */
	size_t profile_flight_size;    /* for CHUNK_PROFILE at least; 0: none */
	unsigned requests_max;	       /* on a near link */
	unsigned profile_requests_max; /* for CHUNK_PROFILE at least; 0: none */
	int64_t deadline_ms;
	struct chunk_plan_limits plan;
	struct chunk_plan_limits profile_plan; /* of CHUNK_PROFILE */
};

struct chunk_traffic {
	struct chunk_traffic_limits limits;
	struct chunk_memory memory;
	struct chunk_flight_table flights;
	/* that wait, oldest deadline first: all have the same time to live */
	struct chunk_request *requests;
	/* in flight, oldest deadline first for the same reason */
	struct chunk_range *ranges;
	unsigned range_count; /* in that list */
	struct chunk_pace pace;
	size_t flight_size; /* of bodies to come and not yet freed */
	size_t early_size;  /* of the flights' own copies */
	struct chunk_failures failures;
	struct chunk_failures reasons; /* of tries whose readers still wait */
	/* atomic: other threads read and add without the lock */
	struct chunk_loader_counters counters;
};

/** chunk_traffic_count() - add to one counter; relaxed: nothing depends on it
 */
static inline void chunk_traffic_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

void chunk_traffic_init(struct chunk_traffic *traffic,
			const struct chunk_traffic_limits *limits);
void chunk_traffic_fini(struct chunk_traffic *traffic); /* after drain */

/** chunk_traffic_note_late() - a chunk did not come in time: whoever asks for
 * it in the next moment is told at once (chunk_failures.h) */
void chunk_traffic_note_late(struct chunk_traffic *traffic, int64_t now_ms,
			     uint32_t number, const struct error *err);

/** chunk_traffic_note_reason() - a try for a chunk came to nothing in its time:
 * what its readers are told if no other one helps before their deadline */
void chunk_traffic_note_reason(struct chunk_traffic *traffic, int64_t now_ms,
			       uint32_t number, const struct error *err);

/** chunk_traffic_keep() - put a chunk into memory */
void chunk_traffic_keep(struct chunk_traffic *traffic, struct chunk *chunk,
			struct chunk_outcome *outcome);

/** chunk_traffic_fill() - give a request what it misses and memory has */
void chunk_traffic_fill(struct chunk_traffic *traffic,
			struct chunk_request *request);

/**
 * chunk_traffic_join() - let a request wait for what it misses
 * @flights: a fresh one for each missing chunk; those used are set to NULL
 *
 * It fails at once when one of them failed a moment ago (chunk_failures.h).
 *
 * Return: 0, or -ENOMEM (too many flights): the request is still the caller's.
 */
int chunk_traffic_join(struct chunk_traffic *traffic, int64_t now_ms,
		       struct chunk_request *request,
		       struct chunk_flight **flights,
		       struct chunk_outcome *outcome);

/** chunk_traffic_wants() - whether a prefetch of this chunk makes sense */
bool chunk_traffic_wants(struct chunk_traffic *traffic, uint32_t number);

/** chunk_traffic_answer() - a range has been answered: its flights are READY,
 * or its answer is dropped (false) and the caller destroys it
 * @rtt_us: of the network, as far as known; 0: unknown or near
 */
bool chunk_traffic_answer(struct chunk_traffic *traffic, int64_t now_ms,
			  uint64_t rtt_us, struct chunk_range *range);

/** chunk_traffic_progress() - chunks of a range that is still coming, whole
 * within its first @size bytes and with a digest to be judged by, are READY;
 * range->next_size says when to come again
 * @data: the body so far; copied from */
void chunk_traffic_progress(struct chunk_traffic *traffic,
			    struct chunk_range *range, const uint8_t *data,
			    size_t size);

/** chunk_traffic_forget() - leave a range: its answer will be dropped; its
 * flights are the caller's to move on */
void chunk_traffic_forget(struct chunk_traffic *traffic,
			  struct chunk_range *range);

/** chunk_traffic_deliver() - give a chunk to those who wait for it; its body
 * is needed no more */
void chunk_traffic_deliver(struct chunk_traffic *traffic,
			   struct chunk_flight *flight, struct chunk *chunk,
			   struct chunk_outcome *outcome);

/** chunk_traffic_land() - end a delivered flight; without readers it needs
 * memory only when the cache does not have it */
void chunk_traffic_land(struct chunk_traffic *traffic,
			struct chunk_flight *flight, struct chunk *chunk,
			bool is_cached, struct chunk_outcome *outcome);

/** chunk_traffic_retry() - queue a flight again, or fail it after
 * CHUNK_TRAFFIC_ATTEMPTS_MAX attempts */
void chunk_traffic_retry(struct chunk_traffic *traffic,
			 struct chunk_flight *flight, int code,
			 const struct error *err,
			 struct chunk_outcome *outcome);

/** chunk_traffic_fail() - end a flight and every request that waits for it */
void chunk_traffic_fail(struct chunk_traffic *traffic,
			struct chunk_flight *flight, int code,
			const struct error *err, struct chunk_outcome *outcome);

/** chunk_traffic_fail_request() - end a request; flights that nobody waits for
 * any more end with it, unless they are on the way */
void chunk_traffic_fail_request(struct chunk_traffic *traffic,
				struct chunk_request *request, int code,
				const struct error *err,
				struct chunk_outcome *outcome);

/** chunk_traffic_end() - end a flight that nobody waits for */
void chunk_traffic_end(struct chunk_traffic *traffic,
		       struct chunk_flight *flight,
		       struct chunk_outcome *outcome);

/** chunk_traffic_drain() - end everything with -ECANCELED */
void chunk_traffic_drain(struct chunk_traffic *traffic,
			 struct chunk_outcome *outcome);

/** chunk_traffic_selfcheck() - assert every invariant */
void chunk_traffic_selfcheck(const struct chunk_traffic *traffic);
