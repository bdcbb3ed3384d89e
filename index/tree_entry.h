/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree_entry: an archive entry's metadata and data, checked and turned into
 * an inode of the tree.  Internal to tree*.c.
 *
 * Threads: one at a time.
 */

struct tree;
struct tree_entry;
struct tree_inode;

/**
 * tree_entry_make_inode() - an inode from an entry that is no hard link
 * @ret: no names yet; for tree_node_add_inode()
 *
 * Strings and extents go into @tree.  Extents that follow each other in the
 * file and in the layer become one.
 *
 * Return: 0, -EINVAL (the entry contradicts itself), -EFBIG (a limit of the
 * format), -ENOMEM.
 */
int tree_entry_make_inode(struct tree *tree, const struct tree_entry *entry,
			  struct tree_inode *ret);
