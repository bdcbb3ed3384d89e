/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_identity: what tells an object's versions apart: its size, and the
 * validators of HTTP (RFC 9110, section 8.8) where a server sends strong ones.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>
#include <stdint.h>

struct error;
struct http_response;

struct object_identity {
	uint64_t size;
	/* The same whichever server answers: no user, no password, a query only
	 * as a digest of it. */
	char *name;
	/* What tells versions apart, beside the size; NULL: nothing does. */
	char *etag; /* strong */
	char *last_modified;
};

void object_identity_fini(struct object_identity *identity);

/** object_identity_copy() - 0 or -ENOMEM */
int object_identity_copy(const struct object_identity *identity,
			 struct object_identity *ret);

/**
 * object_identity_settle() - take it from a 206 answer that kept its headers
 * @identity: has a name and nothing else
 *
 * Return: 0; -EPROTO (the answer tells no total size); -ENOMEM.
 */
int object_identity_settle(struct object_identity *identity,
			   const struct http_response *response,
			   struct error *err);

/**
 * object_identity_check() - whether an answer is of that version
 * @checks_validators: the answer is from the server that gave them; others may
 *                     count differently
 *
 * An answer without a total or a validator is given the benefit of the doubt.
 *
 * Return: 0; -ESTALE with @err naming what has changed.
 */
int object_identity_check(const struct object_identity *identity,
			  const struct http_response *response,
			  bool checks_validators, struct error *err);
