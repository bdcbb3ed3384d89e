/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_ahead: asks for what the jobs of an instance will read, since it is
 * the instance that fetches: the profile of a joining job's command, or else
 * what the index's hints say of its files.
 *
 * A command is played once. What the first job read is recorded for its command
 * when it was alone all the time: of later ones nobody can tell what was
 * theirs, or in the page cache already.
 *
 * Nothing here fails a job, and a command is never waited for.
 *
 * Threads: the keeper's; players and the hints' follower have their own.
 */
#include "fetch/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job_hints;
struct job_profile;
struct session;

enum {
	INSTANCE_AHEAD_COMMANDS_MAX = 16, /* remembered; the oldest gives way */
	INSTANCE_AHEAD_WORDS_MAX = 256, /* of a command; the rest is ignored */
};

/* What a command may be told to leave out. */
enum instance_ahead_flags {
	INSTANCE_AHEAD_NO_PROFILE = 1 << 0,
	INSTANCE_AHEAD_NO_HINTS = 1 << 1,
};

/* Starts as = { 0 } with session and hints. */
struct instance_ahead {
	struct session *session; /* borrowed, opened with SESSION_LOADER */
	struct job_hints *hints; /* borrowed; NULL: the index has none */
	struct {
		char key[PROFILE_KEY_SIZE];
		struct job_profile *profile; /* NULL: not to be played */
	} commands[INSTANCE_AHEAD_COMMANDS_MAX];
	uint64_t command_count; /* so far */
	bool has_recorded;	/* or will not any more */
};

/**
 * instance_ahead_play() - a job has joined and will execute this
 * @text:  words, each ended by NUL; from a peer
 * @flags: of enum instance_ahead_flags
 *
 * Return: whether it is the first command, so that instance_ahead_record() may
 * follow.
 */
bool instance_ahead_play(struct instance_ahead *ahead, const char *text,
			 size_t size, unsigned flags);

/** instance_ahead_record() - the job of the first command has ended by itself,
 * and no other was there */
void instance_ahead_record(struct instance_ahead *ahead);

void instance_ahead_fini(struct instance_ahead *ahead);
