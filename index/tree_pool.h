/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree_pool: byte strings, each kept once and named by a number.
 *
 * Equal strings have equal numbers, so names, symlink targets, owners and
 * sets of extended attributes are compared and stored as 4 bytes.  Nothing is
 * ever removed.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"

#include <stddef.h>
#include <stdint.h>

#define TREE_POOL_NONE UINT32_MAX /* larger than an enum allows */

struct tree_pool {
	struct buffer bytes;
	struct buffer items; /* struct tree_pool_item, by number */
	uint32_t *slots;     /* open addressing; numbers, or TREE_POOL_NONE */
	uint32_t slot_count; /* a power of two, or 0 */
};

void tree_pool_init(struct tree_pool *pool);
void tree_pool_fini(struct tree_pool *pool);

/** tree_pool_count() - strings kept; their numbers are 0 to count - 1 */
uint32_t tree_pool_count(const struct tree_pool *pool);

/** tree_pool_find() - the number of a string; TREE_POOL_NONE when absent */
uint32_t tree_pool_find(const struct tree_pool *pool, const void *data,
			size_t size);

/**
 * tree_pool_put() - the number of a string, added when absent
 *
 * Return: 0, -EFBIG (over 1 GiB in all), -ENOMEM.
 */
int tree_pool_put(struct tree_pool *pool, const void *data, size_t size,
		  uint32_t *ret_number);

/** tree_pool_at() - a string; valid until the next tree_pool_put() */
const uint8_t *tree_pool_at(const struct tree_pool *pool, uint32_t number,
			    size_t *ret_size);
