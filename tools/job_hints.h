/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_hints: a job's first start, when no profile says what it will read: what
 * the index's hints say (docs/hints.md) is asked for ahead in its place; at
 * first for the files that the command tells, then for each that is read.
 *
 * Nothing here fails a job.
 *
 * Threads: job_hints_observe() and job_hints_follow() from any, the rest one at
 * a time; the player and the follower have one of their own each.
 */
#include "common/cleanup.h"
#include "fetch/profile_player.h"
#include "tools/hint_follower.h"

#include <stdbool.h>
#include <stdint.h>

struct job_hints;
struct session;

/** job_hints_can_start() - whether the index has hints, and @mode wants them */
bool job_hints_can_start(struct session *session, const char *mode);

/**
 * job_hints_start() - begin to fetch what the command's files need
 * @session: opened with SESSION_LOADER; borrowed, outlives it
 * @mode:    NULL or "auto", or "off"
 * @argv:    the command; NULL: none is known yet, or there will be many
 *
 * Return: NULL when it is off, when the index has no hints, or without memory.
 */
struct job_hints *job_hints_start(struct session *session, const char *mode,
				  const char *const *argv);
void job_hints_destroy(struct job_hints *hints);
DEFINE_CLEANUP(struct job_hints, job_hints_destroy);

/** job_hints_follow() - a command begins: its files are followed as those that
 * are read; @hints may be NULL */
void job_hints_follow(struct job_hints *hints, const char *const *argv);

/** job_hints_observe() - the job has read a file; @hints may be NULL */
void job_hints_observe(struct job_hints *hints, uint32_t inode);

struct job_hints_figures {
	struct profile_player_figures command; /* asked for at the start */
	struct hint_follower_figures files; /* and for files that were read */
};

/** job_hints_get_figures() - zeros without */
void job_hints_get_figures(struct job_hints *hints,
			   struct job_hints_figures *ret);
