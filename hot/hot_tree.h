/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_tree: an image's current hot tree, in use: it is neither changed nor
 * removed until it is closed, or its process ends.
 *
 * What is checked: the folders belong to this user and to nobody else, the
 * stamp is whole, and says that the tree was made of this very index and for
 * this way of showing ids.  The files themselves are not read.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"
#include "hot/hot_folder.h"
#include "hot/hot_stamp.h"

#include <limits.h>
#include <stdbool.h>

struct index_file;

struct hot_tree {
	struct hot_folder folder; /* holds the lock */
	struct hot_stamp stamp;
	char path[PATH_MAX]; /* absolute, of the tree's root */
};

/**
 * hot_tree_open() - take the current tree into use
 * @maps_ids: as the filesystem beside it would show ids
 *
 * Return: 0; -ENOENT (there is none that fits); -EBADMSG (a damaged stamp),
 * -EPERM, -ENOMEM, what system calls say, with @err.
 */
int hot_tree_open(int cache_dir_fd, const struct index_file *index,
		  bool maps_ids, struct hot_tree **ret, struct error *err);
void hot_tree_close(struct hot_tree *tree);

/**
 * hot_tree_open_file() - a regular file that the tree has with its contents
 * @index: the one that @tree was opened for
 *
 * Return: its descriptor, for reading; -ENOENT (it is not in the tree, or only
 * points to the image's), -EBADMSG (no file of the index's), what system calls
 * say.
 */
int hot_tree_open_file(const struct hot_tree *tree,
		       const struct index_file *index, uint32_t inode);
DEFINE_CLEANUP(struct hot_tree, hot_tree_close);
