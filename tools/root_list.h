/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * root_list: roots that jobs of an instance have assembled and offered, for
 * others with the same key (root_key.h).
 *
 * A root keeps its mounts, and with them the file systems of the host that it
 * shows: so there are few, and the one not joined for longest gives way.
 *
 * Threads: one at a time.
 */
#include "common/digest.h"

#include <stddef.h>
#include <stdint.h>

enum { ROOT_LIST_MAX = 8 };

struct root_list {
	struct {
		struct digest key;
		int fd;
		uint64_t used; /* when it was joined last, counted in joins */
	} roots[ROOT_LIST_MAX];
	size_t count;
	uint64_t now;
};

/** root_list_find() - a descriptor that stays the list's, or -1 */
int root_list_find(struct root_list *list, const struct digest *key);

/** root_list_add() - takes @fd over; closes it where the key has one */
void root_list_add(struct root_list *list, const struct digest *key, int fd);

void root_list_fini(struct root_list *list);
