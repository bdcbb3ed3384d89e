/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * completion: a thread that waits for the end of what another one does.
 *
 *	struct completion end;
 *
 *	completion_init(&end);
 *	... start it; its end calls completion_end(&end, ...) ...
 *	r = completion_wait(&end, err);
 *	completion_fini(&end);
 *
 * What the ender writes before completion_end() the waiter may read after
 * completion_wait().
 *
 * Threads: one ends, one waits; never the same.
 */
#include "common/error.h"
#include "common/thread.h"

#include <stdbool.h>

struct completion {
	struct mutex lock;
	struct condition is_over;
	/* -- protected by lock -- */
	bool has_ended GUARDED;
	int result GUARDED;
	struct error err GUARDED;
};

void completion_init(struct completion *end);

/** completion_fini() - of what has ended, or was never started */
void completion_fini(struct completion *end);

/** completion_end() - once; @err is read when @result is negative */
void completion_end(struct completion *end, int result,
		    const struct error *err);

/** completion_wait() - until the end, which has a deadline of its own; its
 * result, with @err set when that is negative */
int completion_wait(struct completion *end, struct error *err);
