/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pelican_object: the servers and the token of one object of a federation:
 * preferred caches, the director's caches, origins for direct reads.
 *
 * find() is an object_find_fn (object_finder.h).
 *
 * A token goes to the director and the servers of the federation that the user
 * named, by https or on loopback, and nowhere else; it is looked for when the
 * namespace requires one, or a server refuses access (token_search.h).
 *
 * Threads: one at a time.
 */
#include "fetch/object_finder.h"

#include <stdbool.h>

struct error;
struct object;
struct pelican_object;

struct pelican_object_options {
	struct http_client *client; /* borrowed */
	bool allow_http;
	int cache_dir_fd; /* negative: remember nothing */
	/* a list (cache_preference.h); NULL: the environment's */
	const char *preferred_caches;
	const char *federation; /* what osdf: means; NULL: what
				   pelican_object_federation() says */
};

/**
 * pelican_object_create() - of a URL (pelican_url.h); nothing is sent yet
 *
 * Return: 0; -EINVAL (the URL, or a list of preferred caches in the
 * environment); -ENOMEM.
 */
int pelican_object_create(const char *url,
			  const struct pelican_object_options *options,
			  struct pelican_object **ret, struct error *err);
void pelican_object_destroy(struct pelican_object *self); /* NULL allowed */

/** pelican_object_name() - canonical; borrowed */
const char *pelican_object_name(const struct pelican_object *self);

object_find_fn pelican_object_find; /* @arg: struct pelican_object */

/** pelican_object_federation() - what osdf: means by the environment:
 * LAZYRUN_FEDERATION, PELICAN_FEDERATION_DISCOVERYURL, PELICAN_FEDERATION_URL;
 * NULL: osg-htc.org */
const char *pelican_object_federation(void);
