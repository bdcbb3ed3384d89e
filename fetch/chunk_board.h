/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_board: where callers, scheduler, workers and the network's answers
 * meet: chunk_traffic behind the loader's one lock.  Internal to the loader.
 *
 * The board is reference counted, because a range may be answered after the
 * loader is gone.
 *
 * Threads: any.  The lock is a leaf, never held across I/O, a callback or an
 * allocation.  Only chunk_board_next_step() and chunk_board_next_landing()
 * wait.  What a function leaves in an outcome is settled by its caller.
 */
#include "fetch/chunk_traffic.h"

struct chunk_board;
struct chunk_step;

/** chunk_board_create() - one reference; NULL: no memory */
struct chunk_board *chunk_board_create(
	const struct chunk_traffic_limits *limits);

/** chunk_board_set_link() - where the link can be asked about, before anything
 * is; any thread, must not block */
void chunk_board_set_link(struct chunk_board *board,
			  void (*get_link)(void *arg, struct chunk_link *ret),
			  void *arg);

void chunk_board_get_link(const struct chunk_board *board,
			  struct chunk_link *ret);

/** chunk_board_pace() - for chunk_pace_size() and chunk_pace_scale() only */
const struct chunk_pace *chunk_board_pace(const struct chunk_board *board);

void chunk_board_unref(struct chunk_board *board); /* NULL is allowed */

/** chunk_board_counters() - add to them by chunk_traffic_count() only */
struct chunk_loader_counters *chunk_board_counters(struct chunk_board *board);

/* -- for callers of the loader */

/** chunk_board_find() - a chunk in memory, as a new reference; NULL: absent */
struct chunk *chunk_board_find(struct chunk_board *board, uint32_t number);

/** chunk_board_keep() - put a chunk into memory */
void chunk_board_keep(struct chunk_board *board, struct chunk *chunk,
		      struct chunk_outcome *outcome);

/**
 * chunk_board_fill() - give a request what is in memory
 * @ret_in_flight: for each of its chunks, whether a flight brings it
 */
void chunk_board_fill(struct chunk_board *board, struct chunk_request *request,
		      bool *ret_in_flight);

/**
 * chunk_board_join() - let a request wait for what it misses
 * @flights:    a fresh one for each missing chunk; those used are set to NULL
 * @companions: to be fetched along, in the same step, so that the scheduler
 *              sees all of them together; those used are set to NULL
 *
 * Afterwards the request belongs to the board, or, when nothing was missing
 * after all, is in the outcome.
 *
 * Return: 0, or -ECANCELED (stopped), -ENOMEM (too many flights), and the
 * request is still the caller's.
 */
int chunk_board_join(struct chunk_board *board, struct chunk_request *request,
		     struct chunk_flight **flights,
		     struct chunk_flight **companions, size_t companion_count,
		     struct chunk_outcome *outcome);

/** chunk_board_wants() - whether a prefetch of this chunk would be taken */
bool chunk_board_wants(struct chunk_board *board, uint32_t number);

/** chunk_board_is_in_flight() - whether a flight of this chunk is under way */
bool chunk_board_is_in_flight(struct chunk_board *board, uint32_t number);

/**
 * chunk_board_expect() - a chunk is about to be read
 *
 * When it is on its way, it will be put into memory although nobody waits yet.
 *
 * Return: whether it is in memory or on its way.
 */
bool chunk_board_expect(struct chunk_board *board, uint32_t number);

/**
 * chunk_board_prefetch() - start flights that nobody waits for
 * @flights: those that were started are set to NULL
 *
 * Return: how many were started.
 */
size_t chunk_board_prefetch(struct chunk_board *board,
			    struct chunk_flight **flights, size_t count);

/** chunk_board_count_queued() - flights of that priority without a range */
size_t chunk_board_count_queued(struct chunk_board *board,
				enum chunk_priority priority);

/** chunk_board_drop_queued() - end those */
void chunk_board_drop_queued(struct chunk_board *board,
			     enum chunk_priority priority,
			     struct chunk_outcome *outcome);

/* -- for the scheduler */

/**
 * chunk_board_next_step() - wait for something to do
 * @ret_step: flights to probe, or none: then only the outcome is to be settled
 *
 * Return: false when the board was stopped.
 */
bool chunk_board_next_step(struct chunk_board *board,
			   struct chunk_step *ret_step,
			   struct chunk_outcome *outcome);

/**
 * chunk_board_start() - act on a step that was probed
 * @range: a fresh one; NULL (no memory) fails what would be fetched
 *
 * Return: true when @range is to be fetched now; it belongs to the board then,
 * and chunk_board_answer() is its callback.
 */
bool chunk_board_start(struct chunk_board *board, const struct chunk_step *step,
		       struct chunk_range *range,
		       struct chunk_outcome *outcome);

/** chunk_board_progress() - a range_progress_fn; @arg is the range */
void chunk_board_progress(void *arg, const uint8_t *data, size_t size);

/** chunk_board_answer() - a range_done_fn; @arg is the range */
void chunk_board_answer(void *arg, int result, uint8_t *data,
			const struct error *err);

/* -- for workers; see chunk_traffic.h for what they do */

/**
 * chunk_board_next_landing() - wait for a flight
 * @least: of this priority or a higher one: CHUNK_READ_AHEAD or CHUNK_FILL
 *
 * Return: NULL when stopped.
 */
struct chunk_flight *chunk_board_next_landing(struct chunk_board *board,
					      enum chunk_priority least);
void chunk_board_deliver(struct chunk_board *board, struct chunk_flight *flight,
			 struct chunk *chunk, struct chunk_outcome *outcome);
void chunk_board_land(struct chunk_board *board, struct chunk_flight *flight,
		      struct chunk *chunk, bool is_cached,
		      struct chunk_outcome *outcome);
void chunk_board_retry(struct chunk_board *board, struct chunk_flight *flight,
		       int code, const struct error *err,
		       struct chunk_outcome *outcome);
void chunk_board_fail(struct chunk_board *board, struct chunk_flight *flight,
		      int code, const struct error *err,
		      struct chunk_outcome *outcome);

/* -- for the end */

/** chunk_board_stop() - make both next functions return; no joins any more */
void chunk_board_stop(struct chunk_board *board);

/** chunk_board_drain() - end everything with -ECANCELED, after stop() and when
 * scheduler and workers have ended */
void chunk_board_drain(struct chunk_board *board,
		       struct chunk_outcome *outcome);
