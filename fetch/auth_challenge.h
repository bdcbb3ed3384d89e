/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * auth_challenge: the WWW-Authenticate header of a 401 answer (RFC 9110,
 * section 11.6.1) with the parameters of the Bearer scheme (RFC 6750, and
 * distribution's "Token Authentication Specification").
 *
 * Threads: no shared state.
 */
enum auth_scheme {
	AUTH_SCHEME_OTHER, /* Negotiate, Digest ...: not ours to answer */
	AUTH_SCHEME_BASIC,
	AUTH_SCHEME_BEARER,
};

enum {
	AUTH_CHALLENGE_FOUND = 0,
	AUTH_CHALLENGE_NONE = 1,
};

/* Parameters that were not given are "". */
struct auth_challenge {
	enum auth_scheme scheme;
	char realm[1024];
	char service[256];
	char scope[1024];
	char error[64]; /* "invalid_token", "insufficient_scope" ... */
};

/**
 * auth_challenge_next() - read one challenge of a header's list
 * @cursor: in the header's value; moved behind the challenge
 *
 * Return: AUTH_CHALLENGE_FOUND, AUTH_CHALLENGE_NONE at the end, or -EPROTO
 * (malformed, or a parameter that does not fit).
 */
int auth_challenge_next(const char **cursor, struct auth_challenge *ret);

/**
 * auth_challenge_choose() - the challenge that is best answered
 * @values: NULL-ended list of header values
 *
 * Bearer before Basic; a malformed value spoils only what follows in itself.
 *
 * Return: AUTH_CHALLENGE_FOUND, AUTH_CHALLENGE_NONE when there is neither.
 */
int auth_challenge_choose(const char *const *values,
			  struct auth_challenge *ret);
