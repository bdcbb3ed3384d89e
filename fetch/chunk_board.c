/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_board.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/chunk.h"
#include "fetch/chunk_range.h"
#include "fetch/chunk_request.h"
#include "fetch/chunk_schedule.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

struct chunk_board {
	struct mutex lock;
	struct condition scheduler_wakes; /* a change, or stopped */
	struct condition worker_wakes;	  /* a READY flight, or stopped */
	struct condition urgent_wakes; /* one of CHUNK_READ_AHEAD or higher */
	/* -- protected by lock */
	unsigned refs GUARDED; /* the loader, and each range in flight */
	bool is_stopped GUARDED;
	unsigned urgent_idle GUARDED; /* workers that wait for urgent_wakes */
	struct chunk_traffic traffic GUARDED;

	/* the traffic's; atomic, so outside of the lock */
	struct chunk_loader_counters *counters;
	const struct chunk_pace *pace;

	/* immutable once ranges are started */
	void (*get_link)(void *arg, struct chunk_link *ret);
	void *link_arg;
};

static struct chunk_flight *find_ready(const struct chunk_board *board,
				       enum chunk_priority least)
	REQUIRES(board->lock)
{
	struct chunk_flight *flight = chunk_flight_table_first(
		&board->traffic.flights, CHUNK_FLIGHT_READY);

	return flight && flight->priority <= least ? flight : NULL;
}

/* After every change that may give somebody something to do. */
static void wake_locked(struct chunk_board *board) REQUIRES(board->lock)
{
	const struct chunk_flight_table *flights = &board->traffic.flights;
	size_t ready = flights->state_counts[CHUNK_FLIGHT_READY];
	bool is_urgent = find_ready(board, CHUNK_READ_AHEAD) != NULL;

	/* one flight wakes one worker: a wake-up costs what a small chunk does
	 */
	if (ready > 1 && is_urgent)
		condition_broadcast(&board->urgent_wakes);
	if (ready > 1)
		condition_broadcast(&board->worker_wakes);
	else if (ready > 0 && is_urgent && board->urgent_idle > 0)
		condition_signal(&board->urgent_wakes);
	else if (ready > 0)
		condition_signal(&board->worker_wakes);
	if (flights->state_counts[CHUNK_FLIGHT_QUEUED] > 0)
		condition_signal(&board->scheduler_wakes);
}

struct chunk_board *chunk_board_create(
	const struct chunk_traffic_limits *limits)
{
	struct chunk_board *board = calloc(1, sizeof(*board));

	if (!board)
		return NULL;
	mutex_init(&board->lock);
	condition_init(&board->scheduler_wakes);
	condition_init(&board->worker_wakes);
	condition_init(&board->urgent_wakes);
	mutex_lock(&board->lock);
	board->refs = 1;
	chunk_traffic_init(&board->traffic, limits);
	board->counters = &board->traffic.counters;
	board->pace = &board->traffic.pace;
	mutex_unlock(&board->lock);
	return board;
}

void chunk_board_unref(struct chunk_board *board)
{
	unsigned left;

	if (!board)
		return;
	mutex_lock(&board->lock);
	assert(board->refs > 0);
	left = --board->refs;
	if (left == 0)
		chunk_traffic_fini(&board->traffic);
	mutex_unlock(&board->lock);
	if (left > 0)
		return;
	condition_fini(&board->worker_wakes);
	condition_fini(&board->urgent_wakes);
	condition_fini(&board->scheduler_wakes);
	mutex_fini(&board->lock);
	free(board);
}

void chunk_board_set_link(struct chunk_board *board,
			  void (*get_link)(void *arg, struct chunk_link *ret),
			  void *arg)
{
	board->get_link = get_link;
	board->link_arg = arg;
}

void chunk_board_get_link(const struct chunk_board *board,
			  struct chunk_link *ret)
{
	*ret = (struct chunk_link){ 0 };
	if (board->get_link)
		board->get_link(board->link_arg, ret);
}

const struct chunk_pace *chunk_board_pace(const struct chunk_board *board)
{
	return board->pace;
}

struct chunk_loader_counters *chunk_board_counters(struct chunk_board *board)
{
	return board->counters;
}

struct chunk *chunk_board_find(struct chunk_board *board, uint32_t number)
{
	struct chunk *chunk;

	mutex_lock(&board->lock);
	chunk = chunk_memory_find(&board->traffic.memory, number);
	if (chunk)
		chunk_ref(chunk);
	mutex_unlock(&board->lock);
	if (chunk)
		chunk_traffic_count(&board->counters->memory_hits, 1);
	return chunk;
}

void chunk_board_keep(struct chunk_board *board, struct chunk *chunk,
		      struct chunk_outcome *outcome)
{
	mutex_lock(&board->lock);
	chunk_traffic_keep(&board->traffic, chunk, outcome);
	mutex_unlock(&board->lock);
}

void chunk_board_fill(struct chunk_board *board, struct chunk_request *request,
		      bool *ret_in_flight)
{
	mutex_lock(&board->lock);
	chunk_traffic_fill(&board->traffic, request);
	for (size_t i = 0; i < request->count; i++)
		ret_in_flight[i] =
			chunk_flight_table_find(&board->traffic.flights,
						request->numbers[i]) != NULL;
	mutex_unlock(&board->lock);
}

static size_t prefetch_locked(struct chunk_board *board,
			      struct chunk_flight **flights, size_t count)
	REQUIRES(board->lock)
{
	size_t started = 0;

	for (size_t i = 0; i < count && !board->is_stopped; i++) {
		if (!chunk_traffic_wants(&board->traffic, flights[i]->number))
			continue;
		chunk_flight_table_add(&board->traffic.flights, flights[i]);
		flights[i] = NULL;
		started++;
	}
	return started;
}

int chunk_board_join(struct chunk_board *board, struct chunk_request *request,
		     struct chunk_flight **flights,
		     struct chunk_flight **companions, size_t companion_count,
		     struct chunk_outcome *outcome)
{
	int64_t now_ms = clock_ms();
	int r;

	mutex_lock(&board->lock);
	r = board->is_stopped ? -ECANCELED
			      : chunk_traffic_join(&board->traffic, now_ms,
						   request, flights, outcome);
	if (r == 0)
		(void)prefetch_locked(board, companions, companion_count);
	/* there is a new deadline, too */
	condition_signal(&board->scheduler_wakes);
	mutex_unlock(&board->lock);
	return r;
}

bool chunk_board_wants(struct chunk_board *board, uint32_t number)
{
	bool wants;

	mutex_lock(&board->lock);
	wants = chunk_traffic_wants(&board->traffic, number);
	mutex_unlock(&board->lock);
	return wants;
}

size_t chunk_board_prefetch(struct chunk_board *board,
			    struct chunk_flight **flights, size_t count)
{
	size_t started;

	mutex_lock(&board->lock);
	started = prefetch_locked(board, flights, count);
	wake_locked(board);
	mutex_unlock(&board->lock);
	return started;
}

bool chunk_board_is_in_flight(struct chunk_board *board, uint32_t number)
{
	bool is_in_flight;

	mutex_lock(&board->lock);
	is_in_flight = chunk_flight_table_find(&board->traffic.flights, number);
	mutex_unlock(&board->lock);
	return is_in_flight;
}

bool chunk_board_expect(struct chunk_board *board, uint32_t number)
{
	struct chunk_flight *flight;
	bool is_there;

	mutex_lock(&board->lock);
	flight = chunk_flight_table_find(&board->traffic.flights, number);
	if (flight)
		flight->goes_to_memory = true;
	is_there = flight || chunk_memory_find(&board->traffic.memory, number);
	mutex_unlock(&board->lock);
	return is_there;
}

size_t chunk_board_count_queued(struct chunk_board *board,
				enum chunk_priority priority)
{
	const struct chunk_flight *flight;
	size_t count = 0;

	assert(priority > CHUNK_DEMAND);
	mutex_lock(&board->lock);
	DL_FOREACH (board->traffic.flights.lists[CHUNK_FLIGHT_QUEUED][priority],
		    flight)
		count++;
	mutex_unlock(&board->lock);
	return count;
}

void chunk_board_drop_queued(struct chunk_board *board,
			     enum chunk_priority priority,
			     struct chunk_outcome *outcome)
{
	struct chunk_flight *flight;

	assert(priority > CHUNK_DEMAND);
	mutex_lock(&board->lock);
	/* whoever waits has raised them to his own priority */
	while ((flight = board->traffic.flights
				 .lists[CHUNK_FLIGHT_QUEUED][priority]))
		chunk_traffic_end(&board->traffic, flight, outcome);
	mutex_unlock(&board->lock);
}

bool chunk_board_next_step(struct chunk_board *board,
			   struct chunk_step *ret_step,
			   struct chunk_outcome *outcome)
{
	bool is_stopped;
	int64_t wake_ms;

	mutex_lock(&board->lock);
	while (!board->is_stopped &&
	       !chunk_schedule_find_step(&board->traffic, clock_ms(), ret_step,
					 outcome, &wake_ms)) {
		if (wake_ms == INT64_MAX)
			condition_wait(&board->scheduler_wakes, &board->lock);
		else
			condition_wait_until(&board->scheduler_wakes,
					     &board->lock, wake_ms);
	}
	is_stopped = board->is_stopped;
	wake_locked(board);
	mutex_unlock(&board->lock);
	return !is_stopped;
}

bool chunk_board_start(struct chunk_board *board, const struct chunk_step *step,
		       struct chunk_range *range, struct chunk_outcome *outcome)
{
	int64_t now_ms = clock_ms();
	bool is_started;

	mutex_lock(&board->lock);
	is_started = chunk_schedule_start(&board->traffic, now_ms, step, range,
					  outcome);
	if (is_started) {
		range->board = board;
		board->refs++;
	}
	wake_locked(board);
	mutex_unlock(&board->lock);
	return is_started;
}

void chunk_board_progress(void *arg, const uint8_t *data, size_t size)
{
	struct chunk_range *range = arg;
	struct chunk_board *board = range->board;

	/* most pieces of a body make no chunk whole */
	if (size < range->next_size || size >= range->size)
		return;
	mutex_lock(&board->lock);
	if (range->is_abandoned)
		range->next_size = SIZE_MAX;
	else
		chunk_traffic_progress(&board->traffic, range, data, size);
	wake_locked(board);
	mutex_unlock(&board->lock);
}

void chunk_board_answer(void *arg, int result, uint8_t *data,
			const struct error *err)
{
	struct chunk_range *range = arg;
	struct chunk_board *board = range->board;
	int64_t now_ms = clock_ms();
	struct chunk_link link = { 0 };
	bool is_wanted;

	assert(result <= 0);
	chunk_board_get_link(board, &link);
	/* nobody else looks at these before the flights are READY */
	range->result = result;
	range->data = data;
	if (result < 0 && err)
		range->err = *err;
	mutex_lock(&board->lock);
	is_wanted = chunk_traffic_answer(&board->traffic, now_ms, link.rtt_us,
					 range);
	wake_locked(board);
	mutex_unlock(&board->lock);
	if (!is_wanted)
		chunk_range_destroy(range);
	chunk_board_unref(board);
}

struct chunk_flight *chunk_board_next_landing(struct chunk_board *board,
					      enum chunk_priority least)
{
	struct condition *wakes = least == CHUNK_FILL ? &board->worker_wakes
						      : &board->urgent_wakes;
	struct chunk_flight *flight = NULL;

	assert(least == CHUNK_FILL || least == CHUNK_READ_AHEAD);
	mutex_lock(&board->lock);
	while (!board->is_stopped && !(flight = find_ready(board, least))) {
		board->urgent_idle += least == CHUNK_READ_AHEAD;
		condition_wait(wakes, &board->lock);
		board->urgent_idle -= least == CHUNK_READ_AHEAD;
	}
	if (board->is_stopped)
		flight = NULL;
	if (flight)
		chunk_flight_table_move(&board->traffic.flights, flight,
					CHUNK_FLIGHT_LANDING);
	mutex_unlock(&board->lock);
	return flight;
}

void chunk_board_deliver(struct chunk_board *board, struct chunk_flight *flight,
			 struct chunk *chunk, struct chunk_outcome *outcome)
{
	mutex_lock(&board->lock);
	chunk_traffic_deliver(&board->traffic, flight, chunk, outcome);
	wake_locked(board);
	mutex_unlock(&board->lock);
}

void chunk_board_land(struct chunk_board *board, struct chunk_flight *flight,
		      struct chunk *chunk, bool is_cached,
		      struct chunk_outcome *outcome)
{
	mutex_lock(&board->lock);
	chunk_traffic_land(&board->traffic, flight, chunk, is_cached, outcome);
	wake_locked(board);
	mutex_unlock(&board->lock);
}

void chunk_board_retry(struct chunk_board *board, struct chunk_flight *flight,
		       int code, const struct error *err,
		       struct chunk_outcome *outcome)
{
	mutex_lock(&board->lock);
	if (code == -ETIMEDOUT && err && flight->waiters)
		chunk_traffic_note_reason(&board->traffic, clock_ms(),
					  flight->number, err);
	chunk_traffic_retry(&board->traffic, flight, code, err, outcome);
	wake_locked(board);
	mutex_unlock(&board->lock);
}

void chunk_board_fail(struct chunk_board *board, struct chunk_flight *flight,
		      int code, const struct error *err,
		      struct chunk_outcome *outcome)
{
	mutex_lock(&board->lock);
	if (code == -ETIMEDOUT && err)
		chunk_traffic_note_late(&board->traffic, clock_ms(),
					flight->number, err);
	chunk_traffic_fail(&board->traffic, flight, code, err, outcome);
	wake_locked(board);
	mutex_unlock(&board->lock);
}

void chunk_board_stop(struct chunk_board *board)
{
	mutex_lock(&board->lock);
	board->is_stopped = true;
	condition_broadcast(&board->scheduler_wakes);
	condition_broadcast(&board->worker_wakes);
	condition_broadcast(&board->urgent_wakes);
	mutex_unlock(&board->lock);
}

void chunk_board_drain(struct chunk_board *board, struct chunk_outcome *outcome)
{
	mutex_lock(&board->lock);
	assert(board->is_stopped);
	chunk_traffic_selfcheck(&board->traffic);
	chunk_traffic_drain(&board->traffic, outcome);
	mutex_unlock(&board->lock);
}
