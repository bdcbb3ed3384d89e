/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: blocks of ENTRY_BLOCK_SIZE, filled from the front; an entry that
 * needs more gets a block of its own.  Each entry is one run of bytes: a node,
 * its extents, its xattrs, then strings and values.
 */
#include "index/entry_list.h"

#include "index/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_BLOCK_SIZE = 256 << 10 };

struct entry_block {
	struct entry_block *next; /* filled before this one */
	alignas(max_align_t) uint8_t bytes[];
};

struct entry_node {
	struct entry_node *next;
	struct tree_entry entry;
};

struct entry_list {
	struct entry_block *blocks; /* the newest first */
	size_t used;		    /* bytes of the newest block */
	size_t capacity;
	uint64_t size;	   /* bytes of all blocks */
	uint64_t size_max; /* that they may have */
	uint64_t count;
	struct entry_node *first;
	struct entry_node *last;
};

/* A place to copy to, with as many bytes as node_size() counted. */
struct cursor {
	uint8_t *at;
	size_t left;
};

struct entry_list *entry_list_create(uint64_t size_max)
{
	struct entry_list *list = calloc(1, sizeof(*list));

	if (list)
		list->size_max = size_max;
	return list;
}

void entry_list_destroy(struct entry_list *list)
{
	if (!list)
		return;
	while (list->blocks) {
		struct entry_block *block = list->blocks;

		list->blocks = block->next;
		free(block);
	}
	free(list);
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Cannot overflow: all of it is in memory already. */
static size_t node_size(const struct tree_entry *entry)
{
	size_t size = sizeof(struct entry_node);

	size += entry->extent_count * sizeof(*entry->extents);
	size += entry->xattr_count * sizeof(*entry->xattrs);
	for (size_t i = 0; i < entry->xattr_count; i++)
		size += text_size(entry->xattrs[i].name) +
			entry->xattrs[i].value_size;
	size += entry->facts_size;
	size += text_size(entry->path) + text_size(entry->hard_link) +
		text_size(entry->symlink);
	return size;
}

static int add_block(struct entry_list *list, size_t capacity)
{
	struct entry_block *block;

	if (capacity > list->size_max - list->size)
		return -EFBIG;
	block = malloc(sizeof(*block) + capacity);
	if (!block)
		return -ENOMEM;
	block->next = list->blocks;
	list->blocks = block;
	list->used = 0;
	list->capacity = capacity;
	list->size += capacity;
	return 0;
}

static int allocate(struct entry_list *list, size_t size, uint8_t **ret)
{
	const size_t alignment = alignof(struct entry_node);
	int r;

	size = (size + alignment - 1) / alignment * alignment;
	if (size > list->capacity - list->used) {
		r = add_block(list, size > ENTRY_BLOCK_SIZE ? size
							    : ENTRY_BLOCK_SIZE);
		if (r < 0)
			return r;
	}
	*ret = list->blocks->bytes + list->used;
	list->used += size;
	assert(list->used <= list->capacity);
	return 0;
}

static void *copy(struct cursor *cursor, const void *data, size_t size)
{
	void *at = cursor->at;

	assert(size <= cursor->left);
	if (size)
		memcpy(at, data, size);
	cursor->at += size;
	cursor->left -= size;
	return at;
}

static const char *copy_text(struct cursor *cursor, const char *text)
{
	return text ? copy(cursor, text, strlen(text) + 1) : NULL;
}

/* What needs alignment comes first. */
static void copy_members(struct cursor *cursor, struct tree_entry *entry)
{
	struct tree_xattr *xattrs;

	entry->extents = copy(cursor, entry->extents,
			      entry->extent_count * sizeof(*entry->extents));
	xattrs = copy(cursor, entry->xattrs,
		      entry->xattr_count * sizeof(*entry->xattrs));
	for (size_t i = 0; i < entry->xattr_count; i++) {
		xattrs[i].name = copy_text(cursor, xattrs[i].name);
		xattrs[i].value =
			copy(cursor, xattrs[i].value, xattrs[i].value_size);
	}
	entry->xattrs = xattrs;
	entry->facts = copy(cursor, entry->facts, entry->facts_size);
	entry->path = copy_text(cursor, entry->path);
	entry->hard_link = copy_text(cursor, entry->hard_link);
	entry->symlink = copy_text(cursor, entry->symlink);
}

int entry_list_add(struct entry_list *list, const struct tree_entry *entry)
{
	struct cursor cursor = { .left = node_size(entry) };
	struct entry_node *node;
	int r;

	r = allocate(list, cursor.left, &cursor.at);
	if (r < 0)
		return r;
	node = copy(&cursor, &(struct entry_node){ .entry = *entry },
		    sizeof(*node));
	copy_members(&cursor, &node->entry);
	assert(cursor.left == 0);
	if (list->last)
		list->last->next = node;
	else
		list->first = node;
	list->last = node;
	list->count++;
	return 0;
}

uint64_t entry_list_count(const struct entry_list *list)
{
	return list->count;
}

const struct tree_entry *entry_list_next(const struct entry_list *list,
					 const struct tree_entry *before)
{
	const struct entry_node *node = list->first;

	if (before)
		node = ((const struct entry_node *)((const char *)before -
						    offsetof(struct entry_node,
							     entry)))
			       ->next;
	return node ? &node->entry : NULL;
}
