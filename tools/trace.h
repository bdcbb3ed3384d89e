/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * trace: what a command did when (--trace FILE): one line of JSON an event,
 * appended as it happens, so that a run which hangs has told where.
 *
 *	{"ms":12.345,"pid":4711,"event":"index","origin":"cache"}
 *
 * "ms" counts from main().  Events and their members are those of lazyrun(1).
 * A line costs some tens of microseconds, and only with a trace.
 *
 * Threads: trace_open() and trace_close() one; the rest any.
 */
#include "common/cleanup.h"

#include <jansson.h>
#include <stdint.h>

struct error;
struct http_exchange;
struct trace;

/**
 * trace_open() - begin a trace
 * @path: NULL: no trace; *@ret is then NULL, which every function here takes
 * @start_us: when main() was entered, on clock_us()
 *
 * Return: 0, -ENOMEM, or open(2)'s errno with @err.
 */
int trace_open(const char *path, int64_t start_us, struct trace **ret,
	       struct error *err);

/** trace_close() - with the event "end" */
void trace_close(struct trace *trace);
DEFINE_CLEANUP(struct trace, trace_close);

/** trace_event() - an event that happened at @at_us on clock_us(); 0: now */
void trace_event(struct trace *trace, const char *name, int64_t at_us);

/** trace_event_with() - the same with more members; @members is taken over,
 * NULL when memory is out */
void trace_event_with(struct trace *trace, const char *name, int64_t at_us,
		      json_t *members);

/**
 * trace_exchange() - an http_client's observer: the event "request"
 * @arg: the trace, not NULL
 *
 * Also "first_byte", at the first byte of the first range.
 */
void trace_exchange(void *arg, const struct http_exchange *exchange);
