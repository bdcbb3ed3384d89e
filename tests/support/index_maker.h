/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_maker: small indexes for tests, from entries and made-up layers.
 *
 * Each layer has INDEX_MAKER_CHUNK_COUNT chunks of INDEX_MAKER_CHUNK_SIZE raw
 * bytes; all but the first have a window.  Nothing lies behind them.
 *
 * Failures of the double itself abort.  Threads: one.
 */
#include "index/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_file;
struct index_maker; /* opaque */

enum {
	INDEX_MAKER_LAYER_COUNT_MAX = 8,
	INDEX_MAKER_CHUNK_COUNT = 4,
	INDEX_MAKER_CHUNK_SIZE = 4096,
	INDEX_MAKER_STORED_SIZE = 1000, /* of each chunk */
	INDEX_MAKER_WINDOW_SIZE = 50,
};

struct index_maker *index_maker_create(void);
void index_maker_destroy(struct index_maker *maker);

/** index_maker_begin_layer() - what is added next comes from the next layer */
void index_maker_begin_layer(struct index_maker *maker);

/** index_maker_add() - one entry; what tree_add() said */
int index_maker_add(struct index_maker *maker, const struct tree_entry *entry);

/** index_maker_add_path() - an entry that has only these; must succeed
 * @mode: its type; a regular file is empty, a symlink leads to "target" */
void index_maker_add_path(struct index_maker *maker, const char *path,
			  uint32_t mode);

/** index_maker_add_link() - a hard link; must succeed */
void index_maker_add_link(struct index_maker *maker, const char *path,
			  const char *target);

/** index_maker_add_symlink() - must succeed */
void index_maker_add_symlink(struct index_maker *maker, const char *path,
			     const char *target);

/** index_maker_add_file() - with bytes that are looked at for hints, in the
 * chunk of its layer with number @chunk; must succeed
 * @size: at most INDEX_MAKER_CHUNK_SIZE */
void index_maker_add_file(struct index_maker *maker, const char *path,
			  const void *data, size_t size, uint32_t chunk);

/** index_maker_add_all() - an entry of every kind, over two layers */
void index_maker_add_all(struct index_maker *maker);

/** index_maker_write() - the index as a file in memory; the caller closes it */
int index_maker_write(struct index_maker *maker, bool is_packed);

/** index_maker_open() - the same opened and checked whole; the maker owns it */
struct index_file *index_maker_open(struct index_maker *maker);

/** index_maker_list() - the tree as text, for free(): a line for each name,
 * in order, "TYPE MODE LINKS PATH", then " -> TARGET" of a symlink */
char *index_maker_list(struct index_maker *maker);

/** index_maker_reseal() - make all checksums of a changed index right again
 *
 * Leaves alone what is so wrong that there are no sections to be found.
 */
void index_maker_reseal(int fd);

/** index_maker_from_bytes() - a file in memory with these bytes */
int index_maker_from_bytes(const void *data, size_t size);

/** index_maker_to_bytes() - a file's bytes, for free() */
uint8_t *index_maker_to_bytes(int fd, size_t *ret_size);

/** index_maker_walk() - call every accessor for everything there is
 *
 * Aborts when an answer breaks index_file.h's promises.  Return: how many
 * answers were good.
 */
uint64_t index_maker_walk(const struct index_file *index);
