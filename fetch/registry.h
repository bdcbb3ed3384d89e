/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry: one repository of an OCI registry (OCI distribution-spec v1.1).
 *
 * Reads manifests and small blobs whole, large ones by range.  Authentication:
 * none, Basic, or Bearer tokens (Docker token authentication specification):
 * the challenge is answered when a 401 arrives, tokens are kept per scope,
 * refreshed ahead of their end and after a 401, by one request for all that
 * wait.  Credentials come from credentials.h and go only to the registry and
 * to its token realm (over https, or http on loopback or when insecure), never
 * to a host a blob redirects to.
 *
 * Threads: any; several repositories may share one http_client.
 */
#include "common/cleanup.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_client;
struct range_source;
struct registry;

struct registry_options {
	const char *host;	/* "registry-1.docker.io", "127.0.0.1:5000" */
	const char *auth_key;	/* name in credential files; NULL: same as host;
				   Docker Hub: "docker.io" */
	const char *repository; /* "library/debian" */
	bool allow_http;    /* when https does not work, although the host is
			       not loopback; loopback tries http first unless
			       this is false and the port is 443 */
	int64_t timeout_ms; /* for each call as a whole; 0: 60000 */
};

struct registry_manifest {
	uint8_t *bytes; /* malloc'ed; the caller frees */
	size_t size;
	char media_type[128]; /* the Content-Type, without parameters */
	struct digest digest; /* SHA-256 of the bytes */
};

enum {
	REGISTRY_MANIFEST_SIZE_MAX = 8 << 20,
	REGISTRY_SMALL_BLOB_SIZE_MAX = 32 << 20,
};

/**
 * registry_create() - a handle; nothing is sent yet
 * @client: borrowed; must outlive the registry
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int registry_create(struct http_client *client,
		    const struct registry_options *options,
		    struct registry **ret, struct error *err);

/** registry_destroy() - blobs opened from it must be destroyed before */
void registry_destroy(struct registry *registry);
DEFINE_CLEANUP(struct registry, registry_destroy);

/**
 * registry_fetch_manifest() - by tag or digest
 * @reference: "latest" or "sha256:..."; by digest the bytes are checked
 *
 * Asks for OCI and Docker schema-2 manifests and indexes.
 *
 * Return: 0; -ENOENT (no such image: @err says name and tag), -EACCES
 * (credentials missing or refused: @err says where they were looked for),
 * -EBADMSG (digest), -EPROTO, -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH,
 * -EKEYREJECTED, -EBUSY (429 until the deadline), -EIO (5xx), -ENOMEM.
 */
int registry_fetch_manifest(struct registry *registry, const char *reference,
			    struct registry_manifest *ret, struct error *err);

/**
 * registry_fetch_blob() - a small blob whole, checked against its digest
 * @size: from the descriptor; at most REGISTRY_SMALL_BLOB_SIZE_MAX
 * @ret:  malloc'ed, NUL-terminated behind @size; the caller frees
 *
 * Return: as registry_fetch_manifest().
 */
int registry_fetch_blob(struct registry *registry, const struct digest *digest,
			uint64_t size, uint8_t **ret, struct error *err);

/**
 * registry_has_blob() - whether the registry has a blob already
 *
 * Return: 1, 0, or as registry_fetch_manifest().
 */
int registry_has_blob(struct registry *registry, const struct digest *digest,
		      struct error *err);

/**
 * registry_push_blob() - upload a blob, in one piece, unless it is there
 * @data: borrowed for the call
 *
 * Return: as registry_fetch_manifest(), or -EROFS (takes no uploads).
 */
int registry_push_blob(struct registry *registry, const struct digest *digest,
		       const void *data, size_t size, struct error *err);

enum {
	REGISTRY_PUSHED = 0,
	/* and it lists it among the referrers of its subject */
	REGISTRY_PUSHED_LISTED = 1,
};

/**
 * registry_push_manifest() - upload a manifest or an index
 * @reference:  its digest, or a tag
 * @media_type: a literal
 *
 * Return: REGISTRY_PUSHED, REGISTRY_PUSHED_LISTED, or as registry_push_blob().
 */
int registry_push_manifest(struct registry *registry, const char *reference,
			   const char *media_type, const void *data,
			   size_t size, struct error *err);

/**
 * registry_fetch_referrers() - the index of what refers to a manifest
 * @ret: as of registry_fetch_manifest()
 *
 * By the referrers API (OCI distribution-spec v1.1); a registry that does not
 * have it (404) is asked for the tag "sha256-<hex>" instead.
 *
 * Return: as registry_fetch_manifest(); -ENOENT: there are none.
 */
int registry_fetch_referrers(struct registry *registry,
			     const struct digest *subject,
			     struct registry_manifest *ret, struct error *err);

/** registry_format_referrers_tag() - "sha256-<hex>", where a client lists
 * referrers for registries that do not */
void registry_format_referrers_tag(const struct digest *subject,
				   char ret[DIGEST_TEXT_SIZE]);

/**
 * registry_open_blob() - a blob to be read by ranges; nothing is sent yet
 *
 * The first range resolves the registry's redirect; later ones go straight to
 * the storage URL until it expires, then the registry is asked again.
 * Retries: connection faults, 5xx, 429 (Retry-After), with growing, jittered
 * delays until the fetch's deadline.  A server that ignores ranges (200) is
 * -EPROTO, said once in words.
 */
int registry_open_blob(struct registry *registry, const struct digest *digest,
		       uint64_t size, struct range_source **ret,
		       struct error *err);
