/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pelican_answer: a director's answer to where an object is, made good for all
 * objects of its namespace: the servers without the object's path.
 *
 * Remembered for 5 minutes by federation, kind and namespace
 * (pelican_memory.h); the longest namespace that holds an object counts.  Only
 * answers given without a token are.
 *
 * Threads: any but the network thread: ask() waits for it.
 */
#include "fetch/pelican_header.h"

#include <stdbool.h>

struct error;
struct pelican_access;
struct pelican_url;

struct pelican_answer {
	struct pelican_namespace namespace;
	/* what stands before an object's path */
	struct pelican_servers bases;
};

struct pelican_question {
	const char *director;
	const struct pelican_url *url;
	bool is_direct;		   /* origins that allow it, not caches */
	bool is_fresh;		   /* whatever is remembered */
	const char *authorization; /* "Bearer ..."; NULL: none */
};

/**
 * pelican_answer_ask() - ask the director, or remember
 *
 * A director that restarts is waited for: 404, 500 and 502 of something that is
 * no Pelican server, 429 of one, five times with growing pauses.
 *
 * Return: 0 (with one server at least); -ENOENT (no such object, or no such
 * namespace); -EACCES; -ENOTSUP (no direct reads); -EPROTO; -EIO; or as
 * http_done_fn()'s result; @err says which federation.
 */
int pelican_answer_ask(const struct pelican_access *access,
		       const struct pelican_question *question,
		       struct pelican_answer *ret, struct error *err);
void pelican_answer_fini(struct pelican_answer *answer);

/** pelican_answer_encode() - as text for pelican_memory; malloc'ed, NULL when
 * out of memory */
char *pelican_answer_encode(const struct pelican_answer *answer);

/** pelican_answer_decode() - 0, -EPROTO, -ENOMEM */
int pelican_answer_decode(const char *text, struct pelican_answer *ret);
