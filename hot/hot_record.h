/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_record: which files of an image runs have read, a bit for each inode.
 *
 * Threads: add and has from any; the rest one at a time.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

struct hot_record {
	uint32_t inode_count; /* of the index: numbers 1 to inode_count */
	uint64_t *words;      /* owned; atomic, relaxed */
};

/** hot_record_create() - empty; NULL when out of memory */
struct hot_record *hot_record_create(uint32_t inode_count);
void hot_record_destroy(struct hot_record *record);
DEFINE_CLEANUP(struct hot_record, hot_record_destroy);

/** hot_record_add() - @inode was read; numbers that are none are ignored */
void hot_record_add(struct hot_record *record, uint32_t inode);
void hot_record_remove(struct hot_record *record, uint32_t inode);
bool hot_record_has(const struct hot_record *record, uint32_t inode);

/** hot_record_next() - the first inode behind @inode that has a bit; 0 at the
 * end.  Start with 0. */
uint32_t hot_record_next(const struct hot_record *record, uint32_t inode);

/**
 * hot_record_load() - add what a file has
 *
 * Return: 0; -ENOENT; -EBADMSG (damaged, or of another index): nothing was
 * added, and the file may be replaced; or the read's errno.
 */
int hot_record_load(struct hot_record *record, int dir_fd, const char *path,
		    uint64_t index_hash);

/** hot_record_save() - replace the file; 0 or as io_write_file_atomic() */
int hot_record_save(const struct hot_record *record, int dir_fd,
		    const char *path, uint64_t index_hash, struct error *err);
