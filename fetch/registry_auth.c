/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A renewal goes: read credentials (thread) -> ask the token server (network)
 * -> header.  Basic stops after the first step.  A tick every TICK_MS while
 * one is under way looks for waiters past their deadline and for credentials
 * that have arrived.
 *
 * Threads: all state is the network thread's; what passes between threads is
 * registry_login's.  References: the owner, the tick, the token request, the
 * call that brings credentials.
 */
#include "fetch/registry_auth.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/auth_challenge.h"
#include "fetch/credentials.h"
#include "fetch/http_client.h"
#include "fetch/registry_login.h"
#include "fetch/registry_token.h"
#include "fetch/registry_token_request.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	TICK_MS = 250,
	/* After a renewal ahead of need has failed. */
	RENEW_PAUSE_MS = 1000,
};

struct registry_auth {
	/* -- fixed -- */
	struct http_client *client;
	char *host;
	char *auth_key;
	char *repository;
	bool allows_http;
	struct registry_login *login;
	unsigned refs; /* atomic */
	/* -- the network thread's -- */
	struct auth_challenge challenge; /* scheme OTHER: none met so far */
	struct registry_token token;
	char *header;	      /* what is sent; NULL: nothing, or stale */
	char *refused_header; /* the last that was refused */
	unsigned generation;  /* of header */
	bool is_renewing;
	bool is_ticking;
	bool is_loading;   /* the credentials thread runs */
	bool has_reloaded; /* credentials were read in this renewal */
	bool avoids_post;  /* the token server knows no POST */
	int64_t paused_until_ms;
	struct registry_auth_waiter *waiters;
	bool has_credentials; /* were read; they may be empty */
	struct credentials credentials;
	struct error credentials_err; /* why they may be empty */
};

static void ref(struct registry_auth *auth)
{
	__atomic_fetch_add(&auth->refs, 1, __ATOMIC_RELAXED);
}

static void clear_secret(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void registry_auth_unref(struct registry_auth *auth)
{
	if (!auth || __atomic_sub_fetch(&auth->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	assert(!auth->waiters);
	registry_token_fini(&auth->token);
	credentials_fini(&auth->credentials);
	clear_secret(&auth->header);
	clear_secret(&auth->refused_header);
	registry_login_destroy(auth->login);
	free(auth->host);
	free(auth->auth_key);
	free(auth->repository);
	free(auth);
}

static void end_renewal(struct registry_auth *auth, int result,
			const struct error *err)
{
	struct registry_auth_waiter *waiters = auth->waiters;
	struct registry_auth_waiter *waiter;

	auth->is_renewing = false;
	auth->waiters = NULL;
	if (result < 0) {
		auth->paused_until_ms = clock_ms() + RENEW_PAUSE_MS;
		clear_secret(&auth->refused_header);
	}
	while ((waiter = waiters)) {
		DL_DELETE(waiters, waiter);
		waiter->fn(waiter->arg, result, err);
	}
}

static void fail(struct registry_auth *auth, int result, const char *why)
{
	struct error err = { 0 };

	error_set(&err, result, "%s", why);
	end_renewal(auth, result, &err);
}

/* Refused for good: say what was tried and what to do. */
static void fail_login(struct registry_auth *auth)
{
	struct error err = { 0 };
	char files[512];

	credentials_list_files(files, sizeof(files));
	if (auth->credentials_err.code < 0)
		error_set(&err, -EACCES,
			  "%s refuses access without a login, and the "
			  "credentials cannot be read: %.400s",
			  auth->host, auth->credentials_err.text);
	else if (auth->credentials.user || auth->credentials.identity_token)
		error_set(&err, -EACCES,
			  "%s refuses the credentials found for %s in %s; "
			  "renew them with `docker login %s`",
			  auth->host,
			  auth->credentials.user ? auth->credentials.user
						 : "the identity token",
			  files, auth->host);
	else
		error_set(&err, -EACCES,
			  "%s refuses access without a login, and there are no "
			  "credentials for it in %s; use `docker login %s`",
			  auth->host, files, auth->host);
	end_renewal(auth, -EACCES, &err);
}

/* ---- the header ---- */

static void set_header(struct registry_auth *auth, char *header)
{
	clear_secret(&auth->header);
	auth->header = header;
	auth->generation++;
	end_renewal(auth, 0, NULL);
}

static void set_basic(struct registry_auth *auth)
{
	char *header = NULL;

	if (!auth->credentials.user || !auth->credentials.password) {
		fail_login(auth);
		return;
	}
	if (credentials_make_basic(&auth->credentials, &header) < 0) {
		fail(auth, -ENOMEM, "out of memory");
		return;
	}
	if (auth->refused_header && strcmp(header, auth->refused_header) == 0) {
		clear_secret(&header);
		fail_login(auth);
		return;
	}
	set_header(auth, header);
}

/* ---- the token ---- */

static void load_credentials(struct registry_auth *auth);
static void request_token(struct registry_auth *auth);

static void take_token(struct registry_auth *auth,
		       const struct http_response *response)
{
	struct registry_token token = { 0 };
	struct error err = { 0 };
	char *header = NULL;
	int r;

	r = registry_token_parse(response->body, response->body_size,
				 clock_ms(), &token, &err);
	if (r < 0) {
		end_renewal(auth, r, &err);
		return;
	}
	if (asprintf(&header, "Bearer %s", token.text) < 0) {
		registry_token_fini(&token);
		fail(auth, -ENOMEM, "out of memory");
		return;
	}
	registry_token_fini(&auth->token);
	auth->token = token;
	set_header(auth, header);
}

static void take_token_status(struct registry_auth *auth,
			      const struct http_response *response)
{
	struct error err = { 0 };
	int status = response->status;
	int r = -EPROTO;

	if (status == 200) {
		take_token(auth, response);
		return;
	}
	if ((status == 404 || status == 405) && !auth->avoids_post &&
	    auth->credentials.identity_token) {
		auth->avoids_post = true;
		request_token(auth);
		return;
	}
	if (status == 400 || status == 401 || status == 403) {
		if (auth->has_reloaded)
			fail_login(auth);
		else
			load_credentials(auth);
		return;
	}
	if (status == 429)
		r = -EBUSY;
	else if (status >= 500)
		r = -EIO;
	error_set(&err, r, "the token server of %s answered %d", auth->host,
		  status);
	end_renewal(auth, r, &err);
}

static void on_token(void *arg, int result, struct http_response *response,
		     const struct error *err)
{
	struct registry_auth *auth = arg;
	struct error told = { 0 };

	if (result < 0) {
		told = *err;
		error_prefix(&told, result, "the token server of %s",
			     auth->host);
		end_renewal(auth, result, &told);
	} else {
		take_token_status(auth, response);
	}
	if (response && response->body)
		explicit_bzero(response->body, response->body_size);
	registry_auth_unref(auth);
}

static void request_token(struct registry_auth *auth)
{
	const struct registry_token_request request = {
		.challenge = &auth->challenge,
		.credentials = &auth->credentials,
		.allows_http = auth->allows_http,
		.avoids_post = auth->avoids_post,
	};
	int r;

	ref(auth);
	r = registry_token_request_start(auth->client, &request, on_token,
					 auth);
	if (r == 0)
		return;
	fail(auth, r,
	     r == -EACCES ? "the registry asks to send the password to a token "
			    "server over plain http; not done"
			  : "cannot ask for a token");
	registry_auth_unref(auth);
}

/* ---- credentials ---- */

static void go_on(struct registry_auth *auth)
{
	if (auth->challenge.scheme == AUTH_SCHEME_BASIC)
		set_basic(auth);
	else
		request_token(auth);
}

static void take_credentials(struct registry_auth *auth)
{
	struct credentials credentials = { 0 };
	struct error err = { 0 };

	if (!registry_login_take(auth->login, &credentials, &err))
		return;
	credentials_fini(&auth->credentials);
	auth->credentials = credentials;
	auth->credentials_err = err;
	auth->is_loading = false;
	auth->has_credentials = true;
	if (auth->is_renewing)
		go_on(auth);
}

static void on_loaded(void *arg)
{
	take_credentials(arg);
	registry_auth_unref(arg);
}

/* On the reading thread.  Without the call the tick finds them, a little
 * later. */
static void announce_credentials(void *arg)
{
	struct registry_auth *auth = arg;

	ref(auth);
	if (http_client_run_later(auth->client, 0, on_loaded, auth) < 0)
		registry_auth_unref(auth);
}

static void load_credentials(struct registry_auth *auth)
{
	int r;

	auth->has_reloaded = true;
	if (auth->is_loading)
		return;
	r = registry_login_start(auth->login);
	auth->is_loading = r == 0;
	if (r < 0)
		fail(auth, r, "cannot read credentials");
}

/* ---- renewal ---- */

static void expire_waiters(struct registry_auth *auth)
{
	int64_t now_ms = clock_ms();
	struct registry_auth_waiter *waiter;
	struct registry_auth_waiter *next;
	struct error err = { 0 };

	error_set(&err, -ETIMEDOUT,
		  "no token from the token server of %s in time", auth->host);
	DL_FOREACH_SAFE (auth->waiters, waiter, next) {
		if (waiter->deadline_ms > now_ms)
			continue;
		DL_DELETE(auth->waiters, waiter);
		waiter->fn(waiter->arg, -ETIMEDOUT, &err);
	}
}

static void on_tick(void *arg);

/* Takes over a reference of the caller's.  False when there is no network any
 * more: those who wait have been told so. */
static bool plan_tick(struct registry_auth *auth)
{
	int r = http_client_run_later(auth->client, TICK_MS, on_tick, auth);

	auth->is_ticking = r == 0;
	if (r == 0)
		return true;
	fail(auth, r, "canceled while waiting for a token");
	registry_auth_unref(auth);
	return false;
}

static void on_tick(void *arg)
{
	struct registry_auth *auth = arg;

	auth->is_ticking = false;
	take_credentials(auth);
	expire_waiters(auth);
	if (auth->is_renewing || auth->is_loading)
		plan_tick(auth);
	else
		registry_auth_unref(auth);
}

static void start_renewal(struct registry_auth *auth)
{
	assert(!auth->is_renewing);
	auth->is_renewing = true;
	auth->has_reloaded = false;
	if (!auth->is_ticking) {
		ref(auth);
		if (!plan_tick(auth))
			return;
	}
	if (auth->has_credentials && !auth->is_loading)
		go_on(auth);
	else
		load_credentials(auth);
}

int registry_auth_get(struct registry_auth *auth, const char **ret_header,
		      unsigned *ret_generation)
{
	int64_t now_ms = clock_ms();
	bool is_bearer = auth->challenge.scheme == AUTH_SCHEME_BEARER;

	if (auth->challenge.scheme != AUTH_SCHEME_OTHER) {
		if (!auth->header ||
		    (is_bearer &&
		     !registry_token_is_valid(&auth->token, now_ms)))
			return REGISTRY_AUTH_STALE;
		if (is_bearer && now_ms >= auth->token.renew_ms &&
		    now_ms >= auth->paused_until_ms && !auth->is_renewing)
			start_renewal(auth);
	}
	*ret_header = auth->header;
	*ret_generation = auth->generation;
	return REGISTRY_AUTH_READY;
}

static void set_default_scope(struct registry_auth *auth)
{
	struct auth_challenge *challenge = &auth->challenge;

	if (!*challenge->scope)
		snprintf(challenge->scope, sizeof(challenge->scope),
			 "repository:%s:pull", auth->repository);
}

int registry_auth_refuse(struct registry_auth *auth, unsigned generation,
			 const char *const *challenges, struct error *err)
{
	struct auth_challenge challenge;
	int r;

	if (generation != auth->generation)
		return REGISTRY_AUTH_READY;
	r = auth_challenge_choose(challenges, &challenge);
	if (r == AUTH_CHALLENGE_NONE ||
	    (challenge.scheme == AUTH_SCHEME_BEARER && !*challenge.realm))
		return error_set(err, -EACCES,
				 "%s asks for a login, but for neither a "
				 "password nor a token",
				 auth->host);
	auth->challenge = challenge;
	set_default_scope(auth);
	if (auth->header && challenge.scheme == AUTH_SCHEME_BASIC) {
		clear_secret(&auth->refused_header);
		auth->refused_header = STEAL_PTR(auth->header);
		auth->has_credentials = false;
	}
	clear_secret(&auth->header);
	registry_token_fini(&auth->token);
	return REGISTRY_AUTH_STALE;
}

void registry_auth_wait(struct registry_auth *auth,
			struct registry_auth_waiter *waiter)
{
	assert(auth->challenge.scheme != AUTH_SCHEME_OTHER);
	DL_APPEND(auth->waiters, waiter);
	if (!auth->is_renewing)
		start_renewal(auth);
}

/* ---- life ---- */

int registry_auth_create(struct http_client *client,
			 const struct registry_auth_options *options,
			 struct registry_auth **ret)
{
	struct registry_auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return -ENOMEM;
	auth->client = client;
	auth->refs = 1;
	auth->allows_http = options->allows_http;
	auth->host = strdup(options->host);
	auth->auth_key = strdup(options->auth_key);
	auth->repository = strdup(options->repository);
	auth->login = registry_login_create(auth->auth_key, auth->repository,
					    announce_credentials, auth);
	if (!auth->host || !auth->auth_key || !auth->repository ||
	    !auth->login) {
		registry_auth_unref(auth);
		return -ENOMEM;
	}
	*ret = auth;
	return 0;
}

void registry_auth_stop(struct registry_auth *auth)
{
	registry_login_stop(auth->login);
}
