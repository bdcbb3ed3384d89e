/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/progress.h"

#include "common/clock.h"
#include "common/thread.h"
#include "tools/size_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct progress {
	char what[48];
	bool is_terminal;
	int64_t start_ms;
	struct mutex lock;
	int64_t last_ms GUARDED;
	bool has_written GUARDED;
};

struct progress *progress_create(const char *what, bool is_quiet)
{
	struct progress *progress;

	if (is_quiet)
		return NULL;
	progress = calloc(1, sizeof(*progress));
	if (!progress)
		return NULL;
	snprintf(progress->what, sizeof(progress->what), "%s", what);
	progress->is_terminal = isatty(STDERR_FILENO) == 1;
	progress->start_ms = clock_ms();
	mutex_init(&progress->lock);
	return progress;
}

static void format_line(const struct progress *progress, uint64_t done_size,
			uint64_t total_size, char *line, size_t capacity)
{
	double seconds = (double)(clock_ms() - progress->start_ms + 1) / 1000.0;
	double rate = (double)done_size / seconds;
	char done[SIZE_TEXT_MAX];
	char total[SIZE_TEXT_MAX];
	char speed[SIZE_TEXT_MAX];

	snprintf(line, capacity, "%s  %s of %s  %.0f%%  %s/s  %.0f s left",
		 progress->what, size_text_format(done_size, done),
		 size_text_format(total_size, total),
		 total_size ? 100.0 * (double)done_size / (double)total_size
			    : 100.0,
		 size_text_format((uint64_t)rate, speed),
		 rate > 0 ? (double)(total_size - done_size) / rate : 0.0);
}

/* Is it time to write?  Decided under the lock, written outside it. */
static bool claim_turn(struct progress *progress)
{
	int64_t now_ms = clock_ms();
	bool is_due;

	mutex_lock(&progress->lock);
	if (progress->is_terminal)
		is_due = now_ms - progress->last_ms >= 100;
	else
		is_due = !progress->has_written &&
			 now_ms - progress->start_ms >= 1000;
	if (is_due) {
		progress->last_ms = now_ms;
		progress->has_written = true;
	}
	mutex_unlock(&progress->lock);
	return is_due;
}

void progress_update(struct progress *progress, uint64_t done_size,
		     uint64_t total_size)
{
	char line[256];

	if (!progress || !claim_turn(progress))
		return;
	if (done_size > total_size)
		done_size = total_size;
	format_line(progress, done_size, total_size, line, sizeof(line));
	if (progress->is_terminal)
		fprintf(stderr, "\r\033[K%s", line);
	else
		fprintf(stderr, "%s\n", line);
}

void progress_destroy(struct progress *progress)
{
	bool has_line;

	if (!progress)
		return;
	mutex_lock(&progress->lock);
	has_line = progress->has_written && progress->is_terminal;
	mutex_unlock(&progress->lock);
	if (has_line)
		fprintf(stderr, "\r\033[K");
	mutex_fini(&progress->lock);
	free(progress);
}
