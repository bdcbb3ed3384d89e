/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object.h"

#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/http_range.h"
#include "fetch/object_redirect.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FAILURES_MAX = 2, /* before a server is asked last */
	REST_MS = 30000,
	BAD_CACHES_MAX = 2, /* before the origin is asked instead */
};

struct object *object_create(struct http_client *client, const char *name)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	object->client = client;
	object->refs = 1;
	object->name = strdup(name);
	mutex_init(&object->lock);
	if (object->name)
		return object;
	object_unref(object);
	return NULL;
}

struct object *object_ref(struct object *object)
{
	__atomic_fetch_add(&object->refs, 1, __ATOMIC_RELAXED);
	return object;
}

static void free_servers_locked(struct object *object) REQUIRES(object->lock)
{
	for (unsigned i = 0; i < object->server_count; i++) {
		free(object->servers[i].url);
		registry_redirect_fini(&object->servers[i].redirect);
	}
	free(object->etag);
	free(object->last_modified);
	free(object->validating_url);
}

void object_unref(struct object *object)
{
	if (!object ||
	    __atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	mutex_lock(&object->lock);
	free_servers_locked(object);
	mutex_unlock(&object->lock);
	mutex_fini(&object->lock);
	free(object->name);
	free(object);
}

/* ---- servers ---- */

static int add_server_locked(struct object *object, const char *url,
			     bool is_direct) REQUIRES(object->lock)
{
	struct object_server *server = &object->servers[object->server_count];

	for (unsigned i = 0; i < object->server_count; i++)
		if (strcmp(object->servers[i].url, url) == 0)
			return 0;
	if (object->server_count == OBJECT_SERVERS_MAX)
		return -ENOSPC;
	server->url = strdup(url);
	if (!server->url)
		return -ENOMEM;
	server->is_direct = is_direct;
	object->server_count++;
	return 0;
}

int object_add_server(struct object *object, const char *url, bool is_direct)
{
	int r;

	mutex_lock(&object->lock);
	r = add_server_locked(object, url, is_direct);
	mutex_unlock(&object->lock);
	return r;
}

static bool caches_are_bad_locked(const struct object *object)
	REQUIRES(object->lock)
{
	unsigned count = 0;

	for (unsigned i = 0; i < object->server_count; i++)
		if (object->servers[i].is_bad && !object->servers[i].is_direct)
			count++;
	return count >= BAD_CACHES_MAX;
}

/* The lower the better. */
static unsigned rank_locked(const struct object *object,
			    const struct object_server *server, int64_t now_ms)
	REQUIRES(object->lock)
{
	if (server->is_direct && caches_are_bad_locked(object))
		return 0;
	if (server->is_direct)
		return 3;
	return server->rest_ms > now_ms ? 2 : 1;
}

static int choose_locked(struct object *object, uint32_t tried, int64_t now_ms,
			 struct object_choice *ret) REQUIRES(object->lock)
{
	const struct object_server *best = NULL;
	const char *redirect;
	unsigned rank = 0;

	for (unsigned i = 0; i < object->server_count; i++) {
		const struct object_server *server = &object->servers[i];
		unsigned its = rank_locked(object, server, now_ms);

		if ((tried & 1u << i) || server->is_unfit || server->is_bad ||
		    (best && its >= rank))
			continue;
		best = server;
		rank = its;
	}
	if (!best)
		return OBJECT_NO_SERVER;
	redirect = registry_redirect_find(&best->redirect, now_ms);
	ret->server = (int)(best - object->servers);
	ret->url = strdup(redirect ? redirect : best->url);
	ret->is_remembered = redirect;
	ret->is_fresh = object->is_suspect || best->failures > 0;
	object->is_suspect = false;
	return ret->url ? 0 : -ENOMEM;
}

int object_choose_server(struct object *object, uint32_t tried, int64_t now_ms,
			 struct object_choice *ret)
{
	int r;

	mutex_lock(&object->lock);
	r = choose_locked(object, tried, now_ms, ret);
	mutex_unlock(&object->lock);
	return r;
}

char *object_copy_url(struct object *object, int server)
{
	char *url;

	mutex_lock(&object->lock);
	url = strdup(object->servers[server].url);
	mutex_unlock(&object->lock);
	return url;
}

static void judge_locked(struct object *object, int number,
			 enum object_verdict verdict, int64_t now_ms)
	REQUIRES(object->lock)
{
	struct object_server *server = &object->servers[number];

	assert(number >= 0 && (unsigned)number < object->server_count);
	switch (verdict) {
	case OBJECT_SERVER_GOOD:
		server->failures = 0;
		server->rest_ms = 0;
		break;
	case OBJECT_SERVER_FAILED:
		if (++server->failures >= FAILURES_MAX)
			server->rest_ms = now_ms + REST_MS;
		break;
	case OBJECT_SERVER_UNFIT:
		server->is_unfit = true;
		break;
	}
}

void object_judge(struct object *object, int server,
		  enum object_verdict verdict, int64_t now_ms)
{
	mutex_lock(&object->lock);
	judge_locked(object, server, verdict, now_ms);
	mutex_unlock(&object->lock);
}

void object_note_redirect(struct object *object, int server, const char *url,
			  int64_t now_ms, int64_t wall_s)
{
	struct registry_redirect *redirect;

	mutex_lock(&object->lock);
	redirect = &object->servers[server].redirect;
	if (url)
		registry_redirect_set(redirect, url, now_ms, wall_s);
	else
		registry_redirect_fini(redirect);
	mutex_unlock(&object->lock);
}

/* ---- wrong bytes ---- */

void object_note_served(struct object *object, int server, uint64_t off,
			size_t size)
{
	mutex_lock(&object->lock);
	object->served[object->served_count++ % OBJECT_SERVED_MAX] =
		(struct object_served){ off, size, server };
	mutex_unlock(&object->lock);
}

/* -1: not remembered */
static int find_sender_locked(const struct object *object, uint64_t off,
			      size_t size) REQUIRES(object->lock)
{
	unsigned count = object->served_count;

	for (unsigned i = 0; i < count && i < OBJECT_SERVED_MAX; i++) {
		const struct object_served *served =
			&object->served[(count - 1 - i) % OBJECT_SERVED_MAX];

		if (off >= served->off &&
		    off - served->off + size <= served->size)
			return served->server;
	}
	return -1;
}

static void report_bad_locked(struct object *object, uint64_t off, size_t size)
	REQUIRES(object->lock)
{
	int sender = find_sender_locked(object, off, size);

	if (sender < 0)
		return;
	if (object->server_count == 1)
		object->is_suspect = true;
	else
		object->servers[sender].is_bad = true;
}

void object_report_bad(struct object *object, uint64_t off, size_t size)
{
	mutex_lock(&object->lock);
	report_bad_locked(object, off, size);
	mutex_unlock(&object->lock);
}

/* ---- identity ---- */

/* A weak validator says that two versions mean the same, not that their bytes
 * are (RFC 9110, section 8.8.1). */
static const char *find_etag(const struct http_response *response)
{
	const char *etag = http_response_find_header(response, "ETag", 0);

	return etag && *etag == '"' ? etag : NULL;
}

static const char *find_time(const struct http_response *response)
{
	return http_response_find_header(response, "Last-Modified", 0);
}

static bool find_total(const struct http_response *response, uint64_t *ret)
{
	const char *value =
		http_response_find_header(response, "Content-Range", 0);
	struct http_range range;

	if (!value || http_range_parse(value, &range) < 0 || !range.has_total)
		return false;
	*ret = range.total;
	return true;
}

static int settle_locked(struct object *object,
			 const struct http_response *response,
			 struct error *err) REQUIRES(object->lock)
{
	const char *etag = find_etag(response);
	const char *time = find_time(response);
	uint64_t size;

	if (!find_total(response, &size))
		return error_set(err, -EPROTO,
				 "%s: the server does not tell the size of the "
				 "whole (no total in Content-Range)",
				 object->name);
	object->size = size;
	object->etag = etag ? strdup(etag) : NULL;
	object->last_modified = time ? strdup(time) : NULL;
	object->validating_url = strdup(response->url);
	if ((etag && !object->etag) || (time && !object->last_modified) ||
	    !object->validating_url)
		return error_set(err, -ENOMEM, "out of memory");
	object->has_identity = true;
	return 0;
}

static int refuse(const struct object *object, const char *what,
		  const char *now, const char *then, struct error *err)
{
	return error_set(err, -ESTALE,
			 "%s: it was replaced while in use (%s is %.80s, was "
			 "%.80s); start again to use the new version",
			 object->name, what, now, then);
}

static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

static int compare_locked(struct object *object,
			  const struct http_response *response,
			  struct error *err) REQUIRES(object->lock)
{
	const char *etag = find_etag(response);
	const char *time = find_time(response);
	uint64_t size;
	char sizes[2][24];

	if (find_total(response, &size) && size != object->size) {
		snprintf(sizes[0], sizeof(sizes[0]), "%" PRIu64, size);
		snprintf(sizes[1], sizeof(sizes[1]), "%" PRIu64, object->size);
		return refuse(object, "its size", sizes[0], sizes[1], err);
	}
	if (!object_redirect_is_same_host(response->url,
					  object->validating_url))
		return 0;
	if (differ(etag, object->etag))
		return refuse(object, "its ETag", etag, object->etag, err);
	if (differ(time, object->last_modified))
		return refuse(object, "its Last-Modified", time,
			      object->last_modified, err);
	return 0;
}

static int accept_locked(struct object *object,
			 const struct http_response *response,
			 struct error *err) REQUIRES(object->lock)
{
	int r;

	if (!object->has_identity)
		return settle_locked(object, response, err);
	r = compare_locked(object, response, err);
	if (r < 0 && object->server_count == 1)
		object->has_changed = true;
	return r;
}

int object_accept(struct object *object, const struct http_response *response,
		  struct error *err)
{
	int r;

	mutex_lock(&object->lock);
	r = accept_locked(object, response, err);
	mutex_unlock(&object->lock);
	return r;
}

int object_check_unchanged(struct object *object, struct error *err)
{
	bool has_changed;

	mutex_lock(&object->lock);
	has_changed = object->has_changed;
	mutex_unlock(&object->lock);
	if (!has_changed)
		return 0;
	return error_set(err, -ESTALE,
			 "%s: it was replaced while in use; start again to use "
			 "the new version",
			 object->name);
}

static int copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int copy_identity_locked(struct object *object,
				struct object_identity *ret)
	REQUIRES(object->lock)
{
	assert(object->has_identity);
	ret->size = object->size;
	if (copy(object->name, &ret->name) < 0 ||
	    copy(object->etag, &ret->etag) < 0 ||
	    copy(object->last_modified, &ret->last_modified) < 0)
		return -ENOMEM;
	return 0;
}

int object_copy_identity(struct object *object, struct object_identity *ret)
{
	struct object_identity identity = { 0 };
	int r;

	mutex_lock(&object->lock);
	r = copy_identity_locked(object, &identity);
	mutex_unlock(&object->lock);
	if (r < 0)
		object_identity_fini(&identity);
	else
		*ret = identity;
	return r;
}
