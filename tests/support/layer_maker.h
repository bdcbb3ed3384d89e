/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layer_maker: layers in memory, with their digests, for the index builder.
 */
#include "index/index_builder.h"

#include <stddef.h>
#include <stdint.h>

struct tar_maker;

struct layer_maker {
	uint8_t *stored; /* owned: the blob as a registry has it */
	size_t stored_size;
	struct index_builder_layer layer; /* what the manifest says of it */
};

/** layer_maker_init_tar() - the archive as it is */
void layer_maker_init_tar(struct layer_maker *maker,
			  const struct tar_maker *tar);

/**
 * layer_maker_init_gzip() - the archive compressed
 * @member_size: raw bytes of each gzip member; 0: one member
 */
void layer_maker_init_gzip(struct layer_maker *maker,
			   const struct tar_maker *tar, size_t member_size);

void layer_maker_fini(struct layer_maker *maker);

/**
 * layer_maker_fill() - bytes that compress like program text, 3 to 1 or so
 * @seed: the same seed gives the same bytes
 */
void layer_maker_fill(void *ret_data, size_t size, unsigned seed);

/**
 * layer_maker_add_files() - @count files below @folder, of sizes up to
 * @size_max, filled by layer_maker_fill()
 */
void layer_maker_add_files(struct tar_maker *tar, const char *folder,
			   unsigned count, size_t size_max);
