/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_profile: a job's profile: found and played when the job starts, recorded
 * when it ends.
 *
 * Nothing here fails a job: what cannot be read or written is logged.
 *
 * Threads: one at a time; the player has one of its own.
 */
#include "common/cleanup.h"
#include "fetch/profile_player.h"

#include <stdbool.h>

struct job_profile;
struct session;

/**
 * job_profile_start() - begin to fetch what the command will read
 * @session: opened with SESSION_LOADER; borrowed, outlives it
 * @mode:    NULL or "auto": the cache's profile, recorded at the end; "off":
 *           neither; else a file that is played instead of the cache's
 * @argv:    the command
 * @may_guess: play what other commands have read, when this one is not known;
 *           not where hints say what it needs (job_hints_can_start())
 *
 * Return: NULL when it is off, or without memory.
 */
struct job_profile *job_profile_start(struct session *session, const char *mode,
				      const char *const *argv, bool may_guess);

/**
 * job_profile_finish() - the job has ended: record what it read
 * @is_partial: it may have read more than went through the mount
 */
void job_profile_finish(struct job_profile *self, bool is_partial);
void job_profile_destroy(struct job_profile *self);
DEFINE_CLEANUP(struct job_profile, job_profile_destroy);

/** job_profile_is_played() - whether the command is known: what it needs is
 * asked for, or is all at hand; NULL: no */
bool job_profile_is_played(const struct job_profile *self);

/** job_profile_get_figures() - of the playing; zeros when nothing was played */
void job_profile_get_figures(struct job_profile *self,
			     struct profile_player_figures *ret);
