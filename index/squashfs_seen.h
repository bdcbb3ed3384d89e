/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_seen: which inodes have been met, and the first name of those that
 * have several.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct squashfs_seen_slot {
	uint64_t key;  /* 1 + the inode; 0: free */
	uint64_t name; /* 1 + where it is in names; 0: it has none */
};

struct squashfs_seen {
	struct squashfs_seen_slot *slots; /* owned; open addressing */
	uint64_t slot_count;		  /* a power of two */
	uint64_t count;
	struct buffer names;
};

void squashfs_seen_init(struct squashfs_seen *seen);
void squashfs_seen_fini(struct squashfs_seen *seen);

/**
 * squashfs_seen_find() - has this inode been met?
 * @ret_name: its name, or NULL when it was added without one; valid until
 *            something is added
 */
bool squashfs_seen_find(const struct squashfs_seen *seen, uint64_t inode,
			const char **ret_name);

/** squashfs_seen_add() - a new one; @name may be NULL.  0, -EFBIG, -ENOMEM */
int squashfs_seen_add(struct squashfs_seen *seen, uint64_t inode,
		      const char *name);
