/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tar_listing: an archive in memory read by tar_reader into an entry_list, and
 * a file's bytes put together from where tar_reader says they lie.
 *
 * Each block handed to the reader is a copy that is freed at the next call, so
 * that a sanitizer sees any use of a block that is over.
 */
#include <stddef.h>
#include <stdint.h>

struct entry_list;
struct error;
struct tree_entry;

/**
 * tar_listing_read() - read an archive
 * @block_size: bytes handed out at a time, at least 1
 * @list:       where entries are added
 *
 * Return: what tar_reader_read() says.
 */
int tar_listing_read(const void *data, size_t size, size_t block_size,
		     struct entry_list *list, struct error *err);

/** tar_listing_find() - the last entry with that path; NULL: none */
const struct tree_entry *tar_listing_find(const struct entry_list *list,
					  const char *path);

/**
 * tar_listing_content() - a file's bytes, holes as zeros
 * @data: the archive; aborts when an extent leaves it or the file
 *
 * Return: entry->size bytes for free().
 */
uint8_t *tar_listing_content(const struct tree_entry *entry, const void *data,
			     size_t size);
