/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_hints: a job's first start, when no profile says what it will read: what
 * the index's hints say (docs/hints.md) is asked for ahead in its place.
 *
 * Nothing here fails a job.
 *
 * Threads: one at a time; the player has one of its own.
 */
#include "common/cleanup.h"
#include "fetch/profile_player.h"

struct job_hints;
struct session;

/**
 * job_hints_start() - begin to fetch what the command's files need
 * @session: opened with SESSION_LOADER; borrowed, outlives it
 * @mode:    NULL or "auto", or "off"
 * @argv:    the command
 *
 * Return: NULL when it is off, when the index has no hints, or without memory.
 */
struct job_hints *job_hints_start(struct session *session, const char *mode,
				  const char *const *argv);
void job_hints_destroy(struct job_hints *hints);
DEFINE_CLEANUP(struct job_hints, job_hints_destroy);

/** job_hints_get_figures() - of the playing; zeros without */
void job_hints_get_figures(struct job_hints *hints,
			   struct profile_player_figures *ret);
