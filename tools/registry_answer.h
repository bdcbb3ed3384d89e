/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_answer: the answer to one request of the registry API, made from
 * the layouts of a catalog.  Knows nothing of sockets.
 *
 * Files are only ever opened by digest, below the layout that the catalog has
 * for the name: nothing of a request's path becomes part of a file's.
 *
 * Threads: any.  Blocks only on the disk.
 */
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct registry_catalog;

/* Strings are borrowed; NULL when the request has none. */
struct registry_request {
	const char *path;	   /* percent-decoded, without the query */
	const char *range;	   /* Range; only for GET */
	const char *if_range;	   /* If-Range */
	const char *count;	   /* query "n" */
	const char *last;	   /* query "last" */
	const char *artifact_type; /* query "artifactType" */
};

enum {
	REGISTRY_ANSWER_TYPE_SIZE = 256,
	REGISTRY_ANSWER_LINK_SIZE = 1024,
};

struct registry_answer {
	unsigned status; /* HTTP's */
	char content_type[REGISTRY_ANSWER_TYPE_SIZE];
	char digest[DIGEST_TEXT_SIZE];	      /* "" for what has none */
	char link[REGISTRY_ANSWER_LINK_SIZE]; /* Link header, or "" */
	bool is_filtered;		      /* by artifact_type */
	char *body;	/* malloc'ed, when there is no file; NULL: empty */
	int fd;		/* owned; -1 when the body is in memory */
	uint64_t off;	/* of the body within the file */
	uint64_t size;	/* of the body */
	uint64_t total; /* file: its size, for Content-Range */
};

/** registry_answer_make() - 200, 206, or an error with the spec's JSON body;
 * registry_answer_fini() releases @ret */
void registry_answer_make(const struct registry_catalog *catalog,
			  const struct registry_request *request,
			  struct registry_answer *ret);

/** registry_answer_refuse() - an error of this status and code */
void registry_answer_refuse(struct registry_answer *answer, unsigned status,
			    const char *code, const char *message);
void registry_answer_fini(struct registry_answer *answer);
