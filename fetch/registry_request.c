/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine on the network thread; no state has a lock.
 *
 *	begin --> send --> answered --> finish
 *	           ^ ^        |
 *	           | +-- follow a redirect, leave a dead storage URL
 *	           +---- wait: for a header (registry_auth), for a retry (timer)
 *
 * Each loop is bounded: redirects, refusals in a row and malformed answers by
 * registry_attempts, retries by retry_policy and so by the deadline.
 */
#include "fetch/registry_request.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/registry_attempts.h"
#include "fetch/registry_auth.h"
#include "fetch/registry_error.h"
#include "fetch/registry_redirect.h"
#include "fetch/registry_endpoint.h"
#include "fetch/retry_policy.h"
#include "fetch/url.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 3 };

struct registry_request {
	struct registry_endpoint *endpoint; /* a reference */
	struct registry_request_spec spec;
	char *reference;
	char *upload_url;
	char *what; /* "host/repository:tag", for sentences */
	registry_request_fn *done;
	void *arg;
	struct retry_policy policy;
	struct registry_auth_waiter waiter;
	char *location;	     /* where a redirect leads; NULL: the registry */
	bool is_at_registry; /* the request under way goes there */
	bool is_http;	     /* and by plain http */
	unsigned generation; /* of the header it carries */
	bool use_fresh_connection;
	bool is_remembered; /* location is from spec.redirect, so maybe old */
	bool has_come_back; /* from a dead storage URL that was new */
	struct registry_attempts attempts;
};

static void request_destroy(struct registry_request *request)
{
	registry_endpoint_unref(request->endpoint);
	free(request->reference);
	free(request->upload_url);
	free(request->what);
	free(request->location);
	free(request);
}

static void finish(struct registry_request *request, int result,
		   struct http_response *response, const struct error *err)
{
	assert((result == 0) == (response != NULL));
	request->done(request->arg, result, response, err);
	request_destroy(request);
}

static void fail(struct registry_request *request, int result, const char *why)
{
	struct error err = { 0 };

	error_set(&err, result, "%s: %s", request->what, why);
	finish(request, result, NULL, &err);
}

static bool is_abandoned(const struct registry_request *request)
{
	const bool *flag = request->spec.is_abandoned;

	return flag && __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void forget_location(struct registry_request *request)
{
	struct registry_redirect *redirect = request->spec.redirect;

	/* Another request may have put a newer one there. */
	if (redirect && redirect->url && request->location &&
	    strcmp(redirect->url, request->location) == 0)
		registry_redirect_fini(redirect);
	request->is_remembered = false;
	free(request->location);
	request->location = NULL;
}

/* ---- sending ---- */

static void send_request(struct registry_request *request);

static void on_wake(void *arg)
{
	send_request(arg);
}

/* Ends the request with @err unless another try is granted. */
static void retry(struct registry_request *request, int64_t retry_after_ms,
		  const struct error *err)
{
	int64_t delay_ms = 0;
	int r;

	if (is_abandoned(request) ||
	    retry_policy_next(&request->policy, clock_ms(), retry_after_ms,
			      &delay_ms) == RETRY_POLICY_GIVE_UP) {
		finish(request, err->code, NULL, err);
		return;
	}
	request->has_come_back = false; /* by then it may be old again */
	r = http_client_run_later(request->endpoint->client, delay_ms, on_wake,
				  request);
	if (r < 0)
		fail(request, r, "canceled");
}

static void on_authorized(void *arg, int result, const struct error *err)
{
	struct registry_request *request = arg;
	struct error told = { 0 };

	switch (result) {
	case 0:
		send_request(request);
		return;
	case -EBUSY:
	case -EIO:
	case -ETIMEDOUT:
	case -ECONNRESET:
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
		told = *err;
		error_prefix(&told, result, "%s", request->what);
		retry(request, -1, &told);
		return;
	default:
		fail(request, result, err->text);
	}
}

static void on_answer(void *arg, int result, struct http_response *response,
		      const struct error *err);

static void on_progress(void *arg, const uint8_t *data, size_t size)
{
	const struct registry_request *request = arg;

	if (!is_abandoned(request))
		request->spec.progress(request->arg, data, size);
}

static void submit(struct registry_request *request, const char *url,
		   const char *authorization)
{
	const struct registry_request_spec *spec = &request->spec;
	struct http_header headers[HEADERS_MAX];
	struct http_request http = {
		.method = spec->method,
		.url = url,
		.upload = spec->upload,
		.upload_size = spec->upload_size,
		.keeps_headers = spec->keeps_headers,
		.headers = headers,
		.has_range = spec->has_range,
		.range_off = spec->range_off,
		.range_size = spec->range_size,
		.range_total = spec->range_total,
		.body_size_max = spec->body_size_max,
		.deadline_ms = spec->deadline_ms,
		.use_fresh_connection = request->use_fresh_connection,
		.progress = spec->progress ? on_progress : NULL,
	};
	int r;

	if (spec->accept)
		headers[http.header_count++] =
			(struct http_header){ "Accept", spec->accept };
	if (authorization)
		headers[http.header_count++] =
			(struct http_header){ "Authorization", authorization };
	if (spec->content_type)
		headers[http.header_count++] =
			(struct http_header){ "Content-Type",
					      spec->content_type };
	assert(http.header_count <= HEADERS_MAX);
	assert(!authorization || request->is_at_registry);
	r = http_client_submit(request->endpoint->client, &http, on_answer,
			       request);
	if (r < 0)
		fail(request, r,
		     r == -ECANCELED ? "canceled" : "cannot start a request");
}

static void send_to_registry(struct registry_request *request)
{
	struct registry_endpoint *endpoint = request->endpoint;
	const char *authorization = NULL;
	autofree char *own_url = NULL;
	const char *url = request->location;

	if (registry_auth_get(endpoint->auth, &authorization,
			      &request->generation) == REGISTRY_AUTH_STALE) {
		registry_auth_wait(endpoint->auth, &request->waiter);
		return;
	}
	if (!url)
		url = request->upload_url;
	if (!url)
		url = own_url = registry_endpoint_make_url(
			endpoint, request->spec.kind, request->reference);
	if (!url) {
		fail(request, -ENOMEM, "out of memory");
		return;
	}
	request->is_at_registry = true;
	request->is_http = endpoint->is_http;
	submit(request, url, authorization);
}

static void send_request(struct registry_request *request)
{
	const char *url;

	if (is_abandoned(request)) {
		fail(request, -ECANCELED, "canceled");
		return;
	}
	if (clock_ms() >= request->spec.deadline_ms) {
		fail(request, -ETIMEDOUT, "not there before the deadline");
		return;
	}
	url = request->location ? request->location : request->upload_url;
	if (!url || registry_endpoint_owns(request->endpoint, url)) {
		send_to_registry(request);
		return;
	}
	request->is_at_registry = false;
	submit(request, url, NULL);
}

/* ---- answers ---- */

static void on_refused(struct registry_request *request,
		       const struct http_response *response)
{
	struct registry_auth *auth = request->endpoint->auth;
	struct error err = { 0 };
	int r;

	if (!registry_attempts_may_login(&request->attempts)) {
		r = registry_error_set_status(response, request->what,
					      request->endpoint->host, &err);
		finish(request, r, NULL, &err);
		return;
	}
	r = registry_auth_refuse(auth, request->generation,
				 response->challenges, &err);
	if (r == REGISTRY_AUTH_READY)
		send_request(request);
	else if (r == REGISTRY_AUTH_STALE)
		registry_auth_wait(auth, &request->waiter);
	else
		fail(request, r, err.text);
}

static void follow(struct registry_request *request,
		   const struct http_response *response)
{
	char *location;

	if (!response->location ||
	    !registry_redirect_is_allowed(response->url, response->location)) {
		fail(request, -EPROTO,
		     "redirected to where lazyrun does not follow (from https "
		     "to http, or not a web address)");
		return;
	}
	if (!registry_attempts_may_follow(&request->attempts)) {
		fail(request, -EPROTO, "redirected in a circle");
		return;
	}
	location = strdup(response->location);
	if (!location) {
		fail(request, -ENOMEM, "out of memory");
		return;
	}
	free(request->location);
	request->location = location;
	request->is_remembered = false;
	if (request->spec.redirect)
		registry_redirect_set(request->spec.redirect, location,
				      clock_ms(), clock_wall_s());
	send_request(request);
}

/*
 * Signed URLs die in many words; the registry knows a new one.  A URL that it
 * gave to this very request is doubted once, then the storage is believed.
 */
static bool is_dead_url(const struct registry_request *request, int status)
{
	return !request->is_at_registry &&
	       (request->is_remembered || !request->has_come_back) &&
	       registry_error_is_of_url(status);
}

/* "Client sent an HTTP request to an HTTPS server", say Go and, with other
 * words, nginx. */
static bool must_try_https(const struct registry_request *request,
			   const struct http_response *response)
{
	struct registry_endpoint *endpoint = request->endpoint;

	if (response->status != 400 || !request->is_at_registry ||
	    !request->is_http || !strstr((const char *)response->body, "HTTPS"))
		return false;
	return !endpoint->is_http || registry_endpoint_switch_scheme(endpoint);
}

static void on_other_status(struct registry_request *request,
			    const struct http_response *response)
{
	int status = response->status;
	struct error err = { 0 };
	int r;

	if (must_try_https(request, response)) {
		send_request(request);
		return;
	}
	if (is_dead_url(request, status)) {
		request->has_come_back |= !request->is_remembered;
		request->attempts.redirects = 0;
		forget_location(request);
		send_request(request);
		return;
	}
	if (status == 200 && request->spec.has_range) {
		fail(request, -EPROTO,
		     "the server ignores byte ranges and sends whole files, so "
		     "the image cannot be read lazily from it");
		return;
	}
	r = registry_error_set_status(response, request->what,
				      request->endpoint->host, &err);
	if (registry_error_is_passing(status))
		retry(request, response->retry_after_ms, &err);
	else
		finish(request, r, NULL, &err);
}

static void on_status(struct registry_request *request,
		      struct http_response *response)
{
	if (request->is_at_registry && response->status != 400)
		request->endpoint->is_scheme_sure = true;
	if (request->is_at_registry && response->status != 401)
		request->attempts.refusals = 0;
	switch (response->status) {
	case 201:
	case 202:
		if (request->spec.method == HTTP_POST ||
		    request->spec.method == HTTP_PUT)
			finish(request, 0, response, NULL);
		else
			on_other_status(request, response);
		return;
	case 200:
	case 206:
		if (request->spec.has_range == (response->status == 206))
			finish(request, 0, response, NULL);
		else
			on_other_status(request, response);
		return;
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		follow(request, response);
		return;
	case 401:
		if (request->is_at_registry)
			on_refused(request, response);
		else
			on_other_status(request, response);
		return;
	default:
		on_other_status(request, response);
	}
}

/* https failed where http is allowed; another request may have found out. */
static bool may_try_http(const struct registry_request *request, int result)
{
	struct registry_endpoint *endpoint = request->endpoint;

	if (!request->is_at_registry || request->is_http ||
	    result == -ECANCELED || result == -ENOMEM)
		return false;
	return endpoint->is_http || registry_endpoint_switch_scheme(endpoint);
}

static void on_fault(struct registry_request *request, int result,
		     const struct error *err)
{
	struct error told = *err;

	if (may_try_http(request, result)) {
		send_request(request);
		return;
	}
	error_prefix(&told, result, "%s", request->what);
	if (!registry_attempts_may_repeat(&request->attempts, result,
					  request->spec.is_patient)) {
		finish(request, result, NULL, &told);
		return;
	}
	request->use_fresh_connection = true;
	if (!request->is_at_registry &&
	    registry_attempts_doubts_storage(&request->attempts))
		forget_location(request);
	retry(request, -1, &told);
}

static void on_answer(void *arg, int result, struct http_response *response,
		      const struct error *err)
{
	struct registry_request *request = arg;

	if (is_abandoned(request))
		fail(request, -ECANCELED, "canceled");
	else if (result < 0)
		on_fault(request, result, err);
	else
		on_status(request, response);
}

/* ---- the beginning ---- */

static void begin(void *arg)
{
	struct registry_request *request = arg;
	const char *known = NULL;

	if (request->spec.redirect && !request->use_fresh_connection)
		known = registry_redirect_find(request->spec.redirect,
					       clock_ms());
	if (known)
		request->location = strdup(known); /* else: ask anew */
	request->is_remembered = request->location;
	send_request(request);
}

int registry_request_start(struct registry_endpoint *endpoint,
			   const struct registry_request_spec *spec,
			   registry_request_fn *done, void *arg)
{
	struct registry_request *request = calloc(1, sizeof(*request));
	int r = -ENOMEM;

	assert(spec->deadline_ms > 0);
	if (!request)
		return -ENOMEM;
	request->endpoint = registry_endpoint_ref(endpoint);
	request->spec = *spec;
	request->reference = strdup(spec->reference);
	request->upload_url = spec->url ? strdup(spec->url) : NULL;
	request->what = registry_endpoint_name(endpoint, spec->reference);
	request->done = done;
	request->arg = arg;
	request->use_fresh_connection = spec->use_fresh_connection;
	request->policy.deadline_ms = spec->deadline_ms;
	request->policy.seed = (uint64_t)clock_us() ^ (uintptr_t)request;
	request->waiter.deadline_ms = spec->deadline_ms;
	request->waiter.fn = on_authorized;
	request->waiter.arg = request;
	if (request->reference && request->what &&
	    (request->upload_url || !spec->url))
		r = http_client_run_later(endpoint->client, 0, begin, request);
	if (r < 0)
		request_destroy(request);
	return r;
}
