/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_request: one manifest, blob or range of a blob, asked for until it
 * is there or its time is over.
 *
 * In between it answers challenges, follows redirects (never taking
 * credentials along), comes back from a storage URL that has expired, and
 * retries what may pass: broken connections, 408, 429, 5xx.
 *
 * Threads: start() any; everything else happens on the network thread.
 */
#include "fetch/http_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct registry_redirect;
struct registry_endpoint;

struct registry_request_spec {
	enum http_method method;
	const char *kind;      /* "manifests" or "blobs"; a literal */
	const char *reference; /* tag or digest, or "" for none; copied */
	const char *url;       /* instead of these two: where an upload goes, as
				  the registry said; copied */
	const void *upload;    /* HTTP_PUT; borrowed until the end */
	size_t upload_size;
	const char *content_type; /* of the upload; a literal */
	bool keeps_headers;
	const char *accept; /* NULL: anything; a literal */
	bool has_range;	    /* exactly these bytes, status 206 */
	uint64_t range_off;
	uint64_t range_size;
	uint64_t range_total;
	size_t body_size_max;
	int64_t deadline_ms;
	/* Somebody's mount hangs on it: a registry that cannot be reached is
	 * tried until the deadline, not only twice more. */
	bool is_patient;
	/* Where blobs of this reference were found last; NULL: not kept.
	 * Belongs to the network thread and outlives the request. */
	struct registry_redirect *redirect;
	/* Atomic; set when nobody wants the answer any more.  NULL: never. */
	const bool *is_abandoned;
	bool use_fresh_connection;
	/* Of a range; NULL: none.  After another try it begins anew. */
	http_progress_fn *progress;
};

/*
 * @result: 0 with @response (200, or 206 for a range, or 201 or 202 for
 *   HTTP_POST and HTTP_PUT), or as
 *   registry_fetch_manifest() in registry.h, with @err set.
 */
typedef void registry_request_fn(void *arg, int result,
				 struct http_response *response,
				 const struct error *err);

/**
 * registry_request_start() - begin
 *
 * Return: 0 and `done` will be called once, on the network thread; or -ENOMEM,
 * -EAGAIN, -ECANCELED, and it will not.
 */
int registry_request_start(struct registry_endpoint *endpoint,
			   const struct registry_request_spec *spec,
			   registry_request_fn *done, void *arg);
