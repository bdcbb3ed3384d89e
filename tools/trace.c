/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is one write(2) to a file opened for appending: several processes may
 * share it.  What cannot be written is lost: a trace must not end a job.
 */
#include "tools/trace.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/http_exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trace {
	int fd;
	int64_t start_us;
	bool has_first_byte; /* the network thread's */
};

int trace_open(const char *path, int64_t start_us, struct trace **ret,
	       struct error *err)
{
	autofree struct trace *trace = NULL;

	*ret = NULL;
	if (!path)
		return 0;
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return error_set(err, -ENOMEM, "out of memory");
	trace->start_us = start_us;
	trace->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (trace->fd < 0)
		return error_set_errno(err, -errno,
				       "cannot write the trace to %s", path);
	*ret = STEAL_PTR(trace);
	return 0;
}

void trace_close(struct trace *trace)
{
	if (!trace)
		return;
	trace_event(trace, "end", 0);
	close(trace->fd);
	free(trace);
}

static double ms_at(const struct trace *trace, int64_t at_us)
{
	return (double)(at_us - trace->start_us) / 1000.0;
}

void trace_event_with(struct trace *trace, const char *name, int64_t at_us,
		      json_t *members)
{
	autofree char *more = NULL;
	autofree char *line = NULL;

	/* "{...}": its inside follows what every event has */
	if (trace && members)
		more = json_dumps(members,
				  JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(members);
	if (!trace)
		return;
	if (asprintf(&line, "{\"ms\":%.3f,\"pid\":%d,\"event\":\"%s\"%s%s\n",
		     ms_at(trace, at_us ? at_us : clock_us()), (int)getpid(),
		     name, more && more[1] != '}' ? "," : "",
		     more ? more + 1 : "}") < 0) {
		line = NULL;
		return;
	}
	(void)io_write_full(trace->fd, line, strlen(line));
}

void trace_event(struct trace *trace, const char *name, int64_t at_us)
{
	trace_event_with(trace, name, at_us, NULL);
}

static void set_time(json_t *members, const struct trace *trace,
		     const char *name, int64_t at_us)
{
	if (at_us)
		json_object_set_new(members, name,
				    json_real(ms_at(trace, at_us)));
}

void trace_exchange(void *arg, const struct http_exchange *exchange)
{
	struct trace *trace = arg;
	/* what follows '?' in a storage URL is a signature */
	json_t *url = json_stringn(exchange->url, strcspn(exchange->url, "?#"));
	json_t *members = json_object();

	json_object_set_new(members, "url", url);
	json_object_set_new(members, "status", json_integer(exchange->status));
	json_object_set_new(members, "bytes",
			    json_integer((json_int_t)exchange->body_size));
	json_object_set_new(members, "new_connection",
			    json_boolean(exchange->has_opened_connection));
	if (exchange->has_range) {
		json_object_set_new(
			members, "offset",
			json_integer((json_int_t)exchange->range_off));
		json_object_set_new(
			members, "size",
			json_integer((json_int_t)exchange->range_size));
	}
	set_time(members, trace, "queued_ms", exchange->submitted_us);
	set_time(members, trace, "started_ms", exchange->started_us);
	set_time(members, trace, "connected_ms", exchange->connected_us);
	set_time(members, trace, "first_byte_ms", exchange->first_byte_us);
	if (exchange->has_range && exchange->first_byte_us &&
	    !trace->has_first_byte) {
		trace->has_first_byte = true;
		trace_event(trace, "first_byte", exchange->first_byte_us);
	}
	trace_event_with(trace, "request", exchange->ended_us, members);
}
