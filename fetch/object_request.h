/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_request: one range of an object, asked for until it is there or its
 * time is over.
 *
 * In rounds over the object's servers, as object_choose_server() has them.
 * What a server does wrong sends the request to the next one at once; after a
 * round without success it waits (retry_policy.h) for the next round.  Time is
 * counted from the body's progress: headers may come at once from a cache whose
 * origin hangs (XRootD, 206 and then nothing).
 *
 *	no byte for 2 s, or less than 64 KiB in 5 s	the next server is asked
 *							too, or the same again
 *							by a new connection;
 *							the first wins
 *	no byte for 8 s					given up
 *
 * Threads: start() any; everything else happens on the network thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_response;
struct object;

struct object_request_spec {
	uint64_t off;
	size_t size;
	int64_t deadline_ms;
	unsigned rounds_max; /* 0: until the deadline */
	/* Atomic; set when nobody wants the answer any more.  NULL: never. */
	const bool *is_abandoned;
};

/*
 * @result: 0 with @response (206, of the object: object_accept()), or
 *   -ENOENT, -EACCES, -ENOTSUP (no ranges), -ESTALE: every server says so ·
 *   -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -EKEYREJECTED, -EPROTO, -EIO:
 *   what the last one did · -ECANCELED · -ENOMEM
 */
typedef void object_request_fn(void *arg, int result,
			       struct http_response *response,
			       const struct error *err);

/**
 * object_request_start() - begin
 *
 * Return: 0 and `done` will be called once, on the network thread; or -ENOMEM,
 * -EAGAIN, -ECANCELED, and it will not.
 */
int object_request_start(struct object *object,
			 const struct object_request_spec *spec,
			 object_request_fn *done, void *arg);
