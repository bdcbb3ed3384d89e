/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_response: a struct http_response being filled, with the memory that it
 * points to and the headers that are only checked.  http_transfer.c fills it;
 * everyone else sees http_client.h.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"
#include "fetch/http_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_RESPONSE_CHALLENGES_MAX = 8 };

/* Strings are owned and NULL when the header was absent. */
struct http_response_parts {
	struct http_response response; /* first: destroy() gets its address */
	size_t body_capacity;	       /* without room for the NUL */
	char *location;		       /* as sent; absolute once completed */
	char *content_type;
	char *content_digest;
	char *content_range;
	char *content_length;
	char *content_encoding;
	bool has_retry_after;
	char *challenges[HTTP_RESPONSE_CHALLENGES_MAX + 1];
	unsigned challenge_count;
	bool keeps_headers;
	struct buffer headers; /* name NUL value NUL, of all of them */
	char url[];
};

/** http_response_create() - empty, for a request to @url; NULL: no memory */
struct http_response_parts *http_response_create(const char *url);

/** http_response_clear_head() - forget headers: another status line came */
void http_response_clear_head(struct http_response_parts *parts);

/**
 * http_response_add_header() - note a header line "Name: value\r\n"
 *
 * Of a repeated header the last counts, but for WWW-Authenticate, of which the
 * first HTTP_RESPONSE_CHALLENGES_MAX are kept.  Return: 0 or -ENOMEM.
 */
int http_response_add_header(struct http_response_parts *parts,
			     const char *line, size_t len);

/** http_response_is_encoded() - whether the body is compressed or such */
bool http_response_is_encoded(const struct http_response_parts *parts);

/** http_response_reserve() - room for a body of exactly @size; 0 or -ENOMEM */
int http_response_reserve(struct http_response_parts *parts, size_t size);

/**
 * http_response_append() - add to the body
 * @size_max: of the whole body; the caller has checked that it is kept
 *
 * Return: 0 or -ENOMEM.
 */
int http_response_append(struct http_response_parts *parts, const void *data,
			 size_t size, size_t size_max);

/**
 * http_response_complete() - make the public fields from what was kept
 * @retry_after_s: what Retry-After came to, negative for a time gone by
 *
 * Return: 0 or -ENOMEM.
 */
int http_response_complete(struct http_response_parts *parts,
			   int64_t retry_after_s);
