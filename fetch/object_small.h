/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_small: a whole small document by http, waited for: redirects are
 * followed (never from https to http), faults that may pass are tried again.
 *
 * Threads: any but the network thread.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	OBJECT_SMALL_FOUND = 0,
	OBJECT_SMALL_ABSENT = 1,
};

struct error;
struct http_client;
struct http_response;
struct object;

struct object_small_request {
	const char *url;
	const char *authorization; /* for that host alone; NULL: none */
	size_t size_max;
	int64_t deadline_ms; /* on clock_ms()'s clock */
	unsigned tries_max;
};

/**
 * object_small_fetch() - get it
 * @ret: http_response_destroy() releases it; of any status but a redirect's
 *
 * Tried again: broken connections, 408, 429, 5xx.  Return: 0, or as
 * http_done_fn()'s result; -EPROTO (redirects that are not followed).
 */
int object_small_fetch(struct http_client *client,
		       const struct object_small_request *request,
		       struct http_response **ret, struct error *err);

/**
 * object_small_fetch_from() - get it from an object's servers, in turn
 *
 * The first that says anything of use is believed: 404 is OBJECT_SMALL_ABSENT.
 *
 * Return: OBJECT_SMALL_FOUND with @ret malloc'ed; OBJECT_SMALL_ABSENT; -EACCES,
 * -EIO (another status; of the last server), -EFBIG, -ENOMEM, or as
 * http_done_fn()'s result.
 */
int object_small_fetch_from(struct object *object, size_t size_max,
			    int64_t deadline_ms, uint8_t **ret,
			    size_t *ret_size, struct error *err);
