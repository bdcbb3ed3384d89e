/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pelican_answer.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/pelican_federation.h"
#include "fetch/pelican_memory.h"
#include "fetch/pelican_url.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	TRIES_MAX = 5,
	TRY_PAUSE_MS = 3000,
	TRY_JITTER_MS = 1000,
	TRY_TIMEOUT_MS = 10000,
	BODY_SIZE_MAX = 64 << 10,
	AGE_S_MAX = 5 * 60,
	MESSAGE_SIZE = 300,
};

void pelican_answer_fini(struct pelican_answer *answer)
{
	pelican_servers_fini(&answer->bases);
}

/* ---- to text and back ---- */

static json_t *make_list(const char *texts, size_t count, size_t size)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts + i * size));
	return list;
}

char *pelican_answer_encode(const struct pelican_answer *answer)
{
	const struct pelican_namespace *ns = &answer->namespace;
	json_t *root = json_object();
	json_t *bases = json_array();
	char *text;

	for (unsigned i = 0; i < answer->bases.count; i++)
		json_array_append_new(bases,
				      json_string(answer->bases.urls[i]));
	json_object_set_new(root, "namespace", json_string(ns->path));
	json_object_set_new(root, "requires_token",
			    json_boolean(ns->requires_token));
	json_object_set_new(root, "issuers",
			    make_list(ns->issuers[0], ns->issuer_count,
				      sizeof(ns->issuers[0])));
	json_object_set_new(root, "base_paths",
			    make_list(ns->base_paths[0], ns->base_path_count,
				      sizeof(ns->base_paths[0])));
	json_object_set_new(root, "servers", bases);
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* Texts of a list into rows of @size; those that do not fit are left out. */
static unsigned read_list(const json_t *root, const char *name, char *ret,
			  size_t row_size, size_t count_max)
{
	const json_t *list = json_object_get(root, name);
	unsigned count = 0;
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		if (count == count_max || !json_is_string(item) ||
		    json_string_length(item) >= row_size)
			continue;
		memcpy(ret + count * row_size, json_string_value(item),
		       json_string_length(item) + 1);
		count++;
	}
	return count;
}

static int read_bases(const json_t *root, struct pelican_servers *ret)
{
	const json_t *list = json_object_get(root, "servers");
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		if (!json_is_string(item) ||
		    ret->count == PELICAN_HEADER_SERVERS_MAX)
			continue;
		ret->urls[ret->count] = strdup(json_string_value(item));
		if (!ret->urls[ret->count])
			return -ENOMEM;
		ret->count++;
	}
	return ret->count > 0 ? 0 : -EPROTO;
}

static int decode(const json_t *root, struct pelican_answer *answer)
{
	struct pelican_namespace *ns = &answer->namespace;
	const json_t *path = json_object_get(root, "namespace");

	if (!json_is_string(path) ||
	    json_string_length(path) >= sizeof(ns->path))
		return -EPROTO;
	memcpy(ns->path, json_string_value(path), json_string_length(path) + 1);
	ns->requires_token =
		json_is_true(json_object_get(root, "requires_token"));
	ns->issuer_count =
		read_list(root, "issuers", ns->issuers[0],
			  sizeof(ns->issuers[0]), PELICAN_HEADER_ISSUERS_MAX);
	ns->base_path_count = read_list(root, "base_paths", ns->base_paths[0],
					sizeof(ns->base_paths[0]),
					PELICAN_HEADER_BASE_PATHS_MAX);
	return read_bases(root, &answer->bases);
}

int pelican_answer_decode(const char *text, struct pelican_answer *ret)
{
	struct pelican_answer *answer = calloc(1, sizeof(*answer));
	json_t *root = json_loads(text, 0, NULL);
	int r = answer ? -EPROTO : -ENOMEM;

	if (answer && root)
		r = decode(root, answer);
	json_decref(root);
	if (r == 0)
		*ret = *answer;
	else if (answer)
		pelican_answer_fini(answer);
	free(answer);
	return r;
}

/* ---- memory ---- */

static void make_key(const struct pelican_question *question, const char *path,
		     size_t path_len, char ret[PELICAN_MEMORY_KEY_SIZE])
{
	snprintf(ret, PELICAN_MEMORY_KEY_SIZE, "director %s %s %.*s",
		 question->director, question->is_direct ? "direct" : "cache",
		 (int)path_len, path);
}

/* Namespaces end at a '/': from the longest that could hold the object on. */
static bool recall(const struct pelican_access *access,
		   const struct pelican_question *question,
		   struct pelican_answer *ret)
{
	const char *path = question->url->path;
	size_t len = strlen(path);
	char key[PELICAN_MEMORY_KEY_SIZE];

	while (len > 0) {
		autofree char *text = NULL;

		make_key(question, path, len, key);
		if (pelican_memory_load(access->cache_dir_fd, key, AGE_S_MAX,
					&text) == PELICAN_MEMORY_HIT &&
		    pelican_answer_decode(text, ret) == 0)
			return true;
		while (len > 0 && path[--len] != '/')
			;
	}
	return false;
}

static bool holds(const char *namespace, const char *path)
{
	size_t len = strlen(namespace);

	while (len > 0 && namespace[len - 1] == '/')
		len--;
	return len > 0 && strncmp(namespace, path, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static void remember(const struct pelican_access *access,
		     const struct pelican_question *question,
		     const struct pelican_answer *answer)
{
	const char *path = answer->namespace.path;
	autofree char *text = NULL;
	char key[PELICAN_MEMORY_KEY_SIZE];
	size_t len = strlen(path);

	if (question->authorization || !holds(path, question->url->path))
		return;
	while (len > 0 && path[len - 1] == '/')
		len--;
	make_key(question, path, len, key);
	text = pelican_answer_encode(answer);
	if (text)
		pelican_memory_store(access->cache_dir_fd, key, text);
}

/* ---- the answer ---- */

static bool is_pelican(const struct http_response *response)
{
	const char *server = http_response_find_header(response, "Server", 0);

	return server && strncasecmp(server, "pelican/", 8) == 0;
}

/* What answers in place of a director that has just gone, or come. */
static bool is_restarting(const struct http_response *response)
{
	int status = response->status;

	if (is_pelican(response))
		return status == 429 || status == 503;
	return status == 404 || status == 429 || status >= 500;
}

static void find_message(const struct http_response *response,
			 char ret[MESSAGE_SIZE])
{
	json_t *root = json_loadb((const char *)response->body,
				  response->body_size, 0, NULL);
	const char *message = json_string_value(json_object_get(root, "msg"));

	ret[0] = '\0';
	if (message)
		snprintf(ret, MESSAGE_SIZE, " (the director says: %s)",
			 message);
	json_decref(root);
}

static int set_status(const struct pelican_question *question,
		      const struct http_response *response, struct error *err)
{
	const char *name = question->url->name;
	char message[MESSAGE_SIZE];
	int status = response->status;

	find_message(response, message);
	if (status == 404 && !is_restarting(response))
		return error_set(err, -ENOENT,
				 "%s: no such object in this federation%s; "
				 "check the path, and that the federation is "
				 "the right one",
				 name, message);
	if (status == 401 || status == 403)
		return error_set(err, -EACCES,
				 "%s: the director refuses access with status "
				 "%d%s; get a new token, or ask for access",
				 name, status, message);
	if (status == 405)
		return error_set(err, -ENOTSUP,
				 "%s: no origin of it allows reading past the "
				 "caches (directread)",
				 name);
	if (status >= 500 || status == 429 || status == 404)
		return error_set(err, -EIO,
				 "%s: the federation's director fails with "
				 "status %d%s; try again later",
				 name, status, message);
	return error_set(err, -EPROTO,
			 "%s: the director answered with status %d%s, which "
			 "lazyrun has no use for",
			 name, status, message);
}

/* "https://h:8443/ns/a" to "https://h:8443". */
static bool cut_path(char *url, const char *path)
{
	size_t url_len = strlen(url);
	size_t len = strlen(path);

	if (url_len <= len || strcmp(url + url_len - len, path) != 0)
		return false;
	url[url_len - len] = '\0';
	return true;
}

/* Servers whose URL does not end in the path, once '?' and what follows is
 * gone, are of no use for other objects, nor understood. */
static int read_servers(const struct pelican_question *question,
			const struct http_response *response,
			struct pelican_answer *answer, struct error *err)
{
	struct pelican_servers found = { 0 };
	struct pelican_servers *bases = &answer->bases;
	int r = pelican_header_read_servers(response, &found);

	if (r < 0)
		return error_set(err, r, "out of memory");
	for (unsigned i = 0; i < found.count; i++) {
		char *url = found.urls[i];

		assert(url);
		url[strcspn(url, "?#")] = '\0';
		if (cut_path(url, question->url->escaped_path) ||
		    cut_path(url, question->url->path)) {
			bases->urls[bases->count++] = url;
			found.urls[i] = NULL;
		}
	}
	pelican_servers_fini(&found);
	if (bases->count > 0)
		return 0;
	return error_set(err, -EPROTO,
			 "%s: the director names no server for it (neither "
			 "Link nor Location)",
			 question->url->name);
}

static int read_answer(const struct pelican_question *question,
		       const struct http_response *response,
		       struct pelican_answer *answer, struct error *err)
{
	int status;

	assert(response);
	status = response->status;
	if (status != 307 && status != 302 && status != 303 && status != 200)
		return set_status(question, response, err);
	pelican_header_read_namespace(response, &answer->namespace);
	return read_servers(question, response, answer, err);
}

/* ---- the question ---- */

static int ask_once(const struct pelican_access *access,
		    const struct pelican_question *question, const char *url,
		    struct http_response **ret, struct error *err)
{
	const struct http_header header = { "Authorization",
					    question->authorization };
	struct http_request request = {
		.method = HTTP_GET,
		.url = url,
		.headers = &header,
		.header_count = question->authorization ? 1 : 0,
		.body_size_max = BODY_SIZE_MAX,
		.deadline_ms = clock_ms() + TRY_TIMEOUT_MS,
		.keeps_headers = true,
		.watch = access->watch,
	};

	if (request.deadline_ms > access->deadline_ms)
		request.deadline_ms = access->deadline_ms;
	return http_client_call(access->client, &request, ret, err);
}

static bool may_pass(int result, const struct http_response *response)
{
	if (result == 0)
		return is_restarting(response);
	return result == -ETIMEDOUT || result == -ECONNRESET;
}

static int ask(const struct pelican_access *access,
	       const struct pelican_question *question,
	       struct http_response **ret, struct error *err)
{
	autofree char *url = NULL;

	if (asprintf(&url, "%s%s%s", question->director,
		     question->url->escaped_path,
		     question->is_direct ? "?directread" : "") < 0) {
		url = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	for (unsigned tries = 1;; tries++) {
		CLEANUP(http_response_destroyp)
		struct http_response *response = NULL;
		int64_t pause_ms = (int64_t)tries * TRY_PAUSE_MS +
				   clock_us() % TRY_JITTER_MS;
		int r = ask_once(access, question, url, &response, err);

		if (!may_pass(r, response) || tries == TRIES_MAX ||
		    !pelican_federation_pause(access, pause_ms)) {
			if (r == 0)
				*ret = STEAL_PTR(response);
			return r;
		}
	}
}

int pelican_answer_ask(const struct pelican_access *access,
		       const struct pelican_question *question,
		       struct pelican_answer *ret, struct error *err)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	struct pelican_answer *answer;
	int r;

	if (!question->is_fresh && recall(access, question, ret))
		return 0;
	r = ask(access, question, &response, err);
	if (r < 0)
		return error_prefix(err, r, "%s: the federation's director",
				    question->url->name);
	answer = calloc(1, sizeof(*answer));
	if (!answer)
		return error_set(err, -ENOMEM, "out of memory");
	r = read_answer(question, response, answer, err);
	if (r == 0) {
		remember(access, question, answer);
		*ret = *answer;
	} else {
		pelican_answer_fini(answer);
	}
	free(answer);
	return r;
}
