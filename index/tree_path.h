/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree_path: paths of archive entries, resolved within the tree's root.
 * Internal to tree*.c.
 *
 * As umoci and containerd do it: an entry's path is cleaned as text first
 * ("a/../b" is "b", whatever a is; ".." at the top is dropped), then symlinks
 * among its parents are followed, "/" and ".." in their targets never leaving
 * the root.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree;

/**
 * tree_path_clean() - "./a//b/../c/" to "a/c"
 * @ret: TREE_PATH_SIZE_MAX bytes; not NUL-terminated
 *
 * Return: 0, -EFBIG (too long).
 */
int tree_path_clean(const char *path, char *ret, size_t *ret_size);

/**
 * tree_path_split() - where a cleaned path's last component starts
 *
 * The directory is what is before, less a '/'.
 */
size_t tree_path_split(const char *path, size_t size);

/**
 * tree_path_walk() - the directory at a cleaned path
 * @create: make what is missing; what is no directory gives way to one
 *
 * Return: 0; -ENOENT, -ENOTDIR (neither with @create); -ELOOP (over 255
 * symlinks), -EFBIG (too long, too deep), -ENOMEM.
 */
int tree_path_walk(struct tree *tree, const char *path, size_t size,
		   bool create, uint32_t *ret_node);
