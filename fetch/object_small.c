/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_small.h"

#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/object.h"
#include "fetch/object_redirect.h"
#include "fetch/retry_policy.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	TRIES_MAX = 3, /* of a lone server */
	/* of one of several; such objects are small, and mostly absent */
	SERVER_TIMEOUT_MS = 4000,
};

static int get_once(struct http_client *client,
		    const struct object_small_request *small, const char *url,
		    const char *authorization, struct http_response **ret,
		    struct error *err)
{
	const struct http_header header = { "Authorization", authorization };
	const struct http_request request = {
		.method = HTTP_GET,
		.url = url,
		.headers = &header,
		.header_count = authorization ? 1 : 0,
		.body_size_max = small->size_max,
		.deadline_ms = small->deadline_ms,
		.keeps_headers = true,
	};

	return http_client_call(client, &request, ret, err);
}

static int follow(struct http_client *client,
		  const struct object_small_request *small,
		  struct http_response **ret, struct error *err)
{
	struct object_redirect redirect CLEANUP(object_redirect_fini) = { 0 };
	const char *authorization = small->authorization;
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	int r = get_once(client, small, small->url, authorization, &response,
			 err);

	while (r == 0 && object_redirect_is_one(response->status)) {
		r = object_redirect_follow(&redirect, response, err);
		if (r < 0)
			return r;
		http_response_destroy(STEAL_PTR(response));
		if (!object_redirect_is_same_host(small->url, redirect.url))
			authorization = NULL;
		r = get_once(client, small, redirect.url, authorization,
			     &response, err);
	}
	if (r == 0)
		*ret = STEAL_PTR(response);
	return r;
}

static bool may_pass(int result, const struct http_response *response)
{
	if (result == 0)
		return response->status == 408 || response->status == 429 ||
		       response->status >= 500;
	return result == -ECONNRESET || result == -ETIMEDOUT ||
	       result == -ECONNREFUSED;
}

static void pause_ms(int64_t ms)
{
	const struct timespec time = { ms / 1000, (ms % 1000) * 1000000 };

	nanosleep(&time, NULL); /* signals are blocked or end the process */
}

int object_small_fetch(struct http_client *client,
		       const struct object_small_request *small,
		       struct http_response **ret, struct error *err)
{
	struct retry_policy policy = {
		.deadline_ms = small->deadline_ms,
		.retries_max = small->tries_max - 1,
		.seed = (uint64_t)clock_us(),
	};

	for (;;) {
		CLEANUP(http_response_destroyp)
		struct http_response *response = NULL;
		int64_t delay_ms;
		int r = follow(client, small, &response, err);

		if (!may_pass(r, response) || small->tries_max <= 1 ||
		    retry_policy_next(&policy, clock_ms(),
				      response ? response->retry_after_ms : -1,
				      &delay_ms) == RETRY_POLICY_GIVE_UP) {
			if (r == 0)
				*ret = STEAL_PTR(response);
			return r;
		}
		pause_ms(delay_ms);
	}
}

/* Return: as object_small_fetch_from(). */
static int judge_small(struct http_response *response, const char *name,
		       uint8_t **ret, size_t *ret_size, struct error *err)
{
	int status;

	assert(response);
	status = response->status;
	if (status == 404 || status == 410)
		return OBJECT_SMALL_ABSENT;
	if (status != 200)
		return error_set(
			err, status == 401 || status == 403 ? -EACCES : -EIO,
			"%s: the server answered with status %d", name, status);
	*ret = response->body;
	*ret_size = response->body_size;
	response->body = NULL;
	return OBJECT_SMALL_FOUND;
}

static int fetch_from(struct object *object, const struct object_choice *from,
		      size_t size_max, int64_t deadline_ms, uint8_t **ret,
		      size_t *ret_size, struct error *err)
{
	CLEANUP(http_response_destroyp) struct http_response *response = NULL;
	autofree char *authorization = NULL;
	struct object_small_request request = {
		.url = from->url,
		.size_max = size_max,
		.deadline_ms = deadline_ms,
		.tries_max = object->finder ? 1 : TRIES_MAX,
	};
	int r;

	if (object->finder &&
	    request.deadline_ms > clock_ms() + SERVER_TIMEOUT_MS)
		request.deadline_ms = clock_ms() + SERVER_TIMEOUT_MS;
	r = object_copy_authorization(object, from->server, from->url,
				      &authorization);

	request.authorization = authorization;
	if (r == 0)
		r = object_small_fetch(object->client, &request, &response,
				       err);
	if (authorization)
		explicit_bzero(authorization, strlen(authorization));
	return r < 0 ? r
		     : judge_small(response, object->name, ret, ret_size, err);
}

int object_small_fetch_from(struct object *object, size_t size_max,
			    int64_t deadline_ms, uint8_t **ret,
			    size_t *ret_size, struct error *err)
{
	struct object_choice choice = { 0 };
	uint32_t tried = 0;
	int result = -EIO;
	int r;

	while ((r = object_choose_server(object, tried, clock_ms(), &choice)) ==
	       0) {
		tried |= 1u << choice.server;
		result = fetch_from(object, &choice, size_max, deadline_ms, ret,
				    ret_size, err);
		free(choice.url);
		if (result >= 0 || result == -EFBIG || result == -ENOMEM)
			return result;
	}
	return r < 0 ? error_set(err, r, "out of memory") : result;
}
