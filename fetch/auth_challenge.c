/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar is ambiguous at a comma: what follows is another parameter of
 * the challenge when a '=' follows the token, else the next challenge's
 * scheme.  A token68 ("Negotiate YII==") is skipped.
 */
#include "fetch/auth_challenge.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(const char *p)
{
	size_t len = 0;

	while (is_token_char(p[len]))
		len++;
	return len;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static const char *skip_blanks_and_commas(const char *p)
{
	return p + strspn(p, " \t,");
}

/* The token68 behind a scheme, or 0 when parameters follow it. */
static size_t token68_len(const char *p)
{
	size_t len = 0;

	while (isalnum((unsigned char)p[len]) ||
	       (p[len] && strchr("-._~+/", p[len])))
		len++;
	if (len == 0)
		return 0;
	while (p[len] == '=')
		len++;
	p = skip_blanks(p + len);
	return *p == '\0' || *p == ',' ? len : 0;
}

/* Whether "token =" is here, and not the next scheme. */
static bool is_parameter(const char *p)
{
	size_t len = token_len(p);

	return len > 0 && *skip_blanks(p + len) == '=';
}

static int store(char c, char *ret, size_t size, size_t *len)
{
	if ((unsigned char)c < 0x20 || c == 0x7f || *len + 1 >= size)
		return -EPROTO;
	ret[(*len)++] = c;
	ret[*len] = '\0';
	return 0;
}

/* A quoted-string, behind its opening quote. */
static int parse_quoted(const char **cursor, char *ret, size_t size)
{
	const char *p = *cursor;
	size_t len = 0;

	for (; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0' || store(*p, ret, size, &len) < 0)
			return -EPROTO;
	}
	*cursor = p + 1;
	return 0;
}

static int parse_value(const char **cursor, char *ret, size_t size)
{
	size_t len = token_len(*cursor);
	size_t stored = 0;

	assert(size > 0);
	ret[0] = '\0';
	if (**cursor == '"') {
		++*cursor;
		return parse_quoted(cursor, ret, size);
	}
	if (len == 0)
		return -EPROTO;
	for (size_t i = 0; i < len; i++)
		if (store((*cursor)[i], ret, size, &stored) < 0)
			return -EPROTO;
	*cursor += len;
	return 0;
}

static int parse_parameter(const char **cursor, struct auth_challenge *ret)
{
	struct {
		const char *name;
		char *value;
		size_t size;
	} const known[] = {
		{ "realm", ret->realm, sizeof(ret->realm) },
		{ "service", ret->service, sizeof(ret->service) },
		{ "scope", ret->scope, sizeof(ret->scope) },
		{ "error", ret->error, sizeof(ret->error) },
	};
	char ignored[sizeof(ret->realm)];
	const char *name = *cursor;
	size_t len = token_len(name);
	char *value = ignored;
	size_t size = sizeof(ignored);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != len ||
		    strncasecmp(known[i].name, name, len) != 0)
			continue;
		value = known[i].value;
		size = known[i].size;
	}
	*cursor = skip_blanks(name + len);
	assert(**cursor == '=');
	*cursor = skip_blanks(*cursor + 1);
	return parse_value(cursor, value, size);
}

static enum auth_scheme scheme_of(const char *name, size_t len)
{
	if (len == 6 && strncasecmp(name, "Bearer", len) == 0)
		return AUTH_SCHEME_BEARER;
	if (len == 5 && strncasecmp(name, "Basic", len) == 0)
		return AUTH_SCHEME_BASIC;
	return AUTH_SCHEME_OTHER;
}

int auth_challenge_next(const char **cursor, struct auth_challenge *ret)
{
	const char *p = skip_blanks_and_commas(*cursor);
	size_t len = token_len(p);
	size_t skipped;
	int r;

	if (*p == '\0')
		return AUTH_CHALLENGE_NONE;
	*ret = (struct auth_challenge){ 0 };
	if (len == 0 || !strchr(" \t,", p[len]))
		return -EPROTO;
	ret->scheme = scheme_of(p, len);
	p = skip_blanks(p + len);
	skipped = token68_len(p);
	p = skip_blanks_and_commas(p + skipped);
	while (skipped == 0 && is_parameter(p)) {
		r = parse_parameter(&p, ret);
		if (r < 0)
			return r;
		p = skip_blanks(p);
		if (*p != '\0' && *p != ',')
			return -EPROTO;
		p = skip_blanks_and_commas(p);
	}
	*cursor = p;
	return AUTH_CHALLENGE_FOUND;
}

int auth_challenge_choose(const char *const *values, struct auth_challenge *ret)
{
	struct auth_challenge best = { 0 };
	struct auth_challenge challenge;

	for (; *values; values++) {
		const char *cursor = *values;

		while (auth_challenge_next(&cursor, &challenge) ==
		       AUTH_CHALLENGE_FOUND)
			if (challenge.scheme > best.scheme)
				best = challenge;
	}
	if (best.scheme == AUTH_SCHEME_OTHER)
		return AUTH_CHALLENGE_NONE;
	*ret = best;
	return AUTH_CHALLENGE_FOUND;
}
