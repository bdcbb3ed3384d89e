/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_endpoint: what all requests to one repository of a registry share:
 * where it is, http or https, and the authorization.
 *
 * Reference counted, because a request whose blob was destroyed still runs to
 * its end.
 *
 * Threads: create, stop, ref and unref any; functions that touch the scheme,
 * the network thread.
 */
#include "fetch/registry.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct http_client;
struct registry_auth;
struct url;

struct registry_endpoint {
	/* -- fixed -- */
	struct http_client *client; /* borrowed */
	struct registry_auth *auth;
	char *host; /* with the port, when there is one */
	char *repository;
	unsigned refs; /* atomic */
	/* -- the network thread's -- */
	bool is_http;
	bool is_scheme_sure; /* false: the other one may be tried */
};

/**
 * registry_endpoint_create() - one reference
 *
 * Return: 0, -EINVAL (host or repository hold what a URL would take for
 * something else), -ENOMEM.
 */
int registry_endpoint_create(struct http_client *client,
			     const struct registry_options *options,
			     struct registry_endpoint **ret, struct error *err);
struct registry_endpoint *registry_endpoint_ref(
	struct registry_endpoint *endpoint);
void registry_endpoint_unref(struct registry_endpoint *endpoint);

/** registry_endpoint_make_url() - "https://host/v2/repository/kind/reference";
 * malloc'ed, NULL when out of memory */
char *registry_endpoint_make_url(const struct registry_endpoint *endpoint,
				 const char *kind, const char *reference);

/** registry_endpoint_owns() - whether a URL leads to the registry itself */
bool registry_endpoint_owns(const struct registry_endpoint *endpoint,
			    const char *url);

/**
 * registry_endpoint_switch_scheme() - the scheme tried first does not work here
 *
 * From http to https always, from https to http only where that is allowed;
 * only once, and only before the registry has ever answered.
 *
 * Return: whether it was switched.
 */
bool registry_endpoint_switch_scheme(struct registry_endpoint *endpoint);

/** registry_endpoint_name() - "host/repository:tag" or "...@digest", for
 * sentences; malloc'ed, NULL when out of memory */
char *registry_endpoint_name(const struct registry_endpoint *endpoint,
			     const char *reference);
