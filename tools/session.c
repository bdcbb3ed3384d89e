/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order of opening: cache, image (its manifest's digest), index, sources,
 * loader; closing is the reverse.  The network thread starts with the first
 * request only: an image whose index and chunks are at hand needs none.
 */
#include "tools/session.h"

#include "common/byte_stream.h"
#include "common/chunk_ref.h"
#include "common/error.h"
#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_pace.h"
#include "fetch/chunk_touches.h"
#include "fetch/http_client.h"
#include "fetch/object_source.h"
#include "fetch/range_source.h"
#include "hot/hot_gc.h"
#include "image/image.h"
#include "index/index_builder.h"
#include "index/index_file.h"
#include "tools/beside.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/index_store.h"
#include "tools/layer_stream.h"
#include "tools/object_build.h"
#include "tools/object_index.h"
#include "tools/object_index_search.h"
#include "tools/progress.h"
#include "tools/reference.h"
#include "tools/trace.h"
#include "tools/user_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct session {
	const struct common_options *options; /* borrowed */
	struct trace *trace;		      /* NULL without --trace */
	struct chunk_cache *cache;
	struct http_client *http; /* made when first needed; atomic: by the
				     image, perhaps on another thread */
	struct image *image;
	char *index_path; /* of --index, or found beside an object; NULL */
	int index_fd;
	struct index_file *index;
	struct object_index_search *search; /* of open_image()'s; else NULL */
	bool has_built_index;		    /* now, and not found */
	bool has_stub_index;		    /* index is the stub's own */
	struct range_source **sources;
	uint32_t source_count;
	struct chunk_touches *touches;
	struct chunk_loader *loader;
};

/* An index being built, as the builder's callbacks see it. */
struct build {
	struct session *session;
	struct progress *progress;
	uint64_t total_size;
	bool keep_chunks;
};

static int get_http_client(void *arg, struct http_client **ret,
			   struct error *err)
{
	struct session *session = arg;
	struct http_client *http = session_http_client(session);
	char user_agent[USER_AGENT_SIZE];
	const struct http_client_options options = {
		.connections_per_host = 16,
		.user_agent = user_agent,
		.observed = session->trace ? trace_exchange : NULL,
		.observed_arg = session->trace,
	};
	int r;

	if (!http) {
		user_agent_format(user_agent);
		r = http_client_create(&options, &http, err);
		if (r < 0)
			return r;
		__atomic_store_n(&session->http, http, __ATOMIC_RELEASE);
	}
	*ret = http;
	return 0;
}

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

static void set_known(const struct session *session, bool is_object,
		      struct image_options *options)
{
	if (!session->index)
		return;
	options->known_manifest = index_file_manifest_digest(session->index);
	if (!is_object)
		return;
	options->known_manifest_json = index_file_manifest(
		session->index, &options->known_manifest_size);
	options->known_has_digests = index_file_has_digests(session->index);
}

static int open_stored_index(struct session *session,
			     const struct digest *digest, struct error *err)
{
	session->index_fd = index_store_open(chunk_cache_dir_fd(session->cache),
					     digest, err);
	return session->index_fd < 0 ? session->index_fd
				     : index_file_open(session->index_fd,
						       &session->index, err);
}

/* What the search for an index beside the object has found. */
static int find_known(void *arg, struct image_options *options,
		      struct error *err)
{
	struct session *session = arg;
	struct digest digest;
	int r = object_index_search_end(session->search, &digest, err);

	if (r == OBJECT_INDEX_FOUND)
		r = open_stored_index(session, &digest, err);
	if (r < 0)
		return r;
	set_known(session, true, options);
	return 0;
}

static int open_image(struct session *session, const struct image_ref *ref,
		      struct error *err)
{
	const struct common_options *options = session->options;
	struct image_options image_options = {
		.get_http_client = get_http_client,
		.arg = session,
		.platform = options->platform,
		.allow_http = options->insecure,
		.find_known = session->search ? find_known : NULL,
		.cache_dir_fd = chunk_cache_dir_fd(session->cache),
		.tag_ttl_s = (unsigned)(options->tag_ttl_ms / 1000),
		.federation = options->federation,
		.preferred_caches = options->preferred_caches,
	};

	set_known(session, object_index_is_for(ref), &image_options);
	return image_open(ref, &image_options, &session->image, err);
}

/* The index given by --index, or found beside an object: opened first, so that
 * a reference by its digest needs no network to be known. */
static int open_given_index(struct session *session, struct error *err)
{
	const char *path = session->index_path;
	int r;

	if (!path)
		return 0;
	session->index_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (session->index_fd < 0)
		return error_set_errno(err, -errno, "cannot open index %s",
				       path);
	r = index_file_open(session->index_fd, &session->index, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* Is the opened index that of the image?  Then the image's manifest and
 * configuration are taken from it. */
static int adopt_index(struct session *session, const char *origin,
		       struct error *err)
{
	const struct digest *wanted = image_manifest_digest(session->image);
	const void *manifest;
	const void *config;
	size_t manifest_size;
	size_t config_size;
	int r;

	if (!digest_equal(index_file_manifest_digest(session->index), wanted)) {
		char text[DIGEST_TEXT_SIZE];

		digest_format(wanted, text);
		return error_set(err, -EBADMSG,
				 "%s is not the index of %s (%s); make a new "
				 "one with `lazyrun index`",
				 origin, image_reference(session->image), text);
	}
	manifest = index_file_manifest(session->index, &manifest_size);
	config = index_file_config(session->index, &config_size);
	r = image_set_manifest(session->image, manifest, manifest_size, config,
			       config_size, err);
	return r < 0 ? error_prefix(err, r, "%s", origin) : 0;
}

static void close_index(struct session *session)
{
	index_file_close(session->index);
	session->index = NULL;
	if (session->index_fd >= 0)
		close(session->index_fd);
	session->index_fd = -1;
}

/* An index in the cache that cannot be used is dropped and built anew. */
static int find_cached_index(struct session *session, struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session->cache);
	const struct digest *manifest = image_manifest_digest(session->image);
	int r;

	session->index_fd = index_store_open(cache_fd, manifest, err);
	if (session->index_fd < 0)
		return session->index_fd;
	r = index_file_open(session->index_fd, &session->index, err);
	if (r == 0)
		r = adopt_index(session, "the index in the cache", err);
	if (r == -EBADMSG || r == -ENOTSUP) {
		close_index(session);
		index_store_remove(cache_fd, manifest);
		return -ENOENT;
	}
	return r;
}

int session_find_index(struct session *session, struct error *err)
{
	int r;

	if (session->index_path)
		return adopt_index(session, session->index_path, err);
	if (session->has_stub_index)
		return adopt_index(session, "the index in the stub", err);
	r = find_cached_index(session, err);
	if (r != -ENOENT)
		return r;
	if (err)
		*err = (struct error){ 0 };
	return 0;
}

static int build_open_layer(void *arg, uint32_t number,
			    struct byte_stream **ret, struct error *err)
{
	struct build *build = arg;

	return layer_stream_open(build->session->image, number, ret, err);
}

static void build_keep_chunk(void *arg, const struct chunk_ref *ref,
			     const void *raw)
{
	struct build *build = arg;
	struct digest key;

	if (!build->keep_chunks || ref->raw_size == 0)
		return;
	chunk_ref_key(ref, &key);
	/* a cache that is full or broken only costs a fetch later */
	chunk_cache_store(build->session->cache, &key, raw, ref->raw_size);
}

static bool build_show_progress(void *arg, uint64_t done_size)
{
	struct build *build = arg;

	progress_update(build->progress, done_size, build->total_size);
	return true;
}

/* The builder's view of the image; @ret_layers is malloc'ed. */
static int describe_layers(const struct image *image,
			   struct index_builder_layer **ret_layers,
			   uint64_t *ret_total, struct error *err)
{
	const struct manifest *manifest = image_manifest(image);
	const struct image_config *config = image_config(image);
	struct index_builder_layer *layers;

	if (config->diff_id_count != 0 &&
	    config->diff_id_count != manifest->layer_count)
		return error_set(err, -EPROTO,
				 "the image's configuration lists %u layers, "
				 "its manifest %u",
				 config->diff_id_count, manifest->layer_count);
	layers = calloc(manifest->layer_count + 1, sizeof(*layers));
	if (!layers)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < manifest->layer_count; i++) {
		layers[i].digest = manifest->layers[i].digest;
		layers[i].size = manifest->layers[i].size;
		if (config->diff_id_count)
			layers[i].diff_id = config->diff_ids[i];
		*ret_total += layers[i].size;
	}
	*ret_layers = layers;
	return 0;
}

static int build_object_index(struct session *session, int fd,
			      enum object_build_mode mode, bool is_packed,
			      bool keep_chunks, struct error *err)
{
	const struct object_build_options options = {
		.mode = mode,
		.is_packed = is_packed,
		.cache = keep_chunks ? session->cache : NULL,
		.is_quiet = session->options->quiet,
	};

	return object_build_run(session->image, fd, &options, err);
}

int session_check_object(struct session *session, int fd, struct error *err)
{
	return build_object_index(session, fd, OBJECT_BUILD_CHECK, false, false,
				  err);
}

int session_build_index(struct session *session, int fd, bool is_packed,
			bool keep_chunks, struct error *err)
{
	autofree struct index_builder_layer *layers = NULL;
	struct build build = {
		.session = session,
		.keep_chunks = keep_chunks,
	};
	const struct index_builder_options options = {
		.is_packed = is_packed,
		.open_layer = build_open_layer,
		.chunk = build_keep_chunk,
		.progress = build_show_progress,
		.arg = &build,
	};
	struct index_builder_image image = { 0 };
	int r;

	if (image_is_object(session->image))
		return build_object_index(session, fd, OBJECT_BUILD_DIGESTS,
					  is_packed, keep_chunks, err);
	r = image_load_manifest(session->image, err);
	if (r < 0)
		return r;
	r = describe_layers(session->image, &layers, &build.total_size, err);
	if (r < 0)
		return r;
	image.manifest_digest = *image_manifest_digest(session->image);
	image.manifest =
		image_manifest_json(session->image, &image.manifest_size);
	image.config = image_config_json(session->image, &image.config_size);
	image.layers = layers;
	image.layer_count = image_manifest(session->image)->layer_count;
	build.progress = progress_create("indexing", session->options->quiet);
	r = index_builder_build(fd, &image, &options, err);
	progress_destroy(build.progress);
	return r;
}

/* An index, and a profile, that somebody pushed beside the image.  Whatever
 * goes wrong, the index can still be built. */
static int fetch_cached_index(struct session *session)
{
	const struct common_options *options = session->options;
	struct beside_found found;
	struct error err = { 0 };
	int r;

	if (options->local_index || image_is_object(session->image))
		return -ENOENT;
	r = beside_fetch(session->image, chunk_cache_dir_fd(session->cache),
			 &found, &err);
	if (r < 0 && r != -ENOTSUP)
		log_event(LOG_WARN, "tools", "op=beside text=\"%s\"", err.text);
	return found.has_index ? find_cached_index(session, &err) : -ENOENT;
}

static int publish_index(struct session *session, int fd, struct error *err)
{
	session->has_built_index = true;
	return index_store_publish(chunk_cache_dir_fd(session->cache), fd,
				   image_manifest_digest(session->image), err);
}

static int build_cached_index(struct session *session, struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session->cache);
	autoclose int fd = -1;
	int r;

	fd = index_store_create(cache_fd, err);
	if (fd < 0)
		return fd;
	if (image_is_object(session->image)) {
		r = build_object_index(session, fd, OBJECT_BUILD_TABLES, false,
				       false, err);
		return r < 0 ? r : publish_index(session, fd, err);
	}
	if (!session->options->quiet)
		fprintf(stderr,
			"lazyrun: no index of %s is at hand; reading the image "
			"once to make one\n"
			"lazyrun: (`lazyrun index %s -o FILE` and --index FILE "
			"spare others this wait)\n",
			image_reference(session->image),
			image_reference(session->image));
	r = session_build_index(session, fd, false, true, err);
	return r < 0 ? r : publish_index(session, fd, err);
}

/* One process of the node builds; the others wait for its index. */
static int find_or_build_index(struct session *session, struct error *err)
{
	const struct digest *manifest = image_manifest_digest(session->image);
	const struct timespec pause = { .tv_nsec = 50 * 1000000 };
	bool is_claimed = false;
	bool has_waited = false;
	int r;

	for (;;) {
		r = session_find_index(session, err);
		if (r < 0 || session->index)
			break;
		if (is_claimed) {
			r = fetch_cached_index(session);
			if (r == 0)
				break;
			r = build_cached_index(session, err);
			if (r == 0)
				r = find_cached_index(session, err);
			break;
		}
		/* Once claimed look again: another may just have finished.
		 * A builder that dies gives its claim up, so this ends. */
		is_claimed = chunk_cache_try_claim(session->cache, manifest) ==
			     CHUNK_CACHE_CLAIMED;
		if (is_claimed)
			continue;
		if (!has_waited && !session->options->quiet)
			fprintf(stderr, "lazyrun: another process is making "
					"the index; waiting for it\n");
		has_waited = true;
		nanosleep(&pause, NULL);
	}
	if (is_claimed)
		chunk_cache_unclaim(session->cache, manifest);
	return r;
}

/* The client may be made by another thread, when a layer is first read. */
static void get_link(void *arg, struct chunk_link *ret)
{
	struct http_client *http = session_http_client(arg);
	struct http_client_counters counters;

	if (!http)
		return;
	http_client_get_counters(http, &counters);
	ret->rtt_us = counters.rtt_us;
	ret->rate = counters.body_rate;
}

int session_open_loader(struct session *session, struct error *err)
{
	/* Together with what malloc() keeps, under 64 MiB of private memory
	 * while a whole image is read (tests/integration/08-figures.sh). */
	struct chunk_loader_options options = {
		.memory_size = 16 << 20,
		.flight_size_max = 10 << 20,
		.flight_size_wide = 32 << 20,
		.profile_flight_size = 20 << 20,
		.get_link = get_link,
		.link_arg = session,
	};
	uint32_t count = image_manifest(session->image)->layer_count;
	int r;

	session->touches =
		chunk_touches_create(index_file_chunks(session->index)->count);
	options.touches = session->touches;
	session->sources = calloc(count + 1, sizeof(struct range_source *));
	if (!session->touches || !session->sources)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		r = image_open_layer(session->image, i, &session->sources[i],
				     err);
		if (r < 0)
			return r;
		session->source_count++;
	}
	return chunk_loader_create(index_file_chunks(session->index),
				   session->sources, session->source_count,
				   session->cache, &options, &session->loader,
				   err);
}

/* Where the index came from, and how much of an image it describes. */
static void trace_index(const struct session *session)
{
	const char *origin = session->has_built_index ? "built"
			     : session->index_path    ? "file"
						      : "cache";
	struct index_figures figures;

	if (!session->trace)
		return;
	index_file_get_figures(session->index, &figures);
	trace_event_with(session->trace, "index", 0,
			 json_pack("{s:s, s:I}", "origin", origin,
				   "image_bytes",
				   (json_int_t)figures.stored_size));
}

/* --index, or for an object what lies beside it or in --index-dir. */
static int choose_index(struct session *session, const struct image_ref *ref,
			struct error *err)
{
	const struct common_options *options = session->options;

	if (options->index) {
		session->index_path = strdup(options->index);
		return session->index_path
			       ? 0
			       : error_set(err, -ENOMEM, "out of memory");
	}
	return object_index_find(ref, options->index_dir, &session->index_path,
				 err);
}

/* The index that lies beside an object at a URL: in the cache by now, or looked
 * for while the image is opened. */
static int open_index_beside(struct session *session,
			     const struct image_ref *ref, struct error *err)
{
	const struct common_options *options = session->options;
	int cache_fd = chunk_cache_dir_fd(session->cache);
	struct object_source_options source = {
		.allow_http = options->insecure,
		.cache_dir_fd = cache_fd,
		.federation = options->federation,
		.preferred_caches = options->preferred_caches,
	};
	struct digest digest;
	int r = object_index_recall(ref, cache_fd, options->tag_ttl_ms / 1000,
				    &digest);

	if (r == OBJECT_INDEX_FOUND &&
	    open_stored_index(session, &digest, NULL) == 0)
		return 0;
	close_index(session);
	if (r == OBJECT_INDEX_ABSENT)
		return 0;
	r = get_http_client(session, &source.client, err);
	return r < 0 ? r
		     : object_index_search_start(ref, &source, cache_fd,
						 &session->search, err);
}

/* The index that a stub brought; without one the session stays as it is. */
static int open_stub_index(struct session *session,
			   const struct reference_stub *stub, struct error *err)
{
	if (session->index || digest_is_zero(&stub->index))
		return 0;
	session->index_fd = reference_open_index(
		stub, chunk_cache_dir_fd(session->cache), err);
	if (session->index_fd < 0)
		return session->index_fd;
	session->has_stub_index = true;
	return index_file_open(session->index_fd, &session->index, err);
}

static int open_reference(struct session *session, const char *text,
			  enum session_need need, struct error *err)
{
	struct image_ref ref CLEANUP(image_ref_fini) = { 0 };
	struct reference_stub stub CLEANUP(reference_stub_fini) = { 0 };
	int r = reference_parse(text, &ref, &stub, err);

	if (r == 0 && need > SESSION_FRESH)
		r = choose_index(session, &ref, err);
	if (r == 0)
		r = open_given_index(session, err);
	if (r == 0 && need > SESSION_FRESH)
		r = open_stub_index(session, &stub, err);
	if (r == 0 && need > SESSION_FRESH && !session->index &&
	    !session->options->local_index &&
	    (ref.kind == IMAGE_REF_URL || ref.kind == IMAGE_REF_OSDF) &&
	    object_source_is_url(ref.text))
		r = open_index_beside(session, &ref, err);
	if (r == 0)
		r = open_image(session, &ref, err);
	object_index_search_destroy(session->search);
	session->search = NULL;
	if (r == 0)
		reference_check(&stub, session->image);
	/* one in the cache is found there by what the image is now */
	if (session->index && !session->index_path && !session->has_stub_index)
		close_index(session);
	return r;
}

static int open_until(struct session *session, const char *image,
		      enum session_need need, struct error *err)
{
	int r = open_cache(session, err);

	if (r == 0 && need >= SESSION_FRESH)
		r = open_reference(session, image, need, err);
	if (r == 0 && need >= SESSION_IMAGE)
		trace_event(session->trace, "resolved", 0);
	if (r == 0 && need >= SESSION_INDEX)
		r = find_or_build_index(session, err);
	if (r == 0 && need >= SESSION_INDEX)
		trace_index(session);
	if (r == 0 && need >= SESSION_LOADER)
		r = session_open_loader(session, err);
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
	chunk_loader_destroy(session->loader);
	chunk_touches_destroy(session->touches);
	for (uint32_t i = 0; i < session->source_count; i++)
		range_source_destroy(session->sources[i]);
	free(session->sources);
	close_index(session);
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

struct index_file *session_index(struct session *session)
{
	return session->index;
}

struct chunk_loader *session_loader(struct session *session)
{
	return session->loader;
}

struct trace *session_trace(struct session *session)
{
	return session->trace;
}

struct chunk_touches *session_touches(struct session *session)
{
	return session->touches;
}

struct http_client *session_http_client(struct session *session)
{
	return __atomic_load_n(&session->http, __ATOMIC_ACQUIRE);
}

int session_index_fd(const struct session *session)
{
	return session->index_fd;
}

const char *session_index_path(const struct session *session)
{
	return session->index_path;
}
