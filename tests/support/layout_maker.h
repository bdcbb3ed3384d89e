/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layout_maker: small OCI image layouts on disk.  Everything aborts on failure.
 */
#include "common/digest.h"

#include <stddef.h>

enum { LAYOUT_MAKER_PATH_SIZE = 512, LAYOUT_MAKER_TEXT_SIZE = 1 << 14 };

/* A blob as descriptors name it. */
struct layout_maker_blob {
	const char *media_type; /* borrowed */
	struct digest digest;
	size_t size;
};

struct layout_maker {
	char path[LAYOUT_MAKER_PATH_SIZE];
	char entries[LAYOUT_MAKER_TEXT_SIZE]; /* of index.json */
};

/** layout_maker_init() - make the directory and an empty layout in it */
void layout_maker_init(struct layout_maker *maker, const char *path);

void layout_maker_add_blob(const struct layout_maker *maker,
			   const char *media_type, const void *data,
			   size_t size, struct layout_maker_blob *ret);

/** layout_maker_add_layer() - one uncompressed layer (these bytes), a
 * configuration and the manifest, which is returned */
void layout_maker_add_layer(const struct layout_maker *maker,
			    const char *architecture, const void *layer,
			    size_t size, struct layout_maker_blob *ret);

/** layout_maker_add_image() - the same of a text, which is no real tar */
void layout_maker_add_image(const struct layout_maker *maker,
			    const char *architecture, const char *layer,
			    struct layout_maker_blob *ret);

/** layout_maker_add_list() - an index of two linux images */
void layout_maker_add_list(const struct layout_maker *maker,
			   const char *architecture_a,
			   const struct layout_maker_blob *a,
			   const char *architecture_b,
			   const struct layout_maker_blob *b,
			   struct layout_maker_blob *ret);

/** layout_maker_name() - put a blob in index.json; @tag may be NULL */
void layout_maker_name(struct layout_maker *maker,
		       const struct layout_maker_blob *blob, const char *tag);

/** layout_maker_write() - replace a file; @name relative to the layout */
void layout_maker_write(const struct layout_maker *maker, const char *name,
			const void *data, size_t size);
