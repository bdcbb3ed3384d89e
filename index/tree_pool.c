/* SPDX-License-Identifier: Apache-2.0 */
#include "index/tree_pool.h"

#include "common/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SIZE_MAX_ALL = 1 << 30,
	SLOT_COUNT_FIRST = 64,
};

struct tree_pool_item {
	uint32_t off; /* in bytes */
	uint32_t size;
};

static const struct tree_pool_item *item_at(const struct tree_pool *pool,
					    uint32_t number)
{
	assert(number < tree_pool_count(pool));
	return (const struct tree_pool_item *)pool->items.data + number;
}

/* The slot that holds the string, or the empty one where it belongs. */
static uint32_t find_slot(const struct tree_pool *pool, const void *data,
			  size_t size)
{
	uint32_t mask = pool->slot_count - 1;
	uint32_t slot = (uint32_t)hash_xxh3(data, size) & mask;

	while (pool->slots[slot] != TREE_POOL_NONE) {
		const struct tree_pool_item *item =
			item_at(pool, pool->slots[slot]);

		if (item->size == size &&
		    memcmp(pool->bytes.data + item->off, data, size) == 0)
			break;
		slot = (slot + 1) & mask;
	}
	return slot;
}

/* Makes room for one more string while a third of the slots stays empty. */
static int grow_slots(struct tree_pool *pool)
{
	uint32_t count = tree_pool_count(pool);
	uint32_t slot_count = pool->slot_count;
	uint32_t *old = pool->slots;

	if (count < slot_count / 3 * 2)
		return 0;
	slot_count = slot_count ? slot_count * 2 : SLOT_COUNT_FIRST;
	pool->slots = malloc(slot_count * sizeof(*pool->slots));
	if (!pool->slots) {
		pool->slots = old;
		return -ENOMEM;
	}
	free(old);
	pool->slot_count = slot_count;
	memset(pool->slots, 0xff, slot_count * sizeof(*pool->slots));
	for (uint32_t i = 0; i < count; i++) {
		const struct tree_pool_item *item = item_at(pool, i);

		pool->slots[find_slot(pool, pool->bytes.data + item->off,
				      item->size)] = i;
	}
	return 0;
}

void tree_pool_init(struct tree_pool *pool)
{
	*pool = (struct tree_pool){
		.bytes = BUFFER_INIT(SIZE_MAX_ALL),
		.items = BUFFER_INIT(SIZE_MAX_ALL),
	};
}

void tree_pool_fini(struct tree_pool *pool)
{
	buffer_fini(&pool->bytes);
	buffer_fini(&pool->items);
	free(pool->slots);
	pool->slots = NULL;
	pool->slot_count = 0;
}

uint32_t tree_pool_count(const struct tree_pool *pool)
{
	return (uint32_t)(pool->items.size / sizeof(struct tree_pool_item));
}

uint32_t tree_pool_find(const struct tree_pool *pool, const void *data,
			size_t size)
{
	if (pool->slot_count == 0)
		return TREE_POOL_NONE;
	return pool->slots[find_slot(pool, data, size)];
}

int tree_pool_put(struct tree_pool *pool, const void *data, size_t size,
		  uint32_t *ret_number)
{
	struct tree_pool_item item = { .off = (uint32_t)pool->bytes.size };
	uint32_t slot;
	int r = grow_slots(pool);

	if (r < 0)
		return r;
	slot = find_slot(pool, data, size);
	if (pool->slots[slot] != TREE_POOL_NONE) {
		*ret_number = pool->slots[slot];
		return 0;
	}
	r = buffer_append(&pool->bytes, data, size);
	if (r < 0)
		return r;
	item.size = (uint32_t)size;
	r = buffer_append(&pool->items, &item, sizeof(item));
	if (r < 0)
		return r;
	pool->slots[slot] = tree_pool_count(pool) - 1;
	*ret_number = pool->slots[slot];
	return 0;
}

const uint8_t *tree_pool_at(const struct tree_pool *pool, uint32_t number,
			    size_t *ret_size)
{
	const struct tree_pool_item *item = item_at(pool, number);

	*ret_size = item->size;
	return pool->bytes.data + item->off;
}
