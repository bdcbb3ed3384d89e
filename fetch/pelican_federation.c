/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pelican_federation.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/pelican_memory.h"
#include "fetch/url.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	TRIES_MAX = 3,
	TRY_PAUSE_MS = 2000,
	TRY_TIMEOUT_MS = 5000,
	DOCUMENT_SIZE_MAX = 64 << 10,
	AGE_S_MAX = 30 * 60,
	PAUSE_STEP_MS = 100,
};

void pelican_federation_fini(struct pelican_federation *federation)
{
	free(federation->base);
	free(federation->director);
	*federation = (struct pelican_federation){ 0 };
}

bool pelican_federation_pause(const struct pelican_access *access, int64_t ms)
{
	const struct timespec step = { 0, PAUSE_STEP_MS * 1000000 };
	int64_t end_ms = clock_ms() + ms;

	if (end_ms >= access->deadline_ms)
		return false;
	while (clock_ms() < end_ms) {
		if (access->watch &&
		    __atomic_load_n(&access->watch->is_abandoned,
				    __ATOMIC_ACQUIRE))
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

bool pelican_federation_may_use(const char *text, bool allow_http)
{
	struct url url = { 0 };
	bool may_use = url_parse(text, &url) == 0 &&
		       (allow_http || strcmp(url.scheme, "https") == 0 ||
			url_host_is_loopback(url.host));

	url_fini(&url);
	return may_use;
}

/* ---- the document ---- */

int pelican_federation_parse(const char *text, size_t size, char **ret)
{
	json_t *root = json_loadb(text, size, 0, NULL);
	const json_t *value = json_object_get(root, "director_endpoint");
	const char *director = json_string_value(value);
	struct url url = { 0 };
	char *copy = NULL;
	int r = json_is_object(root) ? 0 : -EPROTO;

	if (r == 0 && director && *director) {
		r = url_parse(director, &url) < 0 ? -EPROTO : 0;
		if (r == 0 && strpbrk(director, "?#\r\n \t"))
			r = -EPROTO;
		copy = r == 0 ? strdup(director) : NULL;
		if (r == 0 && !copy)
			r = -ENOMEM;
	}
	json_decref(root);
	url_fini(&url);
	if (r < 0)
		return r;
	for (size_t len = copy ? strlen(copy) : 0;
	     len > 0 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	*ret = copy;
	return 0;
}

static int get_once(const struct pelican_access *access, const char *base,
		    struct http_response **ret, struct error *err)
{
	autofree char *url = NULL;
	struct http_request request = {
		.method = HTTP_GET,
		.body_size_max = DOCUMENT_SIZE_MAX,
		.deadline_ms = clock_ms() + TRY_TIMEOUT_MS,
		.watch = access->watch,
	};

	if (asprintf(&url, "%s/.well-known/pelican-configuration", base) < 0) {
		url = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	request.url = url;
	if (request.deadline_ms > access->deadline_ms)
		request.deadline_ms = access->deadline_ms;
	return http_client_call(access->client, &request, ret, err);
}

static bool may_pass(int result, const struct http_response *response)
{
	assert((result == 0) == (response != NULL));
	if (result == 0)
		return response->status >= 500;
	return result == -ETIMEDOUT || result == -ECONNRESET;
}

static int get_document(const struct pelican_access *access, const char *base,
			struct http_response **ret, struct error *err)
{
	for (unsigned tries = 1;; tries++) {
		CLEANUP(http_response_destroyp)
		struct http_response *response = NULL;
		int r = get_once(access, base, &response, err);

		if (!may_pass(r, response) || tries == TRIES_MAX ||
		    !pelican_federation_pause(access, TRY_PAUSE_MS)) {
			if (r == 0)
				*ret = STEAL_PTR(response);
			return r;
		}
	}
}

static int read_document(const struct http_response *response, const char *base,
			 char **ret_director, struct error *err)
{
	int r;

	assert(response);
	if (response->status >= 500)
		return error_set(err, -EIO,
				 "%s: the federation's host fails with status "
				 "%d; try again later",
				 base, response->status);
	if (response->status != 200)
		return error_set(
			err, -ENOENT,
			"%s is not the host of a federation (status %d "
			"for /.well-known/pelican-configuration); "
			"check its name",
			base, response->status);
	r = pelican_federation_parse((const char *)response->body,
				     response->body_size, ret_director);
	if (r == -EPROTO)
		return error_set(
			err, r,
			"%s: its /.well-known/pelican-configuration is "
			"no discovery document; is it a federation's "
			"host?",
			base);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int discover(const struct pelican_access *access, const char *base,
		    char **ret_director, struct error *err)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	int r;

	if (!pelican_federation_may_use(base, access->allow_http))
		return error_set(err, -EINVAL,
				 "%s: plain http lets anybody on the way be "
				 "the federation; use https, or pass "
				 "--insecure to allow it",
				 base);
	r = get_document(access, base, &response, err);
	if (r < 0)
		return r;
	return read_document(response, base, ret_director, err);
}

/* ---- finding ---- */

static char *make_base(const char *scheme, const char *name)
{
	const char *host = strstr(name, "://");
	char *base = NULL;

	if (asprintf(&base, "%s://%s", scheme, host ? host + 3 : name) < 0)
		return NULL;
	return base;
}

/* No TLS there: what a test's federation on loopback looks like. */
static bool speaks_no_tls(const char *base, int result)
{
	struct url url = { 0 };
	bool is_local =
		url_parse(base, &url) == 0 && url_host_is_loopback(url.host);

	url_fini(&url);
	return is_local && (result == -EKEYREJECTED || result == -ECONNRESET ||
			    result == -EPROTO);
}

static int find_new(const struct pelican_access *access, const char *name,
		    struct pelican_federation *ret, struct error *err)
{
	bool is_http = strncasecmp(name, "http://", 7) == 0;
	int r;

	ret->base = make_base(is_http ? "http" : "https", name);
	if (!ret->base)
		return error_set(err, -ENOMEM, "out of memory");
	r = discover(access, ret->base, &ret->director, err);
	if (r >= 0 || strstr(name, "://") || !speaks_no_tls(ret->base, r))
		return r;
	if (err)
		*err = (struct error){ 0 };
	free(ret->base);
	ret->base = make_base("http", name);
	if (!ret->base)
		return error_set(err, -ENOMEM, "out of memory");
	return discover(access, ret->base, &ret->director, err);
}

/* "base\ndirector" */
static bool recall(const char *text, struct pelican_federation *ret)
{
	const char *end = strchr(text, '\n');

	if (!end)
		return false;
	ret->base = strndup(text, (size_t)(end - text));
	ret->director = end[1] ? strdup(end + 1) : NULL;
	return ret->base && (ret->director || !end[1]);
}

static void remember(const struct pelican_access *access, const char *key,
		     const struct pelican_federation *federation)
{
	autofree char *text = NULL;

	if (asprintf(&text, "%s\n%s", federation->base,
		     federation->director ? federation->director : "") < 0) {
		text = NULL;
		return;
	}
	pelican_memory_store(access->cache_dir_fd, key, text);
}

int pelican_federation_find(const struct pelican_access *access,
			    const char *name, struct pelican_federation *ret,
			    struct error *err)
{
	struct pelican_federation federation CLEANUP(
		pelican_federation_fini) = { 0 };
	autofree char *text = NULL;
	char key[PELICAN_MEMORY_KEY_SIZE];
	int r = 0;

	snprintf(key, sizeof(key), "discovery %s", name);
	if (pelican_memory_load(access->cache_dir_fd, key, AGE_S_MAX, &text) !=
		    PELICAN_MEMORY_HIT ||
	    !recall(text, &federation)) {
		pelican_federation_fini(&federation);
		r = find_new(access, name, &federation, err);
		if (r == 0)
			remember(access, key, &federation);
	}
	if (r == 0 && federation.director &&
	    !pelican_federation_may_use(federation.director,
					access->allow_http))
		r = error_set(err, -EINVAL,
			      "%s: the federation's director is reached by "
			      "plain http, which lets anybody on the way "
			      "change its answers; pass --insecure to allow it",
			      federation.director);
	if (r < 0)
		return r;
	*ret = federation;
	federation = (struct pelican_federation){ 0 };
	return 0;
}
