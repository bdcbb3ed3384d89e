/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pelican_federation: where a federation's director is, as its discovery
 * document says: https://HOST/.well-known/pelican-configuration.
 *
 * Remembered for 30 minutes (pelican_memory.h).  A federation without a
 * director is a single origin that serves its objects itself.
 *
 * Threads: any but the network thread: find() waits for it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_client;
struct http_watch;

/* What all questions to a federation need. */
struct pelican_access {
	struct http_client *client; /* borrowed */
	int cache_dir_fd;	    /* for pelican_memory; negative: none */
	bool allow_http;	    /* plain http to hosts not on loopback */
	struct http_watch *watch;   /* to break off; NULL: never */
	int64_t deadline_ms;
};

struct pelican_federation {
	char *base;	/* "https://host"; owned */
	char *director; /* the same for its director; NULL: there is none */
};

/**
 * pelican_federation_find() - ask, or remember
 * @name: "host", "host:port", or either behind "https://" or "http://"
 *
 * Without a scheme https is meant, and on loopback http where that fails.
 *
 * Return: 0; -ENOENT (not a federation's host, says the document's absence);
 * -EPROTO (a document that is none); -EINVAL (plain http not allowed); or as
 * http_done_fn()'s result.
 */
int pelican_federation_find(const struct pelican_access *access,
			    const char *name, struct pelican_federation *ret,
			    struct error *err);
void pelican_federation_fini(struct pelican_federation *federation);

/**
 * pelican_federation_parse() - the discovery document's director
 * @ret: malloc'ed, without a '/' at its end; NULL when none is named
 *
 * Return: 0, -EPROTO, -ENOMEM.
 */
int pelican_federation_parse(const char *text, size_t size, char **ret);

/** pelican_federation_may_use() - https, or http where that is allowed */
bool pelican_federation_may_use(const char *url, bool allow_http);

/** pelican_federation_pause() - wait; false when the watch or the deadline
 * says that it is over */
bool pelican_federation_pause(const struct pelican_access *access, int64_t ms);
