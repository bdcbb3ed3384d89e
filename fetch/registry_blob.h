/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_blob: a blob of a registry as a range_source.  registry_open_blob()
 * in registry.h makes one.
 *
 * Threads: as range_source.h.
 */
#include <stdint.h>

struct digest;
struct range_source;
struct registry_endpoint;

/** registry_blob_create() - takes a reference to @endpoint; NULL: no memory */
struct range_source *registry_blob_create(struct registry_endpoint *endpoint,
					  const struct digest *digest,
					  uint64_t size);
