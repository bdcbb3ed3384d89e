/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_finder: finds more servers for an object, or a newer token, while
 * requests for it wait.  What has to be asked and read for that blocks, so it
 * happens on a thread of its own, one at a time for an object.
 *
 * Threads: create(), stop() and destroy() the owner's; ask() the network
 * thread.
 */
#include "fetch/http_client.h"

struct error;
struct object;
struct object_finder;

/* What is wanted, as bits. */
enum object_wish {
	OBJECT_WISH_SERVERS = 1, /* those known, and a token if one is needed */
	OBJECT_WISH_FRESH = 2,	 /* servers, whatever is remembered */
	OBJECT_WISH_DIRECT = 4,	 /* the origins */
	OBJECT_WISH_TOKEN = 8,	 /* as it is written now */
};

/*
 * Changes the object: object_add_server(), object_set_authorization().  Blocks;
 * ends soon once @watch is abandoned.  Return: 0 or negative errno, @err set.
 */
typedef int object_find_fn(void *arg, struct object *object, unsigned wishes,
			   struct http_watch *watch, struct error *err);

/* On the network thread. */
typedef void object_found_fn(void *arg, int result, const struct error *err);

/** object_finder_create() - NULL when out of memory
 * @arg: must outlive the finder */
struct object_finder *object_finder_create(struct http_client *client,
					   object_find_fn *find, void *arg);

/**
 * object_finder_ask() - begin, or join those who wait
 * @object: of all the finder's calls the same
 * @done:   called once; NULL: nobody waits
 *
 * Return: 0; -ENOMEM, -EAGAIN, -ECANCELED (stopped), and @done is not called.
 */
int object_finder_ask(struct object_finder *finder, struct object *object,
		      unsigned wishes, object_found_fn *done, void *arg);

/** object_finder_stop() - break off; returns when no thread runs any more */
void object_finder_stop(struct object_finder *finder);

/** object_finder_destroy() - of a stopped one, or one never asked; NULL allowed
 */
void object_finder_destroy(struct object_finder *finder);
