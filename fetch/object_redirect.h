/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_redirect: following the redirects of a web server: a few, never from
 * https to http, never to something that is not the web.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>

struct error;
struct http_response;

struct object_redirect {
	char *url; /* where it leads; owned */
	unsigned count;
};

void object_redirect_fini(struct object_redirect *redirect);

/** object_redirect_is_one() - whether a status is that of a redirect */
bool object_redirect_is_one(int status);

/**
 * object_redirect_follow() - take the Location of an answer to any URL
 *
 * Return: 0 with redirect->url replaced; -EPROTO; -ENOMEM.
 */
int object_redirect_follow(struct object_redirect *redirect,
			   const struct http_response *response,
			   struct error *err);

/** object_redirect_is_same_host() - same scheme, host and port of two http(s)
 * URLs, as they are written */
bool object_redirect_is_same_host(const char *a, const char *b);
