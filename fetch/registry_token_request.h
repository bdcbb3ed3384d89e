/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_token_request: asks a token server for a bearer token.
 *
 * With an identity token by POST (OAuth2), otherwise by GET, with the password
 * if there is one (distribution, "Token Authentication Specification").
 *
 * Threads: the network thread of the client.
 */
#include "fetch/http_client.h"

#include <stdbool.h>

struct auth_challenge;
struct credentials;

/* Borrowed until start() returns. */
struct registry_token_request {
	const struct auth_challenge *challenge; /* of scheme BEARER */
	const struct credentials *credentials;	/* may be empty */
	bool allows_http; /* credentials may go to any http realm */
	bool avoids_post; /* the server knows none: the identity token stays */
};

/**
 * registry_token_request_start() - ask
 * @done: called once, with the answer whatever its status; see http_client.h.
 *        It is to clear the body, which holds the token.
 *
 * Return: 0, or, and then @done is not called: -EACCES (credentials would go
 * over plain http to another machine), -EFBIG, -ENOMEM, or as
 * http_client_submit().
 */
int registry_token_request_start(struct http_client *client,
				 const struct registry_token_request *request,
				 http_done_fn *done, void *arg);
