/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_memory: which manifest a name meant, for a platform, as the cache of
 * the node remembers it (resolve_cache.h).
 *
 * A name is a reference, a digest, or an object with the index it was compared
 * with.  Digests mean the same for ever, other names for a time.
 *
 * Threads: any; no shared state.
 */
#include "common/digest.h"

#include <stdbool.h>

struct image_ref;
struct platform;

struct image_memory {
	int cache_dir_fd;   /* borrowed; -1: nothing is remembered */
	unsigned tag_ttl_s; /* how long names are believed */
};

/** image_memory_load() - what the reference meant; false: not known */
bool image_memory_load(const struct image_memory *memory,
		       const struct image_ref *ref,
		       const struct platform *platform, struct digest *ret);

/** image_memory_load_name() - the same of any other name */
bool image_memory_load_name(const struct image_memory *memory, const char *name,
			    const struct platform *platform,
			    struct digest *ret);

/**
 * image_memory_store() - remember, as of now
 * @top:    of the document that the reference names, perhaps an index
 * @digest: of the platform's manifest
 *
 * Either digest is known from now on too, for people copy both.  That it could
 * not be stored costs a round trip the next time, and is not said.
 */
void image_memory_store(const struct image_memory *memory,
			const struct image_ref *ref,
			const struct platform *platform,
			const struct digest *top, const struct digest *digest);

/** image_memory_store_name() - the same of any other name */
void image_memory_store_name(const struct image_memory *memory,
			     const char *name, const struct platform *platform,
			     const struct digest *digest);
