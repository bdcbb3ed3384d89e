/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_flight.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

struct chunk_flight *chunk_flight_create(const struct chunk_table *chunks,
					 uint32_t number,
					 const struct chunk_ref *ref,
					 enum chunk_priority priority)
{
	struct chunk_flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		return NULL;
	flight->number = number;
	flight->ref = *ref;
	flight->priority = priority;
	flight->run = CHUNK_FLIGHT_NO_RUN;
	flight->has_key = chunk_table_get_key(chunks, ref, &flight->key);
	return flight;
}

void chunk_flight_destroy(struct chunk_flight *flight)
{
	if (!flight)
		return;
	assert(!flight->waiters && !flight->range && !flight->is_claimed);
	assert(!flight->stored);
	free(flight);
}

static struct chunk_flight **list_of(struct chunk_flight_table *table,
				     const struct chunk_flight *flight)
{
	return &table->lists[flight->state][flight->priority];
}

static void leave_list(struct chunk_flight_table *table,
		       struct chunk_flight *flight)
{
	struct chunk_flight **list = list_of(table, flight);

	DL_DELETE(*list, flight);
	assert(table->state_counts[flight->state] > 0);
	table->state_counts[flight->state]--;
}

static void enter_list(struct chunk_flight_table *table,
		       struct chunk_flight *flight, bool first)
{
	struct chunk_flight **list = list_of(table, flight);

	if (first)
		DL_PREPEND(*list, flight);
	else
		DL_APPEND(*list, flight);
	table->state_counts[flight->state]++;
}

struct chunk_flight *chunk_flight_table_find(
	const struct chunk_flight_table *table, uint32_t number)
{
	struct chunk_flight *flight =
		table->buckets[number % CHUNK_FLIGHT_BUCKETS];

	while (flight && flight->number != number)
		flight = flight->hash_next;
	return flight;
}

void chunk_flight_table_add(struct chunk_flight_table *table,
			    struct chunk_flight *flight)
{
	struct chunk_flight **bucket =
		&table->buckets[flight->number % CHUNK_FLIGHT_BUCKETS];

	assert(!chunk_flight_table_find(table, flight->number));
	assert(flight->state == CHUNK_FLIGHT_QUEUED);
	flight->hash_next = *bucket;
	*bucket = flight;
	enter_list(table, flight, false);
	table->count++;
}

void chunk_flight_table_remove(struct chunk_flight_table *table,
			       struct chunk_flight *flight)
{
	struct chunk_flight **link =
		&table->buckets[flight->number % CHUNK_FLIGHT_BUCKETS];

	while (*link != flight)
		link = &(*link)->hash_next;
	*link = flight->hash_next;
	leave_list(table, flight);
	table->count--;
}

void chunk_flight_table_move(struct chunk_flight_table *table,
			     struct chunk_flight *flight,
			     enum chunk_flight_state state)
{
	leave_list(table, flight);
	flight->state = state;
	enter_list(table, flight, false);
}

void chunk_flight_table_return(struct chunk_flight_table *table,
			       struct chunk_flight *flight)
{
	leave_list(table, flight);
	flight->state = CHUNK_FLIGHT_QUEUED;
	enter_list(table, flight, true);
}

void chunk_flight_table_raise(struct chunk_flight_table *table,
			      struct chunk_flight *flight,
			      enum chunk_priority priority)
{
	if (priority >= flight->priority)
		return;
	leave_list(table, flight);
	flight->priority = priority;
	enter_list(table, flight, false);
}

struct chunk_flight *chunk_flight_table_first(
	const struct chunk_flight_table *table, enum chunk_flight_state state)
{
	for (int i = 0; i < CHUNK_FLIGHT_PRIORITIES; i++) {
		if (table->lists[state][i])
			return table->lists[state][i];
	}
	return NULL;
}

void chunk_flight_table_selfcheck(const struct chunk_flight_table *table)
{
	size_t hashed = 0;
	size_t total = 0;

	for (int state = 0; state < CHUNK_FLIGHT_STATES; state++) {
		size_t listed = 0;

		for (int i = 0; i < CHUNK_FLIGHT_PRIORITIES; i++) {
			const struct chunk_flight *f;

			DL_FOREACH (table->lists[state][i], f) {
				assert((int)f->state == state);
				assert((int)f->priority == i);
				assert(chunk_flight_table_find(table,
							       f->number) == f);
				listed++;
			}
		}
		assert(listed == table->state_counts[state]);
		total += listed;
	}
	for (size_t i = 0; i < CHUNK_FLIGHT_BUCKETS; i++) {
		for (const struct chunk_flight *f = table->buckets[i]; f;
		     f = f->hash_next)
			hashed++;
	}
	assert(total == table->count && hashed == table->count);
}
