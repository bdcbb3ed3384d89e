/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree_node: the merged tree's names and inodes, and how they hang together.
 * Internal to tree*.c; tree.h is the interface.
 *
 * A node is a name in a directory, an inode what it names; hard links are
 * nodes that share an inode.  Both live in arrays and are named by their
 * position, which stays valid when the arrays grow: keep numbers across a
 * call that adds something, not pointers.
 *
 * A directory's children are a list for walking and entries of one hash table
 * over (parent, name) for finding.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"
#include "index/tree_pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TREE_NODE_ROOT = 0,
	TREE_PATH_SIZE_MAX = 65536, /* of an entry's path, resolved */
};

#define TREE_NODE_NONE UINT32_MAX /* larger than an enum allows */

struct tree_node {
	uint32_t parent; /* node; the root's is itself */
	uint32_t name;	 /* number in tree->names */
	uint32_t inode;
	uint32_t layer; /* the last that said this name is here */
	uint32_t depth; /* directories above it */
	uint32_t first_child;
	uint32_t next; /* sibling, or the next free node */
	uint32_t previous;
	uint32_t hash_next;
};

struct tree_inode {
	uint64_t size;
	int64_t mtime_s;
	/* regular: index_format_place(), or with has_extents the first extent
	 * << 32 | count; symlink: number in tree->targets; device: major << 32
	 * | minor; else 0 */
	uint64_t data;
	uint32_t mtime_ns;
	uint32_t owner;	 /* number in tree->owners */
	uint32_t xattrs; /* number in tree->xattrs, or TREE_POOL_NONE */
	uint32_t links;	 /* names; free when 0, and then @number is the next */
	uint32_t number; /* in the index, see tree_layout.h */
	uint32_t facts;	 /* 0, or 1 + their number in tree->facts */
	uint16_t mode;
	bool has_extents;
};

struct tree {
	struct buffer nodes;   /* struct tree_node */
	struct buffer inodes;  /* struct tree_inode */
	struct buffer extents; /* struct index_format_extent */
	uint32_t free_node;    /* list of removed ones */
	uint32_t free_inode;
	uint32_t inode_count; /* in use */
	uint32_t node_count;
	uint32_t *buckets;     /* first node of each hash chain */
	uint32_t bucket_count; /* a power of two */
	struct tree_pool names;
	struct tree_pool targets;
	struct tree_pool owners; /* struct index_format_owner */
	struct tree_pool xattrs; /* sets as in the index */
	struct tree_pool facts;	 /* runs as hint_fact.h has them */
	uint32_t layer;		 /* current, from 1; 0 before the first */
	uint32_t blob;		 /* of the current layer */
	bool is_plain;		 /* the current layer has no whiteouts */
	char entry_path[TREE_PATH_SIZE_MAX];
	char link_path[TREE_PATH_SIZE_MAX];
	char walk_path[TREE_PATH_SIZE_MAX];
};

static inline struct tree_node *tree_node_at(const struct tree *tree,
					     uint32_t node)
{
	return (struct tree_node *)(void *)tree->nodes.data + node;
}

static inline struct tree_inode *tree_node_inode_at(const struct tree *tree,
						    uint32_t inode)
{
	return (struct tree_inode *)(void *)tree->inodes.data + inode;
}

/** tree_node_inode() - what a node names; valid until something is added */
static inline struct tree_inode *tree_node_inode(const struct tree *tree,
						 uint32_t node)
{
	return tree_node_inode_at(tree, tree_node_at(tree, node)->inode);
}

bool tree_node_is_directory(const struct tree *tree, uint32_t node);

/** tree_node_init() - an empty tree with a root; 0 or -ENOMEM */
int tree_node_init(struct tree *tree);
void tree_node_fini(struct tree *tree);

/**
 * tree_node_add_inode() - copy an inode into the tree, with no names yet
 *
 * Return: 0, -EFBIG (over 2^31), -ENOMEM.
 */
int tree_node_add_inode(struct tree *tree, const struct tree_inode *inode,
			uint32_t *ret_inode);

/** tree_node_ref_inode() - one name more; tree_node_unref_inode(): one less,
 * the last frees it */
void tree_node_ref_inode(struct tree *tree, uint32_t inode);
void tree_node_unref_inode(struct tree *tree, uint32_t inode);

/** tree_node_find() - a name in a directory; TREE_NODE_NONE when absent */
uint32_t tree_node_find(const struct tree *tree, uint32_t parent,
			const char *name, size_t size);

/**
 * tree_node_add() - a name for an inode, from the current layer
 *
 * The name must not be there.  Takes a reference to the inode.
 *
 * Return: 0, -EFBIG (name over 255 bytes, too deep, too many), -ENOMEM.
 */
int tree_node_add(struct tree *tree, uint32_t parent, const char *name,
		  size_t size, uint32_t inode, uint32_t *ret_node);

/**
 * tree_node_add_implied() - a directory that no entry described: 0755, owned
 * by root, from 1970
 *
 * Return: as tree_node_add().
 */
int tree_node_add_implied(struct tree *tree, uint32_t parent, const char *name,
			  size_t size, uint32_t *ret_node);

/** tree_node_remove() - a node and all below; not the root */
void tree_node_remove(struct tree *tree, uint32_t node);

/**
 * tree_node_hide_children() - take away what lower layers put below a node
 *
 * What the current layer put there stays.  A lower layer's directory that
 * still has children after that becomes an implied one.
 */
void tree_node_hide_children(struct tree *tree, uint32_t node);

/** tree_node_hide() - the same including the node itself */
void tree_node_hide(struct tree *tree, uint32_t node);
