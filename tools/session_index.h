/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * session_index: which index a session has: given (--index), brought by a stub,
 * beside the object, in the cache, in the registry, or built.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>

struct error;
struct image_options;
struct image_ref;
struct reference_stub;
struct session;

/**
 * session_index_open_known() - the index that is known before the image is
 *
 * Opened first, so that a reference by its digest needs no network.  That of an
 * object at a URL may be looked for until session_index_end_search(), while the
 * image is opened.
 *
 * Return: 0, also when there is none; or negative errno with @err.
 */
int session_index_open_known(struct session *session,
			     const struct image_ref *ref,
			     const struct reference_stub *stub,
			     struct error *err);

/** session_index_set_known() - tell the image what the open index says of it;
 * nothing without one
 * @is_object: the reference is an object's: its manifest is in the index alone
 * @options: borrows from the index */
void session_index_set_known(const struct session *session, bool is_object,
			     struct image_options *options);

/** session_index_find_known() - image.h's find_known: wait for the search, open
 * what it has found
 * @arg: the session
 *
 * Return: 0, also when nothing was found; or negative errno with @err. */
int session_index_find_known(void *arg, struct image_options *options,
			     struct error *err);

/** session_index_end_search() - the image is open, or has failed: end the
 * search; an index from the cache is closed, to be found again by what the
 * image is now */
void session_index_end_search(struct session *session);

/**
 * session_index_open() - session_find_index(), else fetch, else build
 *
 * One process of the node builds; the others wait for its index.
 *
 * Return: 0 with the index open, or negative errno with @err.
 */
int session_index_open(struct session *session, struct error *err);

/** session_index_warn() - a line on stderr when session_index_doubt() has
 * something to say, unless quiet */
void session_index_warn(const struct session *session);

/** session_index_trace() - where the index came from, and how much of an image
 * it describes; nothing without --trace */
void session_index_trace(const struct session *session);

/** session_index_close() - also without one; it can be opened again */
void session_index_close(struct session *session);
