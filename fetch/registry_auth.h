/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_auth: the Authorization header for one repository, and its renewal.
 *
 * Nothing is sent at first; a 401 says what the registry wants.  One renewal at
 * a time serves all that wait: credentials are read on a thread of their own,
 * for a helper may take seconds, and a bearer token is fetched by the network
 * thread.  A token is renewed ahead of its end while requests go on with it.
 * Credentials that were refused are read anew once, for someone may have
 * logged in meanwhile.
 *
 * Threads: create, stop and unref any; the rest, and callbacks, the network
 * thread of the client.
 */
#include <stdbool.h>
#include <stdint.h>

struct error;
struct http_client;
struct registry_auth;

struct registry_auth_options {
	const char *host;	/* for sentences */
	const char *auth_key;	/* for credentials_load() */
	const char *repository; /* for the scope, when none is asked for */
	bool allows_http;	/* credentials may go to any http realm */
};

enum {
	REGISTRY_AUTH_READY = 0,
	REGISTRY_AUTH_STALE = 1, /* registry_auth_wait() for a new one */
};

/* One request that waits; the caller's memory until `fn` is called. */
struct registry_auth_waiter {
	struct registry_auth_waiter *prev;
	struct registry_auth_waiter *next;
	int64_t deadline_ms;
	/* 0: ask for the header again.  -EACCES: refused, and @err says where
	 * credentials were looked for.  -ETIMEDOUT, -EBUSY, -EIO, -ECONN...:
	 * the token server's fault, another try may help.  -EPROTO, -ENOMEM,
	 * -ECANCELED. */
	void (*fn)(void *arg, int result, const struct error *err);
	void *arg;
};

/** registry_auth_create() - strings are copied; one reference; 0 or -ENOMEM */
int registry_auth_create(struct http_client *client,
			 const struct registry_auth_options *options,
			 struct registry_auth **ret);

/**
 * registry_auth_stop() - read no more credentials
 *
 * Waits for a helper that is running.  The object itself lives on until the
 * requests that use it have ended.
 */
void registry_auth_stop(struct registry_auth *auth);
void registry_auth_unref(struct registry_auth *auth);

/**
 * registry_auth_get() - the header to send now
 * @ret_header:     "Basic ..." or "Bearer ...", or NULL for none; valid until
 *                  the next call
 * @ret_generation: names this header in registry_auth_refuse()
 *
 * Return: REGISTRY_AUTH_READY or REGISTRY_AUTH_STALE.
 */
int registry_auth_get(struct registry_auth *auth, const char **ret_header,
		      unsigned *ret_generation);

/**
 * registry_auth_refuse() - the registry answered 401
 * @generation: of the header that was sent
 * @challenges: WWW-Authenticate values, NULL-ended
 *
 * Return: REGISTRY_AUTH_READY (it was renewed meanwhile: send again),
 * REGISTRY_AUTH_STALE, -EACCES (no challenge that can be answered).
 */
int registry_auth_refuse(struct registry_auth *auth, unsigned generation,
			 const char *const *challenges, struct error *err);

/** registry_auth_wait() - have @waiter called when the renewal has ended */
void registry_auth_wait(struct registry_auth *auth,
			struct registry_auth_waiter *waiter);
