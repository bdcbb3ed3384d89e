/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_test_image: an image of one uncompressed layer in memory, its index in a
 * temporary file, and a loader over a source that a test can hold and spoil.
 *
 * Failures of the doubles themselves abort.  Threads: one, and the loader's.
 */
#include "common/digest.h"

#include <stddef.h>
#include <stdint.h>

struct chunk_cache;
struct chunk_loader;
struct index_file;
struct range_source;
struct tree_entry;

enum {
	FS_TEST_IMAGE_CHUNK_SIZE = 64 << 10,
	/* of an image with a cache: large enough to stay in its files */
	FS_TEST_IMAGE_CACHED_CHUNK_SIZE = 200 << 10,
};

struct fs_test_image {
	struct index_file *index;    /* after fs_test_image_open() */
	struct chunk_loader *loader; /* likewise */
	struct digest digest;	     /* of the manifest */
	/* set before fs_test_image_open(), borrowed; NULL: none */
	struct chunk_cache *cache;

	struct tree *tree;
	uint8_t *layer; /* all files' bytes */
	uint64_t layer_size;
	uint64_t layer_capacity;
	struct range_source *source;
	int fd;
};

struct fs_test_image *fs_test_image_create(void);

/** fs_test_image_destroy() - fetches that wait are answered first */
void fs_test_image_destroy(struct fs_test_image *image);

/** fs_test_image_add() - one entry, as tree_add() takes it */
void fs_test_image_add(struct fs_test_image *image,
		       const struct tree_entry *entry);

/** fs_test_image_add_bytes() - to the layer; where they begin in it */
uint64_t fs_test_image_add_bytes(struct fs_test_image *image, const void *data,
				 size_t size);

/** fs_test_image_add_file() - a regular file with these bytes */
void fs_test_image_add_file(struct fs_test_image *image, const char *path,
			    const void *data, size_t size);

/** fs_test_image_open() - write and open the index, make the loader */
void fs_test_image_open(struct fs_test_image *image);

/** fs_test_image_hold() - fetches wait from now on */
void fs_test_image_hold(struct fs_test_image *image);

/** fs_test_image_release() - answer what waits, and all further fetches */
void fs_test_image_release(struct fs_test_image *image);

/** fs_test_image_wait_held() - until so many fetches wait */
void fs_test_image_wait_held(struct fs_test_image *image, unsigned count);

/** fs_test_image_spoil() - flip the layer's byte at @off behind the digest */
void fs_test_image_spoil(struct fs_test_image *image, uint64_t off);

/** fs_test_image_fill() - bytes that differ from place to place */
void fs_test_image_fill(void *data, size_t size, uint32_t seed);
