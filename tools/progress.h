/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * progress: one line on a terminal's stderr that says how far something is.
 *
 *	indexing  212.4 MB of 405.1 MB  52%  98.1 MB/s  2 s left
 *
 * Nothing is written to what is not a terminal, except, when a step lasts more
 * than a second, one plain line when it starts to matter.
 *
 * Threads: progress_update() from any.
 */
#include <stdbool.h>
#include <stdint.h>

struct progress;

/** progress_create() - NULL when quiet or out of memory: every function here
 * takes NULL and does nothing */
struct progress *progress_create(const char *what, bool is_quiet);

/** progress_update() - at most ten times a second something is written */
void progress_update(struct progress *progress, uint64_t done_size,
		     uint64_t total_size);

/** progress_destroy() - erase the line */
void progress_destroy(struct progress *progress);
