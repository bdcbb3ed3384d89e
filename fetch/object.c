/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/object_redirect.h"
#include "fetch/pelican_federation.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FAILURES_MAX = 2, /* before a server is asked last */
	REST_MS = 30000,  /* the first */
	REST_DOUBLINGS_MAX = 3,
	BAD_CACHES_MAX = 2, /* before the origin is asked instead */
	TOKEN_MARGIN_S = 60,
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

static void clear_secret(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static void free_servers_locked(struct object *object) REQUIRES(object->lock)
{
	for (unsigned i = 0; i < object->server_count; i++) {
		free(object->servers[i].url);
		registry_redirect_fini(&object->servers[i].redirect);
	}
	object_identity_fini(&object->identity);
	free(object->validating_url);
	clear_secret(&object->authorization);
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
	bool is_resting = server->rest_ms > now_ms;

	if (server->is_direct && caches_are_bad_locked(object))
		return 0;
	if (server->is_direct)
		return is_resting ? 4 : 2;
	return is_resting ? 3 : 1;
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
		server->rests = 0;
		server->rest_ms = 0;
		break;
	case OBJECT_SERVER_FAILED:
		/* what fails while it rests was asked before, or for want of
		 * others: the rest becomes no longer by it */
		if (++server->failures < FAILURES_MAX ||
		    server->rest_ms > now_ms)
			break;
		server->rest_ms = now_ms + (REST_MS << server->rests);
		if (server->rests < REST_DOUBLINGS_MAX)
			server->rests++;
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

static bool has_direct_locked(const struct object *object)
	REQUIRES(object->lock)
{
	for (unsigned i = 0; i < object->server_count; i++)
		if (object->servers[i].is_direct)
			return true;
	return false;
}

bool object_wants_direct(struct object *object)
{
	bool wants;

	mutex_lock(&object->lock);
	wants = caches_are_bad_locked(object) && !has_direct_locked(object);
	mutex_unlock(&object->lock);
	return wants && object->finder;
}

bool object_has_direct(struct object *object)
{
	bool has;

	mutex_lock(&object->lock);
	has = has_direct_locked(object);
	mutex_unlock(&object->lock);
	return has;
}

int object_explain_none(struct object *object, struct error *err)
{
	int r;

	mutex_lock(&object->lock);
	if (*object->stale_note)
		r = error_set(err, -ESTALE, "%s", object->stale_note);
	else
		r = error_set(err, -EIO,
			      "%s: no server is left to ask: each one gave "
			      "wrong bytes, or cannot send parts of it; if it "
			      "was replaced, index it anew, or give the new "
			      "one another name",
			      object->name);
	mutex_unlock(&object->lock);
	return r;
}

/* ---- authorization ---- */

int object_set_authorization(struct object *object, const char *value,
			     int64_t until_s, const char *note)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	mutex_lock(&object->lock);
	clear_secret(&object->authorization);
	object->authorization = copy;
	object->token_until_s = until_s;
	snprintf(object->token_note, sizeof(object->token_note), "%s", note);
	mutex_unlock(&object->lock);
	return 0;
}

static bool may_carry(const char *server_url, const char *url)
{
	return object_redirect_is_same_host(server_url, url) &&
	       pelican_federation_may_use(url, false);
}

int object_copy_authorization(struct object *object, int server,
			      const char *url, char **ret)
{
	autofree char *server_url = object_copy_url(object, server);
	char *copy = NULL;
	bool has_one;

	if (!server_url)
		return -ENOMEM;
	mutex_lock(&object->lock);
	has_one = object->authorization;
	if (has_one)
		copy = strdup(object->authorization);
	mutex_unlock(&object->lock);
	if (has_one && !copy)
		return -ENOMEM;
	if (copy && !may_carry(server_url, url))
		clear_secret(&copy);
	*ret = copy;
	return 0;
}

bool object_token_is_ending(struct object *object, int64_t wall_s)
{
	bool is_ending;

	mutex_lock(&object->lock);
	is_ending = object->authorization &&
		    object->token_until_s - wall_s < TOKEN_MARGIN_S;
	mutex_unlock(&object->lock);
	return is_ending && object->finder;
}

void object_copy_token_note(struct object *object, char ret[OBJECT_NOTE_SIZE])
{
	mutex_lock(&object->lock);
	memcpy(ret, object->token_note, OBJECT_NOTE_SIZE);
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

/* There is one place only; what can change is the way there. */
static bool is_lone_locked(const struct object *object) REQUIRES(object->lock)
{
	return object->server_count == 1 && !object->finder;
}

static void report_bad_locked(struct object *object, uint64_t off, size_t size)
	REQUIRES(object->lock)
{
	int sender = find_sender_locked(object, off, size);

	if (sender < 0)
		return;
	if (is_lone_locked(object))
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

bool object_find_sender(struct object *object, uint64_t off, size_t size,
			char ret[URL_REDACTED_SIZE])
{
	int sender;

	mutex_lock(&object->lock);
	sender = find_sender_locked(object, off, size);
	if (sender >= 0)
		url_redact(object->servers[sender].url, ret);
	mutex_unlock(&object->lock);
	return sender >= 0;
}

/* ---- identity ---- */

static int settle_locked(struct object *object,
			 const struct http_response *response,
			 struct error *err) REQUIRES(object->lock)
{
	struct object_identity identity CLEANUP(object_identity_fini) = { 0 };
	int r;

	identity.name = strdup(object->name);
	free(object->validating_url);
	object->validating_url = strdup(response->url);
	if (!identity.name || !object->validating_url)
		return error_set(err, -ENOMEM, "out of memory");
	r = object_identity_settle(&identity, response, err);
	if (r < 0)
		return r;
	object->identity = identity;
	identity = (struct object_identity){ 0 };
	object->has_identity = true;
	return 0;
}

static int accept_locked(struct object *object,
			 const struct http_response *response,
			 struct error *err) REQUIRES(object->lock)
{
	struct error found = { 0 };
	int r;

	if (!object->has_identity)
		return settle_locked(object, response, err);
	r = object_identity_check(
		&object->identity, response,
		object_redirect_is_same_host(response->url,
					     object->validating_url),
		&found);
	if (r == 0)
		return 0;
	if (is_lone_locked(object))
		object->has_changed = true;
	snprintf(object->stale_note, sizeof(object->stale_note), "%.*s",
		 OBJECT_NOTE_SIZE - 1, found.text);
	return error_set(err, r, "%s", found.text);
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
	int r = 0;

	mutex_lock(&object->lock);
	if (object->has_changed)
		r = error_set(err, -ESTALE, "%s", object->stale_note);
	mutex_unlock(&object->lock);
	return r;
}

int object_copy_identity(struct object *object, struct object_identity *ret)
{
	int r;

	mutex_lock(&object->lock);
	assert(object->has_identity);
	r = object_identity_copy(&object->identity, ret);
	mutex_unlock(&object->lock);
	return r;
}
