/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_seen.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS_START = 1024,
	NAMES_SIZE_MAX = 512 << 20,
};

void squashfs_seen_init(struct squashfs_seen *seen)
{
	*seen = (struct squashfs_seen){
		.names = BUFFER_INIT(NAMES_SIZE_MAX),
	};
}

void squashfs_seen_fini(struct squashfs_seen *seen)
{
	free(seen->slots);
	buffer_fini(&seen->names);
	*seen = (struct squashfs_seen){ 0 };
}

/* The slot of a key, or the free one where it belongs. */
static struct squashfs_seen_slot *find_slot(const struct squashfs_seen *seen,
					    uint64_t key)
{
	uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t i = (hash >> 20) & (seen->slot_count - 1);

	while (seen->slots[i].key && seen->slots[i].key != key)
		i = (i + 1) & (seen->slot_count - 1);
	return &seen->slots[i];
}

static int grow(struct squashfs_seen *seen)
{
	struct squashfs_seen larger = *seen;

	if (seen->slot_count / 2 > seen->count)
		return 0;
	larger.slot_count =
		seen->slot_count ? 2 * seen->slot_count : SLOTS_START;
	larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (uint64_t i = 0; i < seen->slot_count; i++)
		if (seen->slots[i].key)
			*find_slot(&larger, seen->slots[i].key) =
				seen->slots[i];
	free(seen->slots);
	*seen = larger;
	return 0;
}

bool squashfs_seen_find(const struct squashfs_seen *seen, uint64_t inode,
			const char **ret_name)
{
	const struct squashfs_seen_slot *slot;

	if (seen->slot_count == 0)
		return false;
	slot = find_slot(seen, inode + 1);
	if (!slot->key)
		return false;
	*ret_name = slot->name ? (const char *)seen->names.data + slot->name - 1
			       : NULL;
	return true;
}

int squashfs_seen_add(struct squashfs_seen *seen, uint64_t inode,
		      const char *name)
{
	struct squashfs_seen_slot slot = { .key = inode + 1 };
	int r = grow(seen);

	assert(slot.key);
	if (r == 0 && name) {
		slot.name = seen->names.size + 1;
		r = buffer_append(&seen->names, name, strlen(name) + 1);
	}
	if (r < 0)
		return r;
	*find_slot(seen, slot.key) = slot;
	seen->count++;
	return 0;
}
