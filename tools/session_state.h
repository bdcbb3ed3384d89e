/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * session_state: what a session holds; for session*.c.
 */
#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk_cache;
struct chunk_loader;
struct chunk_touches;
struct common_options;
struct http_client;
struct image;
struct index_file;
struct object_index_search;
struct range_source;
struct tag_check;
struct trace;

struct session {
	const struct common_options *options; /* borrowed */
	struct trace *trace;		      /* NULL without --trace */
	struct chunk_cache *cache;
	struct http_client *http; /* made when first needed; atomic: by the
				     image, perhaps on another thread */
	struct image *image;
	char *index_path; /* of --index, or found beside an object; NULL */
	int index_fd;
	struct index_file *index;
	struct object_index_search
		*search; /* while the image opens; else NULL */
	/* Why nobody could say whether an index lies beside the object; code 0:
	 * somebody could, or it was not asked */
	struct error index_doubt;
	bool has_built_index; /* now, and not found */
	bool has_stub_index;  /* index is the stub's own */
	struct range_source **sources;
	uint32_t source_count;
	struct chunk_touches *touches;
	struct chunk_loader *loader;
	struct tag_check *check; /* of an assumed image, under way; else NULL */
};
