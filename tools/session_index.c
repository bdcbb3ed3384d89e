/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/session_index.h"

#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "fetch/object_source.h"
#include "image/image.h"
#include "image/image_ref.h"
#include "index/index_file.h"
#include "tools/beside.h"
#include "tools/command.h"
#include "tools/index_store.h"
#include "tools/object_index.h"
#include "tools/object_index_search.h"
#include "tools/reference.h"
#include "tools/session.h"
#include "tools/session_build.h"
#include "tools/session_http.h"
#include "tools/session_state.h"
#include "tools/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void session_index_close(struct session *session)
{
	index_file_close(session->index);
	session->index = NULL;
	if (session->index_fd >= 0)
		close(session->index_fd);
	session->index_fd = -1;
}

void session_index_set_known(const struct session *session, bool is_object,
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

static int open_stored_index(struct session *session,
			     const struct digest *digest, struct error *err)
{
	session->index_fd = index_store_open(chunk_cache_dir_fd(session->cache),
					     digest, err);
	return session->index_fd < 0 ? session->index_fd
				     : index_file_open(session->index_fd,
						       &session->index, err);
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
	session_index_close(session);
	if (r == OBJECT_INDEX_ABSENT)
		return 0;
	r = session_http_get(session, &source.client, err);
	return r < 0 ? r
		     : object_index_search_start(ref, &source, cache_fd,
						 &session->search, err);
}

int session_index_open_known(struct session *session,
			     const struct image_ref *ref,
			     const struct reference_stub *stub,
			     struct error *err)
{
	int r = choose_index(session, ref, err);

	if (r == 0)
		r = open_given_index(session, err);
	if (r == 0)
		r = open_stub_index(session, stub, err);
	if (r == 0 && !session->index && !session->options->local_index &&
	    (ref->kind == IMAGE_REF_URL || ref->kind == IMAGE_REF_OSDF) &&
	    object_source_is_url(ref->text))
		r = open_index_beside(session, ref, err);
	return r;
}

int session_index_find_known(void *arg, struct image_options *options,
			     struct error *err)
{
	struct session *session = arg;
	struct error why = { 0 };
	struct digest digest;
	int r = object_index_search_end(session->search, &digest, &why);

	if (r < 0)
		return error_set(err, r, "%s", why.text);
	if (r == OBJECT_INDEX_UNKNOWN)
		session->index_doubt = why;
	if (r == OBJECT_INDEX_FOUND)
		r = open_stored_index(session, &digest, err);
	if (r < 0)
		return r;
	session_index_set_known(session, true, options);
	return 0;
}

void session_index_end_search(struct session *session)
{
	object_index_search_destroy(session->search);
	session->search = NULL;
	/* one in the cache is found there by what the image is now */
	if (session->index && !session->index_path && !session->has_stub_index)
		session_index_close(session);
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
		session_index_close(session);
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

int session_index_open(struct session *session, struct error *err)
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
			r = session_build_cached(session, err);
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

const char *session_index_doubt(const struct session *session)
{
	if (session->index_doubt.code == 0 || !session->index ||
	    index_file_has_digests(session->index))
		return NULL;
	return session->index_doubt.text;
}

void session_index_warn(const struct session *session)
{
	const char *doubt = session_index_doubt(session);

	if (doubt && !session->options->quiet)
		fprintf(stderr,
			"lazyrun: warning: nobody could say whether an index "
			"lies beside the image, so what is read of it has no "
			"SHA-256 to be checked by (--index names one): %s\n",
			doubt);
}

void session_index_trace(const struct session *session)
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

struct index_file *session_index(struct session *session)
{
	return session->index;
}

int session_index_fd(const struct session *session)
{
	return session->index_fd;
}

const char *session_index_path(const struct session *session)
{
	return session->index_path;
}
