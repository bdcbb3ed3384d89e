/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pelican_header: what a Pelican director says in its answer's headers.
 *
 *	X-Pelican-Namespace: namespace=/ns, require-token=true,
 *collections-url=U X-Pelican-Authorization: issuer=https://a, issuer=https://b
 *	X-Pelican-Token-Generation: issuer=https://a, max-scope-depth=3,
 *		strategy=OAuth2, base-path=/ns
 *	Link: as link_header.h has it
 *
 * Lists may come in one header or in several lines.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>
#include <stddef.h>

struct http_response;

enum {
	PELICAN_HEADER_SERVERS_MAX = 6, /* a director sends no more */
	PELICAN_HEADER_ISSUERS_MAX = 8,
	PELICAN_HEADER_BASE_PATHS_MAX = 8,
	PELICAN_HEADER_TEXT_SIZE = 512,
	PELICAN_HEADER_PATH_SIZE = 1024,
};

/* One list of "name=value". */
struct pelican_header_pair {
	char name[64];
	char value[PELICAN_HEADER_PATH_SIZE];
};

enum {
	PELICAN_HEADER_FOUND = 0,
	PELICAN_HEADER_END = 1,
};

/** pelican_header_next() - the next pair of a comma list; what is malformed or
 * too long is passed over */
int pelican_header_next(const char **cursor, struct pelican_header_pair *ret);

/* What a director says of a namespace and who issues tokens for it. */
struct pelican_namespace {
	char path[PELICAN_HEADER_PATH_SIZE]; /* "" when not told */
	bool requires_token;
	unsigned issuer_count;
	char issuers[PELICAN_HEADER_ISSUERS_MAX][PELICAN_HEADER_TEXT_SIZE];
	unsigned base_path_count;
	char base_paths[PELICAN_HEADER_BASE_PATHS_MAX]
		       [PELICAN_HEADER_PATH_SIZE];
};

/** pelican_header_read_namespace() - from an answer that kept its headers */
void pelican_header_read_namespace(const struct http_response *response,
				   struct pelican_namespace *ret);

struct pelican_servers {
	unsigned count;
	char *urls[PELICAN_HEADER_SERVERS_MAX]; /* owned; the best first */
};

void pelican_servers_fini(struct pelican_servers *servers);

/**
 * pelican_header_read_servers() - the duplicates in Link, else the Location
 *
 * Each URL once, by pri.  A Location's query holds the reader's token and is
 * cut off.  Return: 0 (with a count of 0 when there is none) or -ENOMEM.
 */
int pelican_header_read_servers(const struct http_response *response,
				struct pelican_servers *ret);
