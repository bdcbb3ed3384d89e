/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_builder: the facts that were found in files (hint_fact.h), resolved in
 * the merged tree, as the index's section of hints (hint_table.h).
 *
 * Threads: one at a time.
 */
#include <stdint.h>

struct buffer;
struct index_file;
struct tree;
struct tree_layout;

/**
 * hint_builder_make() - the section's bytes
 * @tree, @layout: the image's, laid out
 * @ret:           empty; a table over its limit is left empty: hints are no
 *                 more than hints
 *
 * Return: 0 or -ENOMEM.
 */
int hint_builder_make(const struct tree *tree, const struct tree_layout *layout,
		      struct buffer *ret);
