/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree_layout: a finished tree as the index's sections.
 *
 * Inodes are numbered so that a directory's entries have consecutive numbers
 * (READDIRPLUS then reads one stretch of memory) and directories follow each
 * other depth first.  Strings are stored in the order of their first use.  So
 * the bytes depend on what is in the tree, not on how it got there.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"

struct tree;

/* Raw section contents, docs/index-format.md section 5. */
struct tree_layout {
	struct buffer owners;
	struct buffer inodes;
	struct buffer dirents;
	struct buffer names;
	struct buffer symlinks;
	struct buffer xattrs;
	struct buffer extents;
	struct buffer facts; /* struct tree_layout_facts, by inode */
};

/* What is known of a file that the index is to have hints about. */
struct tree_layout_facts {
	uint32_t inode;
	uint32_t facts; /* for tree_layout_get_facts() */
};

/**
 * tree_layout_build() - lay a tree out
 * @tree:   its inodes get their numbers, else unchanged
 * @layout: filled; tree_layout_fini() it, also after a failure
 *
 * Return: 0, -EFBIG (a section over 1 GiB), -ENOMEM.
 */
int tree_layout_build(struct tree *tree, struct tree_layout *layout);
void tree_layout_fini(struct tree_layout *layout);

/** tree_layout_get_facts() - as hint_fact.h has them; valid as long as the
 * tree */
const uint8_t *tree_layout_get_facts(const struct tree *tree, uint32_t facts,
				     size_t *ret_size);
