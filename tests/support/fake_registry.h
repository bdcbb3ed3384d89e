/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fake_registry: a small OCI registry on loopback for tests, over fake_http:
 * manifests, blobs by range, token authentication, redirects to a storage
 * server of its own, and faults on request.
 *
 * The repository is "test/image" whatever is asked for.
 *
 * Threads: any.
 */
#include "common/digest.h"
#include "tests/support/fake_http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_registry;

enum fake_auth {
	FAKE_AUTH_NONE,
	FAKE_AUTH_BASIC,  /* user and password */
	FAKE_AUTH_BEARER, /* a token from /token */
};

/* Where requests arrive; faults and counters are kept by place. */
enum fake_place {
	FAKE_PLACE_MANIFEST,
	FAKE_PLACE_BLOB, /* on the registry */
	FAKE_PLACE_TOKEN,
	FAKE_PLACE_STORAGE,
	FAKE_PLACE_COUNT,
};

struct fake_registry_options {
	enum fake_auth auth;
	const char *user; /* asked of everyone when set; literals */
	const char *password;
	const char *identity_token; /* POST with it gives a token too */
	bool refuses_post;	    /* the token server answers 405 */
	int64_t token_life_ms;	    /* 0: for ever */
	int expires_in;		    /* what it says; 0: nothing */
	bool uses_access_token;	    /* instead of "token" */
	const char *needed_scope;   /* NULL: any; asked for by a 401 */
	bool has_storage;	    /* blobs redirect to it */
	bool redirects_in_circle;   /* storage redirects to itself */
	const char *redirect_to;    /* blobs redirect there instead */
};

struct fake_registry_counters {
	unsigned requests[FAKE_PLACE_COUNT];
	unsigned refused[FAKE_PLACE_COUNT]; /* of these, 400, 401 and 403 */
	unsigned storage_authorizations;    /* Authorization seen there */
	unsigned token_posts;
};

/** fake_registry_start() - NULL when it cannot; options are copied */
struct fake_registry *fake_registry_start(
	const struct fake_registry_options *options);
void fake_registry_stop(struct fake_registry *registry);

/** fake_registry_host() - "127.0.0.1:PORT" */
const char *fake_registry_host(const struct fake_registry *registry);

/** fake_registry_add_blob() - @data stays the caller's, until stop */
void fake_registry_add_blob(struct fake_registry *registry, const void *data,
			    size_t size, struct digest *ret);

/** fake_registry_add_manifest() - under a tag, and under its digest */
void fake_registry_add_manifest(struct fake_registry *registry, const char *tag,
				const char *media_type, const void *data,
				size_t size, struct digest *ret);

/**
 * fake_registry_fail() - spoil the next @count answers at a place
 * @status:      of FAKE_FAULT_STATUS
 * @retry_after: with it; NULL: none; a literal
 *
 * Answers that would be 401 for want of a token count too.
 */
void fake_registry_fail(struct fake_registry *registry, enum fake_place place,
			enum fake_fault fault, unsigned count, int status,
			const char *retry_after);

/** fake_registry_expire_tokens() - none of those given out works any more */
void fake_registry_expire_tokens(struct fake_registry *registry);

/** fake_registry_expire_urls() - signed storage URLs now answer @status */
void fake_registry_expire_urls(struct fake_registry *registry, int status);

/** fake_registry_set_password() - from now on */
void fake_registry_set_password(struct fake_registry *registry,
				const char *password);

void fake_registry_get_counters(struct fake_registry *registry,
				struct fake_registry_counters *ret);
