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

struct error;
struct http_client;
struct http_response;

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
