/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_route: what a path of the registry API asks for (OCI
 * distribution-spec v1.1, "Endpoints", the reading ones).
 *
 * Threads: any; no shared state.
 */
enum registry_route_kind {
	REGISTRY_ROUTE_UNKNOWN,
	REGISTRY_ROUTE_BASE,	  /* /v2/ */
	REGISTRY_ROUTE_CATALOG,	  /* /v2/_catalog */
	REGISTRY_ROUTE_TAGS,	  /* /v2/NAME/tags/list */
	REGISTRY_ROUTE_MANIFEST,  /* /v2/NAME/manifests/REFERENCE */
	REGISTRY_ROUTE_BLOB,	  /* /v2/NAME/blobs/DIGEST */
	REGISTRY_ROUTE_REFERRERS, /* /v2/NAME/referrers/DIGEST */
};

enum { REGISTRY_ROUTE_NAME_SIZE = 256 };

struct registry_route {
	enum registry_route_kind kind;
	char name[REGISTRY_ROUTE_NAME_SIZE]; /* a repository's, or "" */
	const char *reference;		     /* points into the path, or "" */
};

/** registry_route_parse() - never fails: what is odd is UNKNOWN */
void registry_route_parse(const char *path, struct registry_route *ret);
