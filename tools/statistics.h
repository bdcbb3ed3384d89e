/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * statistics: what a run cost, for people (-v) and for scripts
 * (--statistics FILE: one line of JSON, members as named in lazyrun(1)).
 */
#include "fetch/profile_player.h"
#include "tools/job_hints.h"

#include <stdint.h>

struct error;
struct fs_server;
struct session;

/* Times on clock_us(), 0 while not reached. */
struct statistics {
	int64_t start_us;   /* main() was entered, or nearly */
	int64_t spawned_us; /* the runner has mounted */
	int64_t ready_us;   /* the index is open, the mount is served */
	int64_t started_us; /* the command has been executed */
	int64_t end_us;	    /* the command has ended */
	int exit_status;
	const char *instance; /* that the job joined; NULL: none; borrowed */
	const char *hot_tree; /* kind of the one in use; NULL: none */
	struct profile_player_figures profile;
	struct job_hints_figures hints;
};

/** statistics_print() - two lines for people on stderr */
void statistics_print(const struct statistics *statistics,
		      struct session *session, struct fs_server *server);

/** statistics_trace() - the event "exit" in the session's trace, if any */
void statistics_trace(const struct statistics *statistics,
		      struct session *session, struct fs_server *server);

/** statistics_append() - a line of JSON at the end of a file; 0 or -errno */
int statistics_append(const struct statistics *statistics, const char *path,
		      struct session *session, struct fs_server *server,
		      struct error *err);
