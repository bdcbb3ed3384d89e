/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * entry_list: a layer's entries, kept until the layers below it are merged.
 *
 * Entries are copied into blocks that only ever grow, about 200 bytes each.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct entry_list; /* opaque */
struct tree_entry;

/**
 * entry_list_create() - an empty list
 * @size_max: bytes that it may allocate, in blocks of 256 KiB
 *
 * Return: NULL when out of memory.
 */
struct entry_list *entry_list_create(uint64_t size_max);
void entry_list_destroy(struct entry_list *list);
DEFINE_CLEANUP(struct entry_list, entry_list_destroy);

/**
 * entry_list_add() - copy an entry, with all it points to, to the end
 *
 * Return: 0, -EFBIG (past size_max), -ENOMEM; unchanged on failure.
 */
int entry_list_add(struct entry_list *list, const struct tree_entry *entry);

/** entry_list_count() - entries in the list */
uint64_t entry_list_count(const struct entry_list *list);

/**
 * entry_list_next() - walk the list in the order of adding
 * @before: an entry of this list, or NULL for the first
 *
 * Return: the entry after @before, valid as long as the list; NULL after the
 * last.
 */
const struct tree_entry *entry_list_next(const struct entry_list *list,
					 const struct tree_entry *before);
