/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_registry: handlers for two fake_http servers, the registry (with its
 * token server under /token) and the storage, over one state under one lock.
 *
 * Tokens and signatures are serial numbers: what was given out before a
 * certain number is expired.
 */
#include "tests/support/fake_registry.h"

#include "common/clock.h"
#include "common/thread.h"
#include "fetch/base64.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS_MAX = 32, TOKENS_MAX = 4096 };

struct object {
	bool is_manifest;
	char name[DIGEST_TEXT_SIZE]; /* its digest */
	char tag[64];		     /* "" without one */
	const char *media_type;
	const void *data;
	size_t size;
};

struct fault_plan {
	enum fake_fault fault;
	unsigned count; /* answers it still applies to */
	int status;
	const char *retry_after;
};

struct fake_registry {
	struct fake_registry_options options;
	struct fake_http *http;
	struct fake_http *storage;
	char host[32];
	struct mutex lock;
	/* -- protected by lock -- */
	struct object objects[OBJECTS_MAX];
	unsigned object_count GUARDED;
	struct fault_plan plans[FAKE_PLACE_COUNT];
	struct fake_registry_counters counters;
	int64_t token_born_ms[TOKENS_MAX];
	unsigned token_count GUARDED;
	unsigned token_valid_from GUARDED;
	unsigned signature GUARDED;
	int dead_url_status GUARDED;
	const char *password GUARDED;
};

static void apply_plan_locked(struct fake_registry *registry,
			      enum fake_place place, struct fake_answer *answer)
	REQUIRES(registry->lock)
{
	struct fault_plan *plan = &registry->plans[place];

	registry->counters.requests[place]++;
	if (plan->count > 0) {
		plan->count--;
		answer->fault = plan->fault;
		answer->fault_status = plan->status;
		answer->retry_after = plan->retry_after;
	}
	if (answer->status == 401 || answer->status == 403 ||
	    answer->status == 400)
		registry->counters.refused[place]++;
}

/* ---- authorization ---- */

static bool has_password_locked(struct fake_registry *registry,
				const struct fake_request *request)
	REQUIRES(registry->lock)
{
	char expected[256];
	char pair[128];
	char *encoded;

	if (!registry->options.user)
		return true;
	snprintf(pair, sizeof(pair), "%s:%s", registry->options.user,
		 registry->password);
	encoded = base64_encode(pair, strlen(pair));
	snprintf(expected, sizeof(expected), "Basic %s", encoded);
	free(encoded);
	return request->authorization &&
	       strcmp(request->authorization, expected) == 0;
}

/* A token reads "token-SERIAL-SCOPE". */
static bool has_token_locked(struct fake_registry *registry,
			     const struct fake_request *request)
	REQUIRES(registry->lock)
{
	const struct fake_registry_options *options = &registry->options;
	const char *scope;
	unsigned serial;

	if (!request->authorization ||
	    sscanf(request->authorization, "Bearer token-%u-", &serial) != 1 ||
	    serial >= registry->token_count ||
	    serial < registry->token_valid_from)
		return false;
	scope = strrchr(request->authorization, '-') + 1;
	if (options->needed_scope && strcmp(scope, options->needed_scope) != 0)
		return false;
	return !options->token_life_ms ||
	       clock_ms() - registry->token_born_ms[serial] <
		       options->token_life_ms;
}

static bool is_authorized_locked(struct fake_registry *registry,
				 const struct fake_request *request)
	REQUIRES(registry->lock)
{
	switch (registry->options.auth) {
	case FAKE_AUTH_BASIC:
		return has_password_locked(registry, request);
	case FAKE_AUTH_BEARER:
		return has_token_locked(registry, request);
	case FAKE_AUTH_NONE:
		break;
	}
	return true;
}

static void challenge(const struct fake_registry *registry,
		      const struct fake_request *request,
		      struct fake_answer *answer)
{
	const char *scope = registry->options.needed_scope;

	fake_answer_set_text(answer, 401,
			     "{\"errors\":[{\"code\":\"UNAUTHORIZED\","
			     "\"message\":\"authentication required\"}]}");
	if (registry->options.auth == FAKE_AUTH_BASIC)
		fake_answer_add_header(answer, "WWW-Authenticate",
				       "Basic realm=\"a, b\"");
	else if (scope && request->authorization)
		fake_answer_add_header(answer, "WWW-Authenticate",
				       "Bearer realm=\"http://%s/token\","
				       "service=\"fake\",scope=\"%s\","
				       "error=\"insufficient_scope\"",
				       registry->host, scope);
	else
		fake_answer_add_header(answer, "WWW-Authenticate",
				       "bearer Realm=\"http://%s/token\","
				       "service=\"fake\"",
				       registry->host);
}

/* ---- objects ---- */

static const struct object *find_object_locked(struct fake_registry *registry,
					       bool is_manifest,
					       const char *name)
	REQUIRES(registry->lock)
{
	for (unsigned i = 0; i < registry->object_count; i++) {
		const struct object *object = &registry->objects[i];

		if (object->is_manifest == is_manifest &&
		    (strcmp(object->name, name) == 0 ||
		     (*object->tag && strcmp(object->tag, name) == 0)))
			return object;
	}
	return NULL;
}

static void send_object(const struct object *object, struct fake_answer *answer)
{
	if (!object) {
		fake_answer_set_text(answer, 404,
				     "{\"errors\":[{\"code\":\"UNKNOWN\","
				     "\"message\":\"not known\"}]}");
		return;
	}
	answer->status = 200;
	answer->body = object->data;
	answer->size = object->size;
	answer->has_ranges = !object->is_manifest;
	fake_answer_add_header(answer, "Content-Type", "%s; charset=utf-8",
			       object->media_type);
	fake_answer_add_header(answer, "Docker-Content-Digest", "%s",
			       object->name);
}

static void redirect_locked(struct fake_registry *registry,
			    const struct object *object,
			    struct fake_answer *answer) REQUIRES(registry->lock)
{
	fake_answer_set_text(answer, 307, "elsewhere");
	if (registry->options.redirect_to)
		fake_answer_add_header(answer, "Location", "%s",
				       registry->options.redirect_to);
	else
		fake_answer_add_header(answer, "Location",
				       "http://127.0.0.1:%u/store/"
				       "%s?Signature=%u&Expires=%" PRId64,
				       fake_http_port(registry->storage),
				       object->name, registry->signature,
				       clock_wall_s() + 1200);
}

static void send_token_locked(struct fake_registry *registry,
			      const struct fake_request *request,
			      struct fake_answer *answer)
	REQUIRES(registry->lock)
{
	const struct fake_registry_options *options = &registry->options;
	bool is_post = strcmp(request->method, "POST") == 0;
	char life[64] = "";
	char scope[256] = "none";
	const char *asked;

	registry->counters.token_posts += is_post;
	if (is_post && options->refuses_post) {
		fake_answer_set_text(answer, 405, "GET is enough");
		return;
	}
	if (is_post ? !options->identity_token ||
			      !strstr(request->body, options->identity_token)
		    : !has_password_locked(registry, request)) {
		fake_answer_set_text(answer, 401, "no");
		return;
	}
	asked = strstr(request->query, "scope=");
	if (asked)
		snprintf(scope, sizeof(scope), "%.*s",
			 (int)strcspn(asked + 6, "&"), asked + 6);
	if (options->expires_in)
		snprintf(life, sizeof(life), ",\"expires_in\":%d",
			 options->expires_in);
	assert(registry->token_count < TOKENS_MAX);
	registry->token_born_ms[registry->token_count] = clock_ms();
	fake_answer_set_text(answer, 200, "{\"%s\":\"token-%u-%s\"%s}",
			     options->uses_access_token ? "access_token"
							: "token",
			     registry->token_count++, scope, life);
}

static void serve_locked(struct fake_registry *registry,
			 const struct fake_request *request,
			 struct fake_answer *answer) REQUIRES(registry->lock)
{
	const char *manifest = strstr(request->path, "/manifests/");
	const char *blob = strstr(request->path, "/blobs/");
	const struct object *object = NULL;

	if (strcmp(request->path, "/token") == 0) {
		send_token_locked(registry, request, answer);
		apply_plan_locked(registry, FAKE_PLACE_TOKEN, answer);
		return;
	}
	if (manifest)
		object = find_object_locked(registry, true, manifest + 11);
	else if (blob)
		object = find_object_locked(registry, false, blob + 7);
	if (!is_authorized_locked(registry, request))
		challenge(registry, request, answer);
	else if (blob && object &&
		 (registry->storage || registry->options.redirect_to))
		redirect_locked(registry, object, answer);
	else
		send_object(object, answer);
	apply_plan_locked(registry,
			  manifest ? FAKE_PLACE_MANIFEST : FAKE_PLACE_BLOB,
			  answer);
}

static void serve(void *arg, const struct fake_request *request,
		  struct fake_answer *ret)
{
	struct fake_registry *registry = arg;

	mutex_lock(&registry->lock);
	serve_locked(registry, request, ret);
	mutex_unlock(&registry->lock);
}

/* ---- the storage ---- */

static void store_locked(struct fake_registry *registry,
			 const struct fake_request *request,
			 struct fake_answer *answer) REQUIRES(registry->lock)
{
	const struct object *object =
		find_object_locked(registry, false, request->path + 7);
	unsigned signature = 0;

	sscanf(request->query, "Signature=%u", &signature);
	if (request->authorization) {
		registry->counters.storage_authorizations++;
		fake_answer_set_text(answer, 400,
				     "Only one auth mechanism allowed");
	} else if (registry->options.redirects_in_circle) {
		fake_answer_set_text(answer, 302, "round and round");
		fake_answer_add_header(answer, "Location", "%s?%s",
				       request->path, request->query);
	} else if (signature != registry->signature) {
		fake_answer_set_text(answer, registry->dead_url_status,
				     "Request has expired");
	} else {
		send_object(object, answer);
	}
	apply_plan_locked(registry, FAKE_PLACE_STORAGE, answer);
}

static void store(void *arg, const struct fake_request *request,
		  struct fake_answer *ret)
{
	struct fake_registry *registry = arg;

	mutex_lock(&registry->lock);
	store_locked(registry, request, ret);
	mutex_unlock(&registry->lock);
}

/* ---- for tests ---- */

struct fake_registry *fake_registry_start(
	const struct fake_registry_options *options)
{
	struct fake_registry *registry = calloc(1, sizeof(*registry));

	if (!registry)
		return NULL;
	if (options)
		registry->options = *options;
	mutex_init(&registry->lock);
	mutex_lock(&registry->lock);
	registry->signature = 1;
	registry->dead_url_status = 403;
	registry->password = registry->options.password;
	mutex_unlock(&registry->lock);
	registry->http = fake_http_start(serve, registry);
	if (registry->options.has_storage)
		registry->storage = fake_http_start(store, registry);
	if (!registry->http ||
	    (registry->options.has_storage && !registry->storage)) {
		fake_registry_stop(registry);
		return NULL;
	}
	snprintf(registry->host, sizeof(registry->host), "127.0.0.1:%u",
		 fake_http_port(registry->http));
	return registry;
}

void fake_registry_stop(struct fake_registry *registry)
{
	if (!registry)
		return;
	fake_http_stop(registry->http);
	fake_http_stop(registry->storage);
	mutex_fini(&registry->lock);
	free(registry);
}

const char *fake_registry_host(const struct fake_registry *registry)
{
	return registry->host;
}

static void add_object(struct fake_registry *registry,
		       const struct object *object)
{
	mutex_lock(&registry->lock);
	assert(registry->object_count < OBJECTS_MAX);
	registry->objects[registry->object_count++] = *object;
	mutex_unlock(&registry->lock);
}

void fake_registry_add_blob(struct fake_registry *registry, const void *data,
			    size_t size, struct digest *ret)
{
	struct object object = {
		.media_type = "application/octet-stream",
		.data = data,
		.size = size,
	};

	digest_compute(data, size, ret);
	digest_format(ret, object.name);
	add_object(registry, &object);
}

void fake_registry_add_manifest(struct fake_registry *registry, const char *tag,
				const char *media_type, const void *data,
				size_t size, struct digest *ret)
{
	struct object object = {
		.is_manifest = true,
		.media_type = media_type,
		.data = data,
		.size = size,
	};

	digest_compute(data, size, ret);
	digest_format(ret, object.name);
	snprintf(object.tag, sizeof(object.tag), "%s", tag);
	add_object(registry, &object);
}

void fake_registry_fail(struct fake_registry *registry, enum fake_place place,
			enum fake_fault fault, unsigned count, int status,
			const char *retry_after)
{
	mutex_lock(&registry->lock);
	registry->plans[place] = (struct fault_plan){
		.fault = fault,
		.count = count,
		.status = status,
		.retry_after = retry_after,
	};
	mutex_unlock(&registry->lock);
}

void fake_registry_expire_tokens(struct fake_registry *registry)
{
	mutex_lock(&registry->lock);
	registry->token_valid_from = registry->token_count;
	mutex_unlock(&registry->lock);
}

void fake_registry_expire_urls(struct fake_registry *registry, int status)
{
	mutex_lock(&registry->lock);
	registry->signature++;
	registry->dead_url_status = status;
	mutex_unlock(&registry->lock);
}

void fake_registry_set_password(struct fake_registry *registry,
				const char *password)
{
	mutex_lock(&registry->lock);
	registry->password = password;
	mutex_unlock(&registry->lock);
}

void fake_registry_get_counters(struct fake_registry *registry,
				struct fake_registry_counters *ret)
{
	mutex_lock(&registry->lock);
	*ret = registry->counters;
	mutex_unlock(&registry->lock);
}
