/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_index_search: the question whether an index lies beside an object at a
 * URL (object_index_fetch()), asked while the object itself is being found, so
 * that it costs no round trip of its own.
 *
 * Threads: the owner's; one of its own, "index-search", from start to end.
 */
#include "common/cleanup.h"

struct digest;
struct error;
struct image_ref;
struct object_index_search;
struct object_source_options;

/**
 * object_index_search_start() - ask
 * @ref, @options: borrowed until end() or destroy(); object_index_fetch()'s
 *
 * Returns once the servers are known (or cannot be found): what was learnt of
 * them is remembered, and whoever asks for the object then asks no director.
 *
 * Return: 0, -EAGAIN (no thread), -ENOMEM.
 */
int object_index_search_start(const struct image_ref *ref,
			      const struct object_source_options *options,
			      int cache_dir_fd,
			      struct object_index_search **ret,
			      struct error *err);

/** object_index_search_end() - the answer, as of object_index_fetch(); waits */
int object_index_search_end(struct object_index_search *search,
			    struct digest *ret, struct error *err);

/** object_index_search_destroy() - waits, when nobody did; NULL allowed */
void object_index_search_destroy(struct object_index_search *search);
DEFINE_CLEANUP(struct object_index_search, object_index_search_destroy);
