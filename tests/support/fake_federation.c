/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_federation.h"

#include "common/thread.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seat {
	struct fake_federation *federation;
	enum fake_seat number;
	struct fake_http *http; /* of the director: the discovery's */
	/* -- protected by the federation's lock -- */
	const void *data;
	size_t size;
	enum fake_fault fault;
	unsigned fault_count;
	int fault_status;
	unsigned requests;
	unsigned authorizations;
};

struct fake_federation {
	struct fake_federation_options options;
	char host[32];
	struct seat seats[FAKE_SEAT_COUNT];
	struct mutex lock;
	char token[8192]; /* "" : any or none */
};

/* ---- the discovery document ---- */

static void discover(struct fake_federation *federation,
		     struct fake_answer *ret)
{
	fake_answer_set_text(ret, 200,
			     federation->options.lacks_director
				     ? "{\"jwks_uri\": \"http://%s/jwks\"}"
				     : "{\"director_endpoint\": \"http://%s\"}",
			     federation->host);
}

/* ---- the director ---- */

static void format_url(const struct fake_federation *federation,
		       enum fake_seat seat, const char *path, char *ret,
		       size_t size)
{
	snprintf(ret, size, "http://127.0.0.1:%u%s",
		 fake_http_port(federation->seats[seat].http), path);
}

static void add_link(const struct fake_federation *federation, bool is_direct,
		     const char *path, struct fake_answer *ret)
{
	unsigned first = is_direct ? FAKE_SEAT_ORIGIN : FAKE_SEAT_CACHE_A;
	unsigned count = is_direct ? 1 : federation->options.cache_count;
	char value[512] = "";
	char url[160];

	/* the best last: order is by pri */
	for (unsigned i = count; i > 0; i--) {
		size_t len = strlen(value);

		format_url(federation, (enum fake_seat)(first + i - 1), path,
			   url, sizeof(url));
		snprintf(value + len, sizeof(value) - len,
			 "%s<%s>; rel=\"duplicate\"; pri=%u; depth=1",
			 len ? ", " : "", url, i);
	}
	fake_answer_add_header(ret, "Link", "%s", value);
}

static void direct(struct fake_federation *federation,
		   const struct fake_request *request, struct fake_answer *ret)
{
	const struct fake_federation_options *options = &federation->options;
	bool is_direct = strstr(request->query, "directread");
	char url[160];

	if (!options->lacks_server)
		fake_answer_add_header(ret, "Server", "pelican/7.26.0");
	if (strncmp(request->path, "/ns/", 4) != 0) {
		fake_answer_set_text(ret, 404,
				     "{\"status\":\"error\",\"msg\":\"No "
				     "sources found for the requested path\"}");
		return;
	}
	if (is_direct && options->lacks_direct) {
		fake_answer_set_text(ret, 405, "{}");
		return;
	}
	fake_answer_set_text(ret, 307, "there");
	format_url(federation, is_direct ? FAKE_SEAT_ORIGIN : FAKE_SEAT_CACHE_A,
		   request->path, url, sizeof(url));
	fake_answer_add_header(ret, "Location", "%s?authz=secret", url);
	if (!options->lacks_link)
		add_link(federation, is_direct, request->path, ret);
	fake_answer_add_header(ret, "X-Pelican-Namespace",
			       "namespace=/ns, require-token=%s",
			       options->requires_token ? "true" : "false");
	if (!options->issuer)
		return;
	fake_answer_add_header(ret, "X-Pelican-Authorization", "issuer=%s",
			       options->issuer);
	fake_answer_add_header(ret, "X-Pelican-Token-Generation",
			       "issuer=%s, max-scope-depth=3, strategy=OAuth2, "
			       "base-path=/ns",
			       options->issuer);
}

/* ---- caches and the origin ---- */

static bool is_refused(struct fake_federation *federation,
		       const struct fake_request *request)
{
	char wanted[8192 + 8];
	bool has_token;

	mutex_lock(&federation->lock);
	has_token = *federation->token;
	snprintf(wanted, sizeof(wanted), "Bearer %s", federation->token);
	mutex_unlock(&federation->lock);
	return has_token && (!request->authorization ||
			     strcmp(request->authorization, wanted) != 0);
}

static void serve_object(struct seat *seat, const struct fake_request *request,
			 struct fake_answer *ret)
{
	struct fake_federation *federation = seat->federation;

	if (is_refused(federation, request)) {
		fake_answer_set_text(ret, 403, "no");
		return;
	}
	if (!seat->data || strncmp(request->path, "/ns/", 4) != 0 ||
	    strcmp(request->path, "/ns/none") == 0) {
		fake_answer_set_text(ret, 404, "no");
		return;
	}
	if (federation->options.redirects_to_other &&
	    seat->number == FAKE_SEAT_CACHE_A) {
		fake_answer_set_text(ret, 307, "there");
		fake_answer_add_header(
			ret, "Location", "http://localhost:%u%s",
			fake_http_port(
				federation->seats[FAKE_SEAT_CACHE_B].http),
			request->path);
		return;
	}
	ret->status = 200;
	ret->body = seat->data;
	ret->size = seat->size;
	ret->has_ranges = true;
}

/* ---- requests ---- */

static struct seat *find_seat(struct seat *seat, const char *path)
{
	struct fake_federation *federation = seat->federation;

	if (seat->number != FAKE_SEAT_DISCOVERY ||
	    strncmp(path, "/.well-known/", 13) == 0)
		return seat;
	return &federation->seats[federation->options.lacks_director
					  ? FAKE_SEAT_ORIGIN
					  : FAKE_SEAT_DIRECTOR];
}

static void count_request(struct seat *seat, const struct fake_request *request,
			  struct fake_answer *ret)
{
	struct fake_federation *federation = seat->federation;

	mutex_lock(&federation->lock);
	seat->requests++;
	if (request->authorization)
		seat->authorizations++;
	if (seat->fault_count > 0) {
		seat->fault_count--;
		ret->fault = seat->fault;
		ret->fault_status = seat->fault_status;
	}
	mutex_unlock(&federation->lock);
}

static void on_request(void *arg, const struct fake_request *request,
		       struct fake_answer *ret)
{
	struct seat *seat = find_seat(arg, request->path);

	count_request(seat, request, ret);
	if (seat->number == FAKE_SEAT_DISCOVERY)
		discover(seat->federation, ret);
	else if (seat->number == FAKE_SEAT_DIRECTOR)
		direct(seat->federation, request, ret);
	else
		serve_object(seat, request, ret);
}

/* ---- life ---- */

struct fake_federation *fake_federation_start(
	const struct fake_federation_options *options)
{
	struct fake_federation *federation = calloc(1, sizeof(*federation));

	assert(federation);
	federation->options = *options;
	if (!federation->options.cache_count)
		federation->options.cache_count = 3;
	mutex_init(&federation->lock);
	if (options->token)
		fake_federation_set_token(federation, options->token);
	for (unsigned i = 0; i < FAKE_SEAT_COUNT; i++) {
		struct seat *seat = &federation->seats[i];

		seat->federation = federation;
		seat->number = (enum fake_seat)i;
		seat->http = i == FAKE_SEAT_DIRECTOR
				     ? federation->seats[0].http
				     : fake_http_start(on_request, seat);
		assert(seat->http);
	}
	snprintf(federation->host, sizeof(federation->host), "127.0.0.1:%u",
		 fake_http_port(federation->seats[0].http));
	return federation;
}

void fake_federation_stop(struct fake_federation *federation)
{
	if (!federation)
		return;
	for (unsigned i = 0; i < FAKE_SEAT_COUNT; i++)
		if (i != FAKE_SEAT_DIRECTOR)
			fake_http_stop(federation->seats[i].http);
	mutex_fini(&federation->lock);
	free(federation);
}

const char *fake_federation_host(const struct fake_federation *federation)
{
	return federation->host;
}

void fake_federation_server(const struct fake_federation *federation,
			    enum fake_seat seat, char ret[64])
{
	format_url(federation, seat, "", ret, 64);
}

void fake_federation_set_object(struct fake_federation *federation,
				enum fake_seat seat, const void *data,
				size_t size)
{
	federation->seats[seat].data = data;
	federation->seats[seat].size = size;
}

void fake_federation_set_token(struct fake_federation *federation,
			       const char *token)
{
	mutex_lock(&federation->lock);
	snprintf(federation->token, sizeof(federation->token), "%s", token);
	mutex_unlock(&federation->lock);
}

void fake_federation_fail(struct fake_federation *federation,
			  enum fake_seat seat, enum fake_fault fault,
			  unsigned count, int status)
{
	struct seat *failing = &federation->seats[seat];

	mutex_lock(&federation->lock);
	failing->fault = fault;
	failing->fault_count = count;
	failing->fault_status = status;
	mutex_unlock(&federation->lock);
}

unsigned fake_federation_requests(struct fake_federation *federation,
				  enum fake_seat seat)
{
	unsigned count;

	mutex_lock(&federation->lock);
	count = federation->seats[seat].requests;
	mutex_unlock(&federation->lock);
	return count;
}

unsigned fake_federation_authorizations(struct fake_federation *federation,
					enum fake_seat seat)
{
	unsigned count;

	mutex_lock(&federation->lock);
	count = federation->seats[seat].authorizations;
	mutex_unlock(&federation->lock);
	return count;
}
