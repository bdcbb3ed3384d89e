/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile_player.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/thread.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_touches.h"
#include "fetch/profile_plan.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LEAD_MS_DEFAULT = 10000,
	/* how often it looks whether it still does good */
	TICK_MS = 20,
	/* chunks queued at a time: far below what the loader refuses */
	QUEUED_MAX = 1024,
	REQUEST_SIZE_MAX = 4 << 20,
	GUESS_SIZE_MAX = 1 << 20,
	GAP_SIZE_MIN = 32 << 10,
	/* What is needed first, in parts of about what a connection's slow
	 * start brings in five round trips (14 KiB, 28, 56, ...). */
	HEAD_SIZE = 3 << 20,
	HEAD_PART_SIZE = 512 << 10,
};

struct profile_player {
	/* immutable after create */
	struct chunk_loader *loader;
	const struct chunk_table *table;
	const struct chunk_touches *touches;
	struct profile_player_options options;
	pthread_t thread;

	/* the thread's */
	struct profile_chunk *chunks;
	uint32_t chunk_count;
	struct profile_plan_range *ranges;
	uint32_t range_count;
	uint32_t next; /* range to ask for */

	struct mutex lock;
	struct condition stop_wakes;
	/* -- protected by lock */
	bool is_stopped GUARDED;
	struct profile_player_figures figures GUARDED;
};

/* What is not at hand comes to the front, in its order. */
static void drop_what_is_at_hand(struct profile_player *player)
{
	uint32_t made = 0;

	for (uint32_t i = 0; i < player->chunk_count; i++)
		if (!chunk_loader_is_at_hand(player->loader,
					     player->chunks[i].number))
			player->chunks[made++] = player->chunks[i];
	player->chunk_count = made;
	mutex_lock(&player->lock);
	player->figures.wanted_chunks = made;
	mutex_unlock(&player->lock);
}

static int make_plan(struct profile_player *player)
{
	const struct profile_plan_limits limits = {
		.request_size_max = player->options.is_guess ? GUESS_SIZE_MAX
							     : REQUEST_SIZE_MAX,
		.gap_size_min = GAP_SIZE_MIN,
		.ranges_spare = player->options.ranges_spare,
		.head_size = player->options.has_head ? HEAD_SIZE : 0,
		.head_part_size = HEAD_PART_SIZE,
	};

	return profile_plan_make(player->table, player->chunks,
				 player->chunk_count, &limits, &player->ranges,
				 &player->range_count);
}

static bool misleads(const struct profile_player *player)
{
	struct chunk_touches_counters touched;

	chunk_touches_get_counters(player->touches, &touched);
	return touched.others >= PROFILE_PLAYER_OTHERS_MIN &&
	       touched.others > 2 * (uint64_t)touched.expected;
}

/* How many more chunks may be asked for now. */
static uint32_t allowance(struct profile_player *player)
{
	struct chunk_touches_counters touched;
	size_t queued =
		chunk_loader_count_queued(player->loader, CHUNK_PROFILE);
	uint64_t allowed = queued < QUEUED_MAX ? QUEUED_MAX - queued : 0;
	uint64_t ahead;
	uint32_t asked;

	if (!player->options.is_guess)
		return (uint32_t)allowed;
	chunk_touches_get_counters(player->touches, &touched);
	mutex_lock(&player->lock);
	asked = player->figures.asked_chunks;
	mutex_unlock(&player->lock);
	ahead = PROFILE_PLAYER_GUESS_AHEAD + 2 * (uint64_t)touched.expected;
	if (ahead <= asked)
		return 0;
	return (uint32_t)(ahead - asked < allowed ? ahead - asked : allowed);
}

static void count_range(struct profile_player *player,
			const struct profile_plan_range *range)
{
	mutex_lock(&player->lock);
	player->figures.asked_chunks += range->count;
	player->figures.asked_ranges++;
	player->figures.asked_size += range->size;
	mutex_unlock(&player->lock);
}

/* Ask for the ranges that are due, at once, so that they are not torn. */
static void ask(struct profile_player *player)
{
	uint32_t now_ms = chunk_touches_elapsed_ms(player->touches);
	uint32_t room = allowance(player);
	autofree struct chunk_loader_run *runs = NULL;
	uint32_t end = player->next;
	size_t count = 0;

	while (end < player->range_count && room > count &&
	       player->ranges[end].first_ms <=
		       (uint64_t)now_ms + player->options.lead_ms)
		count += player->ranges[end++].count;
	runs = count > 0 ? calloc(end - player->next, sizeof(*runs)) : NULL;
	if (!runs)
		return;
	for (count = 0; player->next < end; player->next++) {
		const struct profile_plan_range *range =
			&player->ranges[player->next];

		runs[count++] = (struct chunk_loader_run){
			.first = range->first,
			.count = range->count,
		};
		count_range(player, range);
	}
	chunk_loader_prefetch_runs(player->loader, runs, count, CHUNK_PROFILE);
}

/* Wait a little; true when it is to end. */
static bool rest(struct profile_player *player)
{
	int64_t until_ms = clock_ms() + TICK_MS;
	bool is_stopped;

	mutex_lock(&player->lock);
	while (!player->is_stopped && clock_ms() < until_ms)
		condition_wait_until(&player->stop_wakes, &player->lock,
				     until_ms);
	is_stopped = player->is_stopped;
	mutex_unlock(&player->lock);
	return is_stopped;
}

static void give_up(struct profile_player *player)
{
	chunk_loader_drop_queued(player->loader, CHUNK_PROFILE);
	mutex_lock(&player->lock);
	player->figures.has_misled = true;
	mutex_unlock(&player->lock);
}

static void *play(void *arg)
{
	struct profile_player *player = arg;

	drop_what_is_at_hand(player);
	if (make_plan(player) < 0)
		return NULL; /* then demand fetches all */
	do {
		if (misleads(player)) {
			give_up(player);
			break;
		}
		if (player->next < player->range_count)
			ask(player);
		else if (chunk_loader_count_queued(player->loader,
						   CHUNK_PROFILE) == 0)
			break;
	} while (!rest(player));
	return NULL;
}

int profile_player_create(struct chunk_loader *loader,
			  const struct chunk_table *table,
			  const struct chunk_touches *touches,
			  struct profile_chunk *chunks, uint32_t count,
			  const struct profile_player_options *options,
			  struct profile_player **ret)
{
	struct profile_player *player = calloc(1, sizeof(*player));
	int r;

	if (!player)
		return -ENOMEM;
	player->loader = loader;
	player->table = table;
	player->touches = touches;
	player->options = *options;
	if (player->options.lead_ms == 0)
		player->options.lead_ms = LEAD_MS_DEFAULT;
	player->chunks = chunks;
	player->chunk_count = count;
	mutex_init(&player->lock);
	condition_init(&player->stop_wakes);
	r = thread_start(&player->thread, "profile", play, player);
	if (r < 0) {
		condition_fini(&player->stop_wakes);
		mutex_fini(&player->lock);
		free(player);
		return r;
	}
	*ret = player;
	return 0;
}

void profile_player_destroy(struct profile_player *player)
{
	if (!player)
		return;
	mutex_lock(&player->lock);
	player->is_stopped = true;
	condition_signal(&player->stop_wakes);
	mutex_unlock(&player->lock);
	pthread_join(player->thread, NULL);
	condition_fini(&player->stop_wakes);
	mutex_fini(&player->lock);
	free(player->chunks);
	free(player->ranges);
	free(player);
}

void profile_player_get_figures(struct profile_player *player,
				struct profile_player_figures *ret)
{
	mutex_lock(&player->lock);
	*ret = player->figures;
	mutex_unlock(&player->lock);
}
