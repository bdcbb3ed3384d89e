/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_walk: every path of an image below one, in the order of the names.
 *
 * Each directory is entered once, however a hostile index is knotted.
 * Threads: one at a time.
 */
#include <stdint.h>

struct error;
struct index_file;
struct index_inode;

/* @path: "/usr/bin/env", NUL-terminated; borrowed.  Negative errno (with @err
 * set) ends the walk. */
typedef int index_walk_fn(void *arg, const char *path,
			  const struct index_inode *inode, struct error *err);

/**
 * index_walk() - call @fn for @path and, if it is a directory, all below it
 *
 * Return: 0, what @fn returned, -EBADMSG, -ENAMETOOLONG, -ENOMEM.
 */
int index_walk(const struct index_file *index, const char *path,
	       uint32_t number, index_walk_fn *fn, void *arg,
	       struct error *err);
