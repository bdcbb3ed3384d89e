/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_source: one object at a URL (a SIF, say) as a range_source.
 *
 *	http://HOST/PATH   https://HOST/PATH	a web server
 *	osdf:///NS/PATH    and the other forms of pelican_url.h
 *
 * An object of a federation is read from its caches, and past them from its
 * origin when they fail or give wrong bytes: docs/osdf.md.
 *
 * A registry's blob is named by its digest; an object only by its URL, and may
 * be replaced there.  Opening it settles its identity: the size, and what the
 * server says to tell versions apart.  While it is open, an answer that belongs
 * to another version is refused (-ESTALE), never mixed in; range_source.h has
 * the other errors.
 *
 * Plain http is for loopback, or for those who asked for it.  Redirects are
 * followed, never from https to http.  Ranges are closed and lie within the
 * known size: others are answered wrongly by some servers (XRootD below 5.5.4).
 *
 * Threads: any.  Functions here wait for the network; never call them on the
 * network thread.
 */
#include "fetch/object_identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_client;
struct range_source;

struct object_source_options {
	struct http_client *client; /* borrowed; must outlive the source */
	bool allow_http;	    /* to hosts that are not loopback */
	int64_t timeout_ms;	    /* of opening; 0: 60000 */
	/* The node's cache directory, where what federations said is
	 * remembered; 0 or less: it is not. */
	int cache_dir_fd;
	/* What osdf: means, a host or https://HOST; NULL: what the environment
	 * says (pelican_object.h), else osg-htc.org. */
	const char *federation;
	/* Caches to ask first (cache_preference.h); NULL: what the environment
	 * says. */
	const char *preferred_caches;
	/* Optional, of object_source_fetch_small(): called once, when the
	 * object's servers are known and before they are asked. */
	void (*located)(void *arg);
	void *located_arg;
};

enum {
	OBJECT_SOURCE_FOUND = 0,
	OBJECT_SOURCE_ABSENT = 1,
};

/** object_source_is_url() - whether a text has a scheme understood here */
bool object_source_is_url(const char *text);

/**
 * object_source_open() - find an object and what it is
 * @ret:          range_source_destroy() releases it
 * @ret_identity: object_identity_fini() releases it; NULL: not wanted
 *
 * Return: 0, or with @err saying cause and next step:
 *   -EINVAL (not such a URL; plain http that is not allowed) · -ENOENT ·
 *   -EACCES (refused) · -ENOTSUP (the server has no ranges) · -ETIMEDOUT ·
 *   -ECONNREFUSED, -EHOSTUNREACH, -EKEYREJECTED (as http_client.h) · -EPROTO ·
 *   -EIO · -ENOMEM
 */
int object_source_open(const char *url,
		       const struct object_source_options *options,
		       struct range_source **ret,
		       struct object_identity *ret_identity, struct error *err);

/**
 * object_source_fetch_small() - a whole small object, such as x.sif.lzi
 * @size_max: a larger one is -EFBIG
 * @ret:      malloc'ed
 *
 * Nothing says whether its bytes are right: check them.  Return:
 * OBJECT_SOURCE_FOUND, OBJECT_SOURCE_ABSENT, or as object_source_open().
 */
int object_source_fetch_small(const char *url, size_t size_max,
			      const struct object_source_options *options,
			      uint8_t **ret, size_t *ret_size,
			      struct error *err);

/**
 * object_source_name() - identity->name without asking anybody
 * @federation: as in the options
 * @ret: malloc'ed
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int object_source_name(const char *url, const char *federation, char **ret,
		       struct error *err);
