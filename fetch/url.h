/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * url: what the network side must know about an http or https URL (RFC 3986).
 *
 * Parsing is libcurl's own, so that a decision made here about a host is about
 * the host that libcurl then talks to.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { URL_REDACTED_SIZE = 512 };

struct url {
	char *scheme;  /* "http" or "https"; owned */
	char *host;    /* lower case, IPv6 without brackets; owned */
	unsigned port; /* the scheme's default when none is written */
};

/**
 * url_parse() - split an absolute http or https URL
 * @ret: url_fini() releases it
 *
 * Return: 0, -EINVAL (malformed, or another scheme), -ENOMEM,
 * -ELIBACC (no libcurl: http_client_create() says so first).
 */
int url_parse(const char *text, struct url *ret);
void url_fini(struct url *url);

/**
 * url_resolve() - what a Location header means (RFC 3986, section 5)
 * @base:     absolute
 * @location: absolute or relative to it
 * @ret:      malloc'ed; the caller frees
 *
 * Return: 0, -EINVAL (malformed), -ENOMEM, -ELIBACC.
 */
int url_resolve(const char *base, const char *location, char **ret);

/** url_is_same_origin() - same scheme, host and port (RFC 6454) */
bool url_is_same_origin(const struct url *a, const struct url *b);

/** url_host_is_loopback() - 127.0.0.0/8, ::1, localhost, *.localhost */
bool url_host_is_loopback(const char *host);

/**
 * url_redact() - a URL that may be shown to people and logs
 * @ret: the URL without user, password, query and fragment, which may hold
 *       tokens and signatures; cut to fit, never fails
 */
void url_redact(const char *text, char ret[URL_REDACTED_SIZE]);

/**
 * url_find_query() - the decoded value of the first parameter of that name
 * @name: compared without regard to case
 *
 * Return: whether there is one whose value fits into @size bytes with its NUL.
 */
bool url_find_query(const char *text, const char *name, char *ret, size_t size);

/**
 * url_append_parameter() - "name=value", escaped, to a query or a form
 * @buffer: gets '&' first unless it ends with '?' or '&' or is empty
 *
 * Return: 0, -EFBIG, -ENOMEM.
 */
int url_append_parameter(struct buffer *buffer, const char *name,
			 const char *value);
