/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_build: the index of an image that is one object (a SIF, a SquashFS
 * file): from its tables alone, or with every chunk's digest.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>

struct chunk_cache;
struct error;
struct image;

enum object_build_mode {
	OBJECT_BUILD_TABLES,  /* reads the tables and nothing else */
	OBJECT_BUILD_CHECK,   /* reads all of it: does every chunk decode? */
	OBJECT_BUILD_DIGESTS, /* the same, and writes the digests down */
};

struct object_build_options {
	enum object_build_mode mode;
	bool is_packed;		   /* compress sections of the written file */
	struct chunk_cache *cache; /* keep all that is read; NULL: do not */
	bool is_quiet;		   /* no progress */
};

/**
 * object_build_run() - write the index of @image to @fd
 * @image: image_is_object()
 * @fd:    an empty regular file open for reading and writing
 *
 * Return: 0, or as image_load_object() and squashfs_indexer_run().
 */
int object_build_run(struct image *image, int fd,
		     const struct object_build_options *options,
		     struct error *err);
