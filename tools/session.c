/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order of opening: cache, image (its manifest's digest), index, sources,
 * loader; closing is the reverse.  The network thread starts with the first
 * request only: an image whose index and chunks are at hand needs none.
 */
#include "tools/session.h"

#include "common/error.h"
#include "fetch/chunk_cache.h"
#include "fetch/http_client.h"
#include "hot/hot_gc.h"
#include "image/image.h"
#include "image/image_ref.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/object_index.h"
#include "tools/reference.h"
#include "tools/session_http.h"
#include "tools/session_index.h"
#include "tools/session_loader.h"
#include "tools/session_state.h"
#include "tools/tag_check.h"
#include "tools/trace.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

int session_format_cache_dir(const struct common_options *options, char *ret,
			     size_t size, struct error *err)
{
	autofree char *real = NULL;

	if (!options->cache_dir)
		return config_cache_dir(ret, size, err);
	real = realpath(options->cache_dir, NULL);
	if ((size_t)snprintf(ret, size, "%s",
			     real ? real : options->cache_dir) >= size)
		return error_set(err, -ENAMETOOLONG,
				 "the cache directory's path is too long");
	return 0;
}

/* What the cache's bound includes beside chunks. */
static uint64_t measure_hot_trees(int cache_dir_fd)
{
	struct hot_gc_usage usage = { 0 };

	(void)hot_gc_measure(cache_dir_fd, &usage, NULL);
	return usage.size;
}

static int open_cache(struct session *session, struct error *err)
{
	const struct common_options *options = session->options;
	char path[PATH_MAX];
	int r;

	r = session_format_cache_dir(options, path, sizeof(path), err);
	if (r < 0)
		return r;
	r = chunk_cache_open(path, options->cache_size, &session->cache, err);
	if (r < 0)
		return error_prefix(err, r,
				    "cannot use the cache (--cache-dir chooses "
				    "another)");
	chunk_cache_set_neighbours(session->cache, measure_hot_trees);
	return 0;
}

static int open_image(struct session *session, const struct image_ref *ref,
		      enum session_need need, struct error *err)
{
	const struct common_options *options = session->options;
	struct image_options image_options = {
		.get_http_client = session_http_get,
		.arg = session,
		.platform = options->platform,
		.allow_http = options->insecure,
		.may_assume = need == SESSION_ASSUMED,
		.find_known = session->search ? session_index_find_known : NULL,
		.cache_dir_fd = chunk_cache_dir_fd(session->cache),
		.tag_ttl_s = (unsigned)(options->tag_ttl_ms / 1000),
		.federation = options->federation,
		.preferred_caches = options->preferred_caches,
	};

	session_index_set_known(session, object_index_is_for(ref),
				&image_options);
	return image_open(ref, &image_options, &session->image, err);
}

static int open_reference(struct session *session, const char *text,
			  enum session_need need, struct error *err)
{
	struct image_ref ref CLEANUP(image_ref_fini) = { 0 };
	struct reference_stub stub CLEANUP(reference_stub_fini) = { 0 };
	int r = reference_parse(text, &ref, &stub, err);

	if (r == 0 && need > SESSION_FRESH)
		r = session_index_open_known(session, &ref, &stub, err);
	if (r == 0)
		r = open_image(session, &ref, need, err);
	session_index_end_search(session);
	if (r == 0)
		reference_check(&stub, session->image);
	return r;
}

static int open_until(struct session *session, const char *image,
		      enum session_need need, struct error *err)
{
	int r = open_cache(session, err);

	if (r == 0 && need >= SESSION_FRESH)
		r = open_reference(session, image, need, err);
	if (r == 0 && need >= SESSION_IMAGE &&
	    !image_is_assumed(session->image))
		trace_event(session->trace, "resolved", 0);
	if (r == 0 && need >= SESSION_INDEX)
		r = session_index_open(session, err);
	if (r == 0 && need >= SESSION_INDEX)
		session_index_trace(session);
	if (r == 0 && need >= SESSION_INDEX)
		session_index_warn(session);
	if (r == 0 && need >= SESSION_LOADER)
		r = session_open_loader(session, err);
	if (r == 0 && need == SESSION_ASSUMED &&
	    image_is_assumed(session->image))
		session->check = tag_check_start(session->image);
	return r;
}

int session_confirm(struct session *session, struct error *err)
{
	int r;

	if (!session->check && !image_is_assumed(session->image))
		return 0;
	r = tag_check_end(STEAL_PTR(session->check), err);
	if (r == 0)
		r = image_confirm(session->image, err);
	if (r == 0)
		trace_event(session->trace, "resolved", 0);
	if (r == -ESTALE && session->index_path)
		return error_prefix(err, r, "%s", session->index_path);
	return r;
}

int session_open(const char *image, const struct common_options *options,
		 enum session_need need, struct session **ret,
		 struct error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return error_set(err, -ENOMEM, "out of memory");
	session->options = options;
	session->index_fd = -1;
	r = trace_open(options->trace, options->start_us, &session->trace, err);
	if (r == 0)
		r = open_until(session, image, need, err);
	if (r < 0) {
		session_close(session);
		return r;
	}
	*ret = session;
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	(void)tag_check_end(STEAL_PTR(session->check), NULL);
	session_loader_close(session);
	session_index_close(session);
	free(session->index_path);
	image_close(session->image);
	http_client_destroy(session->http);
	chunk_cache_close(session->cache);
	trace_close(session->trace);
	free(session);
}

struct chunk_cache *session_cache(struct session *session)
{
	return session->cache;
}

struct image *session_image(struct session *session)
{
	return session->image;
}

struct trace *session_trace(struct session *session)
{
	return session->trace;
}
