/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/statistics.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_touches.h"
#include "fetch/http_client.h"
#include "fs/fs_server.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/session.h"
#include "tools/size_text.h"
#include "tools/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct numbers {
	struct chunk_loader_counters loader;
	struct http_client_counters http;
	struct fs_server_counters fs;
	struct index_figures index;
	uint64_t touched_chunks;
	uint64_t touched_bytes;
	uint32_t expected_chunks; /* touched as a profile or hints said */
};

static void count_touched(struct session *session, struct numbers *ret)
{
	const struct chunk_table *table =
		index_file_chunks(session_index(session));
	struct chunk_touches_counters counters;
	struct chunk_ref ref;

	chunk_touches_get_counters(session_touches(session), &counters);
	ret->expected_chunks = counters.expected;
	for (uint32_t i = 0; i < table->count; i++) {
		if (!chunk_touches_find(session_touches(session), i, NULL) ||
		    chunk_table_get(table, i, &ref) < 0)
			continue;
		ret->touched_chunks++;
		ret->touched_bytes += ref.stored_size;
	}
}

static void collect(struct session *session, struct fs_server *server,
		    struct numbers *ret)
{
	*ret = (struct numbers){ 0 };
	/* A job that joined an instance has neither loader nor server. */
	if (session_loader(session))
		chunk_loader_get_counters(session_loader(session),
					  &ret->loader);
	if (session_http_client(session))
		http_client_get_counters(session_http_client(session),
					 &ret->http);
	if (server)
		fs_server_get_counters(server, &ret->fs);
	index_file_get_figures(session_index(session), &ret->index);
	if (session_touches(session))
		count_touched(session, ret);
}

static double ms_between(int64_t from_us, int64_t to_us)
{
	return to_us > from_us ? (double)(to_us - from_us) / 1000.0 : 0.0;
}

void statistics_print(const struct statistics *s, struct session *session,
		      struct fs_server *server)
{
	struct numbers n;
	char fetched[SIZE_TEXT_MAX];
	char stored[SIZE_TEXT_MAX];

	collect(session, server, &n);
	if (s->instance)
		fprintf(stderr, "lazyrun: joined the instance %s\n",
			s->instance);
	fprintf(stderr,
		"lazyrun: fetched %s of %s in %llu ranges; chunks: %llu "
		"fetched, %llu from the cache\n",
		size_text_format(n.loader.fetched_bytes, fetched),
		size_text_format(n.index.stored_size, stored),
		(unsigned long long)n.loader.fetched_ranges,
		(unsigned long long)n.loader.fetched_chunks,
		(unsigned long long)n.loader.cache_hits);
	fprintf(stderr,
		"lazyrun: mounted after %.1f ms, ready %.1f ms, started %.1f "
		"ms, ended %.1f ms; %llu FUSE requests\n",
		ms_between(s->start_us, s->spawned_us),
		ms_between(s->start_us, s->ready_us),
		ms_between(s->start_us, s->started_us),
		ms_between(s->start_us, s->end_us),
		(unsigned long long)n.fs.requests);
}

static uint32_t hints_wanted(const struct statistics *s)
{
	return s->hints.command.wanted_chunks + s->hints.files.chunks;
}

static json_t *to_json(const struct statistics *s, struct session *session,
		       struct fs_server *server)
{
	char digest[DIGEST_TEXT_SIZE];
	struct numbers n;

	collect(session, server, &n);
	digest_format(image_manifest_digest(session_image(session)), digest);
	return json_pack(
		"{s:s, s:s, s:s?, s:i, s:f, s:f, s:f, s:f,"
		" s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
		" s:I, s:I, s:I, s:I, s:I, s:I, s:b,"
		" s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:s, s:s?}",
		"image", image_reference(session_image(session)), "digest",
		digest, "instance", s->instance, "exit_status", s->exit_status,
		"mounted_ms", ms_between(s->start_us, s->spawned_us),
		"ready_ms", ms_between(s->start_us, s->ready_us), "started_ms",
		ms_between(s->start_us, s->started_us), "ended_ms",
		ms_between(s->start_us, s->end_us), "image_bytes",
		(json_int_t)n.index.stored_size, "bytes_fetched",
		(json_int_t)n.loader.fetched_bytes, "ranges_fetched",
		(json_int_t)n.loader.fetched_ranges, "chunks_fetched",
		(json_int_t)n.loader.fetched_chunks, "cache_hits",
		(json_int_t)n.loader.cache_hits, "node_waits",
		(json_int_t)n.loader.node_waits, "bad_digests",
		(json_int_t)n.loader.bad_digests, "http_requests",
		(json_int_t)n.http.requests, "http_bytes",
		(json_int_t)n.http.body_bytes, "fuse_requests",
		(json_int_t)n.fs.requests, "fuse_reads", (json_int_t)n.fs.reads,
		"fuse_parked", (json_int_t)n.fs.parked, "chunks_touched",
		(json_int_t)n.touched_chunks, "bytes_touched",
		(json_int_t)n.touched_bytes, "profile_wanted",
		(json_int_t)s->profile.wanted_chunks, "profile_chunks",
		(json_int_t)s->profile.asked_chunks, "profile_ranges",
		(json_int_t)s->profile.asked_ranges, "profile_bytes",
		(json_int_t)s->profile.asked_size, "profile_misled",
		s->profile.has_misled, "hint_wanted",
		(json_int_t)hints_wanted(s), "hint_chunks",
		(json_int_t)s->hints.command.asked_chunks +
			(json_int_t)s->hints.files.chunks,
		"hint_ranges", (json_int_t)s->hints.command.asked_ranges,
		"hint_bytes", (json_int_t)s->hints.command.asked_size,
		"hint_used",
		(json_int_t)(hints_wanted(s) ? n.expected_chunks : 0),
		"hint_followed", (json_int_t)s->hints.files.files,
		"hint_misled",
		s->hints.command.has_misled || s->hints.files.has_misled,
		"chunks_streamed", (json_int_t)n.loader.streamed_chunks,
		"hot_tree", s->hot_tree ? s->hot_tree : "none", "index_doubt",
		session_index_doubt(session));
}

void statistics_trace(const struct statistics *s, struct session *session,
		      struct fs_server *server)
{
	if (session_trace(session))
		trace_event_with(session_trace(session), "exit", s->end_us,
				 to_json(s, session, server));
}

int statistics_append(const struct statistics *statistics, const char *path,
		      struct session *session, struct fs_server *server,
		      struct error *err)
{
	json_t *json = to_json(statistics, session, server);
	autofree char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	autofree char *line = NULL;
	autoclose int fd = -1;
	int r;

	json_decref(json);
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set_errno(err, -errno,
				       "cannot write statistics to %s", path);
	r = io_write_full(fd, line, strlen(line));
	if (r < 0)
		return error_set_errno(err, r, "cannot write statistics to %s",
				       path);
	return 0;
}
