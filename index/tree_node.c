/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees come from archives and may be a thousand directories deep, so nothing
 * here recurses: subtrees are walked by their links, children first.
 */
#include "index/tree_node.h"

#include "index/index_format.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INODE_COUNT_MAX (UINT32_C(1) << 31)
#define NODE_COUNT_MAX	(UINT32_C(1) << 31)

enum { BUCKET_COUNT_FIRST = 1024 };

bool tree_node_is_directory(const struct tree *tree, uint32_t node)
{
	return S_ISDIR(tree_node_inode(tree, node)->mode);
}

static uint32_t *find_bucket(const struct tree *tree, uint32_t parent,
			     uint32_t name)
{
	uint64_t hash =
		((uint64_t)parent << 32 | name) * UINT64_C(0x9e3779b97f4a7c15);

	return &tree->buckets[(hash >> 32) & (tree->bucket_count - 1)];
}

static void put_in_bucket(struct tree *tree, uint32_t node)
{
	struct tree_node *n = tree_node_at(tree, node);
	uint32_t *bucket = find_bucket(tree, n->parent, n->name);

	n->hash_next = *bucket;
	*bucket = node;
}

static void take_from_bucket(struct tree *tree, uint32_t node)
{
	const struct tree_node *n = tree_node_at(tree, node);
	uint32_t *link = find_bucket(tree, n->parent, n->name);

	while (*link != node) {
		assert(*link != TREE_NODE_NONE);
		link = &tree_node_at(tree, *link)->hash_next;
	}
	*link = n->hash_next;
}

/* Keeps at least as many chains as nodes.  The root is in none, free nodes
 * neither: they are told by their parent. */
static int grow_buckets(struct tree *tree)
{
	uint32_t all = (uint32_t)(tree->nodes.size / sizeof(struct tree_node));
	uint32_t count = tree->bucket_count;
	uint32_t *buckets;

	if (tree->node_count < count)
		return 0;
	count = count ? count * 2 : BUCKET_COUNT_FIRST;
	buckets = malloc(count * sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	memset(buckets, 0xff, count * sizeof(*buckets));
	free(tree->buckets);
	tree->buckets = buckets;
	tree->bucket_count = count;
	for (uint32_t i = TREE_NODE_ROOT + 1; i < all; i++)
		if (tree_node_at(tree, i)->parent != TREE_NODE_NONE)
			put_in_bucket(tree, i);
	return 0;
}

int tree_node_add_inode(struct tree *tree, const struct tree_inode *inode,
			uint32_t *ret_inode)
{
	uint32_t new = tree->free_inode;
	int r;

	assert(inode->links == 0);
	if (tree->inode_count >= INODE_COUNT_MAX)
		return -EFBIG;
	if (new != TREE_NODE_NONE) {
		tree->free_inode = tree_node_inode_at(tree, new)->number;
		*tree_node_inode_at(tree, new) = *inode;
	} else {
		new = (uint32_t)(tree->inodes.size / sizeof(*inode));
		r = buffer_append(&tree->inodes, inode, sizeof(*inode));
		if (r < 0)
			return r;
	}
	tree->inode_count++;
	*ret_inode = new;
	return 0;
}

void tree_node_ref_inode(struct tree *tree, uint32_t inode)
{
	tree_node_inode_at(tree, inode)->links++;
}

void tree_node_unref_inode(struct tree *tree, uint32_t inode)
{
	struct tree_inode *i = tree_node_inode_at(tree, inode);

	assert(i->links > 0);
	if (--i->links > 0)
		return;
	i->number = tree->free_inode;
	tree->free_inode = inode;
	tree->inode_count--;
}

uint32_t tree_node_find(const struct tree *tree, uint32_t parent,
			const char *name, size_t size)
{
	uint32_t number = tree_pool_find(&tree->names, name, size);
	uint32_t node;

	if (number == TREE_POOL_NONE)
		return TREE_NODE_NONE;
	node = *find_bucket(tree, parent, number);
	while (node != TREE_NODE_NONE) {
		const struct tree_node *n = tree_node_at(tree, node);

		if (n->parent == parent && n->name == number)
			break;
		node = n->hash_next;
	}
	return node;
}

static int allocate_node(struct tree *tree, uint32_t *ret_node)
{
	static const struct tree_node empty;
	uint32_t node = tree->free_node;
	int r;

	if (node != TREE_NODE_NONE) {
		tree->free_node = tree_node_at(tree, node)->next;
	} else {
		if (tree->node_count >= NODE_COUNT_MAX)
			return -EFBIG;
		node = (uint32_t)(tree->nodes.size / sizeof(empty));
		r = buffer_append(&tree->nodes, &empty, sizeof(empty));
		if (r < 0)
			return r;
	}
	tree->node_count++;
	*ret_node = node;
	return 0;
}

int tree_node_add(struct tree *tree, uint32_t parent, const char *name,
		  size_t size, uint32_t inode, uint32_t *ret_node)
{
	uint32_t depth = tree_node_at(tree, parent)->depth + 1;
	uint32_t number;
	uint32_t node = TREE_NODE_NONE;
	struct tree_node *p;
	int r;

	assert(tree_node_is_directory(tree, parent));
	assert(tree_node_find(tree, parent, name, size) == TREE_NODE_NONE);
	if (size > INDEX_FORMAT_NAME_SIZE_MAX || depth > INDEX_FORMAT_DEPTH_MAX)
		return -EFBIG;
	r = tree_pool_put(&tree->names, name, size, &number);
	if (r == 0)
		r = grow_buckets(tree);
	if (r == 0)
		r = allocate_node(tree, &node);
	if (r < 0)
		return r;
	p = tree_node_at(tree, parent);
	*tree_node_at(tree, node) = (struct tree_node){
		.parent = parent,
		.name = number,
		.inode = inode,
		.layer = tree->layer,
		.depth = depth,
		.first_child = TREE_NODE_NONE,
		.next = p->first_child,
		.previous = TREE_NODE_NONE,
	};
	if (p->first_child != TREE_NODE_NONE)
		tree_node_at(tree, p->first_child)->previous = node;
	p->first_child = node;
	put_in_bucket(tree, node);
	tree_node_ref_inode(tree, inode);
	*ret_node = node;
	return 0;
}

/* What a directory is that no entry described.  Owner 0 is 0:0, see
 * tree_node_init(). */
static const struct tree_inode implied = {
	.mode = S_IFDIR | 0755,
	.xattrs = TREE_POOL_NONE,
};

int tree_node_add_implied(struct tree *tree, uint32_t parent, const char *name,
			  size_t size, uint32_t *ret_node)
{
	uint32_t inode;
	int r = tree_node_add_inode(tree, &implied, &inode);

	if (r < 0)
		return r;
	tree_node_ref_inode(tree, inode);
	r = tree_node_add(tree, parent, name, size, inode, ret_node);
	tree_node_unref_inode(tree, inode);
	return r;
}

static void remove_leaf(struct tree *tree, uint32_t node)
{
	struct tree_node *n = tree_node_at(tree, node);

	assert(node != TREE_NODE_ROOT);
	assert(n->first_child == TREE_NODE_NONE);
	take_from_bucket(tree, node);
	if (n->previous != TREE_NODE_NONE)
		tree_node_at(tree, n->previous)->next = n->next;
	else
		tree_node_at(tree, n->parent)->first_child = n->next;
	if (n->next != TREE_NODE_NONE)
		tree_node_at(tree, n->next)->previous = n->previous;
	tree_node_unref_inode(tree, n->inode);
	n->parent = TREE_NODE_NONE;
	n->next = tree->free_node;
	tree->free_node = node;
	tree->node_count--;
}

/* Hides a node whose children were seen to already. */
static void hide_one(struct tree *tree, uint32_t node, uint32_t layer)
{
	struct tree_node *n = tree_node_at(tree, node);
	struct tree_inode *inode;
	uint32_t links;

	if (n->layer >= layer)
		return;
	if (n->first_child == TREE_NODE_NONE) {
		remove_leaf(tree, node);
		return;
	}
	inode = tree_node_inode(tree, node);
	links = inode->links;
	*inode = implied;
	inode->links = links;
	n->layer = layer;
}

static uint32_t first_leaf(const struct tree *tree, uint32_t node)
{
	while (tree_node_at(tree, node)->first_child != TREE_NODE_NONE)
		node = tree_node_at(tree, node)->first_child;
	return node;
}

/* Hides what is below @top and older than @layer, children before parents. */
static void hide_children(struct tree *tree, uint32_t top, uint32_t layer)
{
	uint32_t node = first_leaf(tree, top);

	while (node != top) {
		const struct tree_node *n = tree_node_at(tree, node);
		uint32_t next = n->next == TREE_NODE_NONE
					? n->parent
					: first_leaf(tree, n->next);

		hide_one(tree, node, layer);
		node = next;
	}
}

void tree_node_remove(struct tree *tree, uint32_t node)
{
	hide_children(tree, node, UINT32_MAX);
	remove_leaf(tree, node);
}

void tree_node_hide_children(struct tree *tree, uint32_t node)
{
	hide_children(tree, node, tree->layer);
}

void tree_node_hide(struct tree *tree, uint32_t node)
{
	hide_children(tree, node, tree->layer);
	hide_one(tree, node, tree->layer);
}

int tree_node_init(struct tree *tree)
{
	static const struct index_format_owner root_owner;
	struct tree_node root = {
		.name = TREE_POOL_NONE,
		.first_child = TREE_NODE_NONE,
		.next = TREE_NODE_NONE,
		.previous = TREE_NODE_NONE,
		.hash_next = TREE_NODE_NONE,
	};
	uint32_t owner;
	int r;

	tree->nodes.size_max = (size_t)NODE_COUNT_MAX * sizeof(root);
	tree->inodes.size_max =
		(size_t)INODE_COUNT_MAX * sizeof(struct tree_inode);
	tree->extents.size_max = INDEX_FORMAT_SECTION_RAW_SIZE_MAX;
	tree->free_node = TREE_NODE_NONE;
	tree->free_inode = TREE_NODE_NONE;
	tree_pool_init(&tree->names);
	tree_pool_init(&tree->targets);
	tree_pool_init(&tree->owners);
	tree_pool_init(&tree->xattrs);
	tree_pool_init(&tree->facts);
	r = tree_pool_put(&tree->owners, &root_owner, sizeof(root_owner),
			  &owner);
	if (r == 0)
		r = grow_buckets(tree);
	if (r == 0)
		r = tree_node_add_inode(tree, &implied, &root.inode);
	if (r == 0)
		r = buffer_append(&tree->nodes, &root, sizeof(root));
	if (r < 0)
		return r;
	tree_node_ref_inode(tree, root.inode);
	assert(owner == implied.owner && root.inode == 0);
	tree->node_count = 1;
	return 0;
}

void tree_node_fini(struct tree *tree)
{
	buffer_fini(&tree->nodes);
	buffer_fini(&tree->inodes);
	buffer_fini(&tree->extents);
	tree_pool_fini(&tree->names);
	tree_pool_fini(&tree->targets);
	tree_pool_fini(&tree->owners);
	tree_pool_fini(&tree->xattrs);
	tree_pool_fini(&tree->facts);
	free(tree->buckets);
}
