/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bench_trace: what the traces (tools/trace.h) of runs one after the other say,
 * for `lazyrun bench`: their events, their requests, what they brought.
 *
 * Threads: none of its own; one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	BENCH_TRACE_EVENTS_MAX = 64,
	BENCH_TRACE_REQUESTS_MAX = 1 << 16, /* more are counted, not kept */
	BENCH_TRACE_NAME_SIZE = 16,
	BENCH_TRACE_SIZE_MAX = 64 << 20, /* of the file */
};

struct bench_event {
	char name[BENCH_TRACE_NAME_SIZE];
	double ms;
};

/* Milliseconds since the first run's start; -1: not reached. */
struct bench_request {
	double queued_ms;
	double started_ms;
	double first_byte_ms;
	double ended_ms;
	bool is_range;
	bool has_opened_connection;
};

/* Starts as = { 0 }; bench_trace_fini() frees it. */
struct bench_trace {
	struct bench_event events[BENCH_TRACE_EVENTS_MAX];
	size_t event_count;
	struct bench_request *requests; /* by the time they ended */
	size_t request_count;
	uint64_t requests_all; /* those not kept too */
	uint64_t bytes; /* bodies of all answers; without any request (a local
			   image) what the loader read */
	uint64_t image_bytes; /* stored; 0: not told */
};

/**
 * bench_trace_load() - add the trace of one run
 * @began_ms: when it began: 0, or behind those that were added before
 *
 * Return: 0; -ENOENT and what else open(2) says; -EPROTO (a line that is no
 * event); -EFBIG (BENCH_TRACE_SIZE_MAX); -ENOMEM; bench_trace_fini() in every
 * case.
 */
int bench_trace_load(const char *path, double began_ms, struct bench_trace *ret,
		     struct error *err);
void bench_trace_fini(struct bench_trace *trace);

/** bench_trace_find() - when an event was, or -1 */
double bench_trace_find(const struct bench_trace *trace, const char *name);
