/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * profile_player: asks for the chunks of a profile before the job does, in the
 * order in which it will need them.
 *
 * What is not at hand is planned into ranges (profile_plan) and asked for at
 * CHUNK_PROFILE, lead_ms before the profile says it is needed.  Demands
 * overtake it.  A profile that misleads ends itself: when the job has read many
 * chunks and most of them are not those of the profile, what is still queued is
 * dropped.
 *
 * Threads: one of its own, "profile", from create to destroy.
 */
#include "common/cleanup.h"
#include "fetch/profile_chunks.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk_loader;
struct chunk_table;
struct chunk_touches;
struct profile_player;

enum {
	/* Misleading: so many chunks read that it did not name, and more than
	 * twice as many as it did. */
	PROFILE_PLAYER_OTHERS_MIN = 24,
	/* A guess goes at most so many chunks (and as many as have been used)
	 * ahead of the job. */
	PROFILE_PLAYER_GUESS_AHEAD = 16,
};

struct profile_player_options {
	uint32_t lead_ms; /* 0: 10000 */
	bool is_guess;	  /* of another command: go carefully */
	/* what is needed first in small ranges (profile_plan.h); for who knows
	 * that it will be needed, and when: it costs bytes of gaps elsewhere */
	bool has_head;
	/* requests to leave for what is not named, as profile_plan.h has them
	 */
	unsigned ranges_spare;
};

struct profile_player_figures {
	uint32_t wanted_chunks; /* of the profile, not at hand at the start */
	uint32_t asked_chunks;	/* those, and what lay between */
	uint32_t asked_ranges;
	uint64_t asked_size; /* stored bytes */
	bool has_misled;
};

/**
 * profile_player_create() - begin
 * @loader, @table, @touches: borrowed; outlive it.  @touches is the loader's,
 *          and @chunks are expected there (profile_chunks_find())
 * @chunks: taken over on success
 *
 * Return: 0, -EAGAIN (no thread), -ENOMEM.
 */
int profile_player_create(struct chunk_loader *loader,
			  const struct chunk_table *table,
			  const struct chunk_touches *touches,
			  struct profile_chunk *chunks, uint32_t count,
			  const struct profile_player_options *options,
			  struct profile_player **ret);

/** profile_player_destroy() - stop asking; what is on its way still comes */
void profile_player_destroy(struct profile_player *player);
DEFINE_CLEANUP(struct profile_player, profile_player_destroy);

void profile_player_get_figures(struct profile_player *player,
				struct profile_player_figures *ret);
