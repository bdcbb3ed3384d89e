/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/root_list.h"

#include <assert.h>
#include <unistd.h>

int root_list_find(struct root_list *list, const struct digest *key)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!digest_equal(&list->roots[i].key, key))
			continue;
		list->roots[i].used = ++list->now;
		return list->roots[i].fd;
	}
	return -1;
}

/* The place of one that gives way, or of none yet. */
static size_t find_place(struct root_list *list)
{
	size_t oldest = 0;

	if (list->count < ROOT_LIST_MAX)
		return list->count++;
	for (size_t i = 1; i < list->count; i++)
		if (list->roots[i].used < list->roots[oldest].used)
			oldest = i;
	close(list->roots[oldest].fd);
	return oldest;
}

void root_list_add(struct root_list *list, const struct digest *key, int fd)
{
	size_t place;

	assert(fd >= 0);
	if (root_list_find(list, key) >= 0) {
		close(fd);
		return;
	}
	place = find_place(list);
	list->roots[place].key = *key;
	list->roots[place].fd = fd;
	list->roots[place].used = ++list->now;
}

void root_list_fini(struct root_list *list)
{
	while (list->count > 0)
		close(list->roots[--list->count].fd);
}
