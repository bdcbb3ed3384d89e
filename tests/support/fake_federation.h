/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fake_federation: a Pelican federation on loopback for tests, over fake_http:
 * a host with the discovery document and the director, three caches, an origin,
 * each with faults on request.
 *
 * The namespace is "/ns".  Its one object may have other bytes at every place.
 *
 * Threads: any.
 */
#include "tests/support/fake_http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_federation;

enum fake_seat {
	FAKE_SEAT_DISCOVERY,
	FAKE_SEAT_DIRECTOR,
	FAKE_SEAT_CACHE_A, /* the director's first */
	FAKE_SEAT_CACHE_B,
	FAKE_SEAT_CACHE_C,
	FAKE_SEAT_ORIGIN,
	FAKE_SEAT_COUNT,
};

struct fake_federation_options {
	unsigned cache_count; /* 0: three */
	bool requires_token;  /* says the director */
	const char *token;    /* that the servers take; NULL: any or none */
	const char *issuer;   /* NULL: none told; literals */
	bool lacks_director;  /* the host is a lone origin */
	bool lacks_link;      /* Location alone, with the token in its query */
	bool lacks_direct;    /* 405 to directread */
	bool lacks_server;    /* no "Server: pelican/..." */
	bool redirects_to_other; /* origin and caches: to host "localhost" */
};

/** fake_federation_start() - NULL when it cannot; options are copied */
struct fake_federation *fake_federation_start(
	const struct fake_federation_options *options);
void fake_federation_stop(struct fake_federation *federation);

/** fake_federation_host() - "127.0.0.1:PORT" */
const char *fake_federation_host(const struct fake_federation *federation);

/** fake_federation_server() - "http://127.0.0.1:PORT" of a seat */
void fake_federation_server(const struct fake_federation *federation,
			    enum fake_seat seat, char ret[64]);

/** fake_federation_set_object() - the bytes of /ns/... at a seat; borrowed;
 * NULL: 404 */
void fake_federation_set_object(struct fake_federation *federation,
				enum fake_seat seat, const void *data,
				size_t size);

/** fake_federation_set_token() - what the servers take from now on */
void fake_federation_set_token(struct fake_federation *federation,
			       const char *token);

/** fake_federation_fail() - spoil the next @count answers of a seat */
void fake_federation_fail(struct fake_federation *federation,
			  enum fake_seat seat, enum fake_fault fault,
			  unsigned count, int status);

/** fake_federation_requests() - that came to a seat; faults included */
unsigned fake_federation_requests(struct fake_federation *federation,
				  enum fake_seat seat);

/** fake_federation_authorizations() - of them, those with a token */
unsigned fake_federation_authorizations(struct fake_federation *federation,
					enum fake_seat seat);
