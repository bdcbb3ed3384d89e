/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_flight: one chunk on its way from a source, and the table of them.
 * Internal to the loader.
 *
 * Whoever wants a chunk that is in the table waits for that flight: there is
 * one per chunk.  A flight without waiters is a prefetch.
 *
 *	            +------> WAITING (another process has the claim)
 *	            |          |
 *	QUEUED -> PROBING <----+
 *	  ^         |
 *	  |         +------> FETCHING -> READY -> LANDING -> removed
 *	  |         |                      ^         |
 *	  |         +- in the cache -------+         |
 *	  +----------------- wrong bytes ------------+
 *
 * Threads: none of its own; the board's lock.
 */
#include "common/chunk_ref.h"
#include "common/digest.h"
#include "fetch/chunk_loader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_range;
struct chunk_waiter;

enum {
	CHUNK_FLIGHT_BUCKETS = 1024,
	CHUNK_FLIGHT_PRIORITIES = CHUNK_FILL + 1,
};

#define CHUNK_FLIGHT_NO_RUN UINT32_MAX

enum chunk_flight_state {
	CHUNK_FLIGHT_QUEUED,   /* to be planned */
	CHUNK_FLIGHT_PROBING,  /* the scheduler asks the cache about it */
	CHUNK_FLIGHT_WAITING,  /* until probe_ms */
	CHUNK_FLIGHT_FETCHING, /* part of @range */
	CHUNK_FLIGHT_READY,    /* for the next worker: body or cache file */
	CHUNK_FLIGHT_LANDING,  /* with a worker */
	CHUNK_FLIGHT_STATES,
};

struct chunk_flight {
	/* immutable */
	uint32_t number;
	struct chunk_ref ref;
	/* Flights of one run share ranges with each other and with no others;
	 * CHUNK_FLIGHT_NO_RUN: with all others that have none. */
	uint32_t run;
	bool has_key; /* else it has no place in the cache */
	struct digest key;

	/* -- protected by the board's lock */
	enum chunk_flight_state state;
	enum chunk_priority priority;
	bool is_claimed;	   /* unclaim it when it ends */
	bool is_kept;		   /* its chunk has been put into memory */
	bool goes_to_memory;	   /* although nobody waits for it */
	unsigned attempts;	   /* that came to nothing */
	int64_t wait_start_ms;	   /* of WAITING, 0: never did */
	int64_t wait_ms;	   /* the latest pause */
	int64_t probe_ms;	   /* end of the pause */
	struct chunk_range *range; /* whose body it needs, else NULL */
	uint8_t *stored; /* its own copy of its bytes, taken from a range that
			    is still coming; READY and LANDING, else NULL */
	struct chunk_waiter *waiters;
	struct chunk_flight *hash_next;
	struct chunk_flight *prev; /* in its list, or an outcome's */
	struct chunk_flight *next;
};

struct chunk_flight_table {
	size_t count;
	/* number of flights in each state */
	size_t state_counts[CHUNK_FLIGHT_STATES];
	/* oldest first */
	struct chunk_flight
		*lists[CHUNK_FLIGHT_STATES][CHUNK_FLIGHT_PRIORITIES];
	struct chunk_flight *buckets[CHUNK_FLIGHT_BUCKETS];
};

/** chunk_flight_create() - not in a table yet, in no run; NULL: no memory
 * @chunks: names the chunk in the cache */
struct chunk_flight *chunk_flight_create(const struct chunk_table *chunks,
					 uint32_t number,
					 const struct chunk_ref *ref,
					 enum chunk_priority priority);

/** chunk_flight_destroy() - in no table, nobody waits; NULL is allowed */
void chunk_flight_destroy(struct chunk_flight *flight);

/** chunk_flight_table_find() - NULL when that chunk is not in flight */
struct chunk_flight *chunk_flight_table_find(
	const struct chunk_flight_table *table, uint32_t number);

/** chunk_flight_table_add() - a new one, QUEUED; its number is not there */
void chunk_flight_table_add(struct chunk_flight_table *table,
			    struct chunk_flight *flight);
void chunk_flight_table_remove(struct chunk_flight_table *table,
			       struct chunk_flight *flight);

/** chunk_flight_table_move() - to another state, behind those there */
void chunk_flight_table_move(struct chunk_flight_table *table,
			     struct chunk_flight *flight,
			     enum chunk_flight_state state);

/** chunk_flight_table_return() - back to QUEUED, before those there */
void chunk_flight_table_return(struct chunk_flight_table *table,
			       struct chunk_flight *flight);

/** chunk_flight_table_raise() - to a higher priority; a lower one: nothing */
void chunk_flight_table_raise(struct chunk_flight_table *table,
			      struct chunk_flight *flight,
			      enum chunk_priority priority);

/** chunk_flight_table_first() - of the highest priority; NULL: none */
struct chunk_flight *chunk_flight_table_first(
	const struct chunk_flight_table *table, enum chunk_flight_state state);

/** chunk_flight_table_selfcheck() - assert every invariant; for tests */
void chunk_flight_table_selfcheck(const struct chunk_flight_table *table);
