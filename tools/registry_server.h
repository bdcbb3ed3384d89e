/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_server: a read-only OCI registry over OCI layout directories
 * (OCI distribution-spec v1.1, pull and content discovery), for the demo, for
 * tests, and for handing images to a small cluster.
 *
 * Speaks plain HTTP and knows no users: on loopback unless told otherwise.
 * Serves manifests by tag and digest, blobs whole and by closed, open and
 * suffix single ranges (several ranges at once are answered with the whole,
 * as large storages do), tags/list, _catalog and referrers.
 *
 * Threads: any may call; the server has a bounded pool of its own (one thread
 * a connection when it is to be slow).
 */
#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct error;
struct registry_catalog;
struct registry_server;

enum { REGISTRY_SERVER_DELAY_MS_MAX = 60000 };

struct registry_server_options {
	const char *const *roots; /* directories, see registry_catalog.h */
	size_t root_count;
	const char *address; /* numeric; NULL: 127.0.0.1 */
	uint16_t port;	     /* 0: any that is free */
	int log_fd;	     /* a line a request; -1: none; stays the
				caller's, must outlive the server */
	unsigned delay_ms;   /* before each answer; for tests and demos */
	uint64_t rate;	     /* bytes a second of each blob answer; 0: as fast
				as it goes */
};

struct registry_server_counters {
	uint64_t requests;
	uint64_t manifest_requests; /* GET and HEAD */
	uint64_t blob_requests;	    /* GET and HEAD */
	uint64_t range_requests;    /* answered with 206 */
	uint64_t failures;	    /* answered with 400 or above */
	uint64_t body_bytes;	    /* promised in answers to GET */
};

/**
 * registry_server_start() - serve until registry_server_stop()
 * @options: borrowed for the call
 *
 * Log line: "METHOD PATH RANGE STATUS BYTES", RANGE as "bytes=0-99" or "-",
 * BYTES of the body; written before the first byte is sent, by one write(2).
 *
 * Return: 0; as registry_catalog_create(); -ELIBACC (no libmicrohttpd);
 * -EINVAL (address); -EADDRINUSE, -EADDRNOTAVAIL, -EACCES and what else bind
 * says; -EAGAIN (no thread); -ENOMEM.
 */
int registry_server_start(const struct registry_server_options *options,
			  struct registry_server **ret, struct error *err);

/** registry_server_stop() - end connections and threads; NULL is allowed */
void registry_server_stop(struct registry_server *server);
DEFINE_CLEANUP(struct registry_server, registry_server_stop);

/** registry_server_port() - that it listens on */
uint16_t registry_server_port(const struct registry_server *server);

/** registry_server_catalog() - what it serves; borrowed */
const struct registry_catalog *registry_server_catalog(
	const struct registry_server *server);

void registry_server_get_counters(const struct registry_server *server,
				  struct registry_server_counters *ret);
