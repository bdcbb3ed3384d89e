/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: a check is in one hand at a time: who works at it takes it out of
 * the table, and puts it back when the place is still free.
 */
#include "fetch/chunk_lookahead.h"

#include "common/chunk_ref.h"
#include "fetch/chunk.h"
#include "fetch/chunk_board.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_cache_check.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_outcome.h"
#include "fetch/chunk_parts.h"

#include <errno.h>
#include <string.h>

void chunk_lookahead_init(struct chunk_lookahead *lookahead,
			  const struct chunk_parts *parts)
{
	memset(lookahead, 0, sizeof(*lookahead));
	lookahead->parts = parts;
	mutex_init(&lookahead->lock);
}

void chunk_lookahead_fini(struct chunk_lookahead *lookahead)
{
	struct chunk_cache_check *check;

	mutex_lock(&lookahead->lock);
	check = lookahead->check;
	lookahead->check = NULL;
	mutex_unlock(&lookahead->lock);
	chunk_cache_check_close(check);
	mutex_fini(&lookahead->lock);
}

void chunk_lookahead_expect(struct chunk_lookahead *lookahead, uint32_t first,
			    uint32_t count)
{
	mutex_lock(&lookahead->lock);
	lookahead->first = first;
	lookahead->count = count;
	mutex_unlock(&lookahead->lock);
}

struct chunk_cache_check *chunk_lookahead_take(
	struct chunk_lookahead *lookahead, uint32_t number)
{
	struct chunk_cache_check *check = NULL;

	mutex_lock(&lookahead->lock);
	if (lookahead->check && lookahead->number == number)
		check = STEAL_PTR(lookahead->check);
	mutex_unlock(&lookahead->lock);
	return check;
}

/* The check in work, or the next chunk; false: there is nothing. */
static bool take_work(struct chunk_lookahead *lookahead, uint32_t *ret_number,
		      struct chunk_cache_check **ret_check)
{
	bool has_work = true;

	mutex_lock(&lookahead->lock);
	*ret_check = STEAL_PTR(lookahead->check);
	if (*ret_check) {
		*ret_number = lookahead->number;
	} else if (lookahead->count > 0) {
		*ret_number = lookahead->first++;
		lookahead->count--;
	} else {
		has_work = false;
	}
	mutex_unlock(&lookahead->lock);
	return has_work;
}

static void put_back(struct chunk_lookahead *lookahead, uint32_t number,
		     struct chunk_cache_check *check)
{
	mutex_lock(&lookahead->lock);
	if (!lookahead->check) {
		lookahead->number = number;
		lookahead->check = STEAL_PTR(check);
	}
	mutex_unlock(&lookahead->lock);
	chunk_cache_check_close(check);
}

static void keep(const struct chunk_parts *parts, struct chunk *chunk)
{
	struct chunk_outcome outcome = { 0 };

	chunk_board_keep(parts->board, chunk, &outcome);
	chunk_outcome_settle(&outcome, parts->cache);
	chunk_unref(chunk);
}

static void begin(struct chunk_lookahead *lookahead, uint32_t number)
{
	const struct chunk_parts *parts = lookahead->parts;
	struct chunk_cache_check *check;
	struct chunk *chunk;
	struct chunk_ref ref;
	struct digest key;

	if (chunk_board_expect(parts->board, number) ||
	    chunk_parts_get_ref(parts, number, &ref, NULL) < 0 ||
	    !chunk_table_get_key(parts->table, &ref, &key))
		return;
	if (ref.raw_size >= CHUNK_PARTS_IN_FILE_MIN) {
		if (chunk_cache_check_open(parts->cache, &key, ref.raw_size,
					   &check) == CHUNK_CACHE_HIT)
			put_back(lookahead, number, check);
	} else if (chunk_parts_load(parts, number, ref.raw_size, &key,
				    &chunk) == CHUNK_LOADER_FOUND) {
		keep(parts, chunk);
	}
}

static void conclude(const struct chunk_parts *parts, uint32_t number,
		     struct chunk_cache_check *check)
{
	struct chunk *chunk;
	struct chunk_ref ref;

	if (chunk_parts_get_ref(parts, number, &ref, NULL) == 0 &&
	    chunk_parts_take(parts, number, ref.raw_size, check, &chunk) ==
		    CHUNK_LOADER_FOUND)
		keep(parts, chunk);
}

bool chunk_lookahead_step(struct chunk_lookahead *lookahead)
{
	struct chunk_cache_check *check;
	uint32_t number;
	int r;

	if (!lookahead->parts->cache || !take_work(lookahead, &number, &check))
		return false;
	if (!check) {
		begin(lookahead, number);
		return true;
	}
	r = chunk_cache_check_step(check);
	if (r == CHUNK_CACHE_CHECK_MORE || r == -EAGAIN) {
		put_back(lookahead, number, check);
		return r != -EAGAIN;
	}
	if (r == CHUNK_CACHE_CHECK_DONE)
		conclude(lookahead->parts, number, check);
	chunk_cache_check_close(check);
	return true;
}
