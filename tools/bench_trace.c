/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_trace.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number_of(const json_t *event, const char *name)
{
	const json_t *value = json_object_get(event, name);

	return json_is_number(value) ? json_number_value(value) : -1;
}

/* On the trace's clock; -1 stays what it is: not reached. */
static double time_of(const json_t *event, const char *name, double began_ms)
{
	double ms = number_of(event, name);

	return ms < 0 ? ms : began_ms + ms;
}

static void add_event(struct bench_trace *trace, double began_ms,
		      const json_t *event, const char *name)
{
	struct bench_event *slot = &trace->events[trace->event_count];
	/* "exit" has all of --statistics, "index" the first of them */
	double image_bytes = number_of(event, "image_bytes");
	double loaded_bytes = number_of(event, "bytes_fetched");

	if (image_bytes > 0)
		trace->image_bytes = (uint64_t)image_bytes;
	if (trace->requests_all == 0 && loaded_bytes > 0)
		trace->bytes += (uint64_t)loaded_bytes;
	if (trace->event_count == BENCH_TRACE_EVENTS_MAX)
		return;
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slot->ms = time_of(event, "ms", began_ms);
	trace->event_count++;
}

static int add_request(struct bench_trace *trace, double began_ms,
		       const json_t *event)
{
	const double bytes = number_of(event, "bytes");
	struct bench_request *slot;

	trace->requests_all++;
	if (bytes > 0)
		trace->bytes += (uint64_t)bytes;
	if (trace->request_count == BENCH_TRACE_REQUESTS_MAX)
		return 0;
	/* doubled each time it is full: at powers of two */
	if ((trace->request_count & (trace->request_count - 1)) == 0) {
		size_t capacity =
			trace->request_count ? 2 * trace->request_count : 1;
		struct bench_request *grown =
			realloc(trace->requests, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		trace->requests = grown;
	}
	slot = &trace->requests[trace->request_count++];
	slot->queued_ms = time_of(event, "queued_ms", began_ms);
	slot->started_ms = time_of(event, "started_ms", began_ms);
	slot->first_byte_ms = time_of(event, "first_byte_ms", began_ms);
	slot->ended_ms = time_of(event, "ms", began_ms);
	slot->is_range = json_object_get(event, "offset") != NULL;
	slot->has_opened_connection =
		json_is_true(json_object_get(event, "new_connection"));
	return 0;
}

static int add_line(struct bench_trace *trace, double began_ms,
		    const char *line, size_t size, struct error *err)
{
	json_t *event = json_loadb(line, size, 0, NULL);
	const char *name = json_string_value(json_object_get(event, "event"));
	int r = 0;

	if (!name || !json_is_number(json_object_get(event, "ms")))
		r = error_set(err, -EPROTO, "a line is no event of a trace");
	else if (strcmp(name, "request") != 0)
		add_event(trace, began_ms, event, name);
	else if (add_request(trace, began_ms, event) < 0)
		r = error_set(err, -ENOMEM, "out of memory");
	json_decref(event);
	return r;
}

int bench_trace_load(const char *path, double began_ms, struct bench_trace *ret,
		     struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(BENCH_TRACE_SIZE_MAX);
	size_t off = 0;
	int r = io_read_file(AT_FDCWD, path, &text, err);

	while (r == 0 && off < text.size) {
		const char *line = (const char *)text.data + off;
		const char *end = memchr(line, '\n', text.size - off);
		size_t size = end ? (size_t)(end - line) : text.size - off;

		r = add_line(ret, began_ms, line, size, err);
		if (r < 0)
			error_prefix(err, r, "%s", path);
		off += size + 1;
	}
	return r;
}

void bench_trace_fini(struct bench_trace *trace)
{
	free(trace->requests);
	*trace = (struct bench_trace){ 0 };
}

double bench_trace_find(const struct bench_trace *trace, const char *name)
{
	for (size_t i = 0; i < trace->event_count; i++)
		if (strcmp(trace->events[i].name, name) == 0)
			return trace->events[i].ms;
	return -1;
}
