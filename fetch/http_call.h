/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_call: a thread that waits for the end of a request which the network
 * thread makes.
 *
 *	struct http_call call;
 *
 *	http_call_init(&call);
 *	... start the request, whose end calls http_call_end(&call, ...) ...
 *	r = http_call_wait(&call, err);
 *	http_call_fini(&call);
 *
 * What the ender writes before http_call_end() the waiter may read after
 * http_call_wait().
 *
 * Threads: one ends, one waits; never the same.
 */
#include "common/error.h"
#include "common/thread.h"

#include <stdbool.h>

struct http_call {
	struct mutex lock;
	struct condition is_over;
	/* -- protected by lock -- */
	bool has_ended GUARDED;
	int result GUARDED;
	struct error err GUARDED;
};

void http_call_init(struct http_call *call);

/** http_call_fini() - of a call that has ended, or was never started */
void http_call_fini(struct http_call *call);

/** http_call_end() - once; @err is read when @result is negative */
void http_call_end(struct http_call *call, int result, const struct error *err);

/** http_call_wait() - until the end, which the request's deadline brings;
 * its result, with @err set when that is negative */
int http_call_wait(struct http_call *call, struct error *err);
