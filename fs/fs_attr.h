/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_attr: an index's inode as struct stat.
 * Threads: any.
 */
#include <sys/stat.h>

struct fs_server_options;
struct index_inode;

/**
 * fs_attr_fill() - every field of struct stat
 *
 * Access and change times are the modification time: an index keeps no other.
 * Blocks are the size in units of 512 bytes, rounded up, holes included.
 */
void fs_attr_fill(const struct index_inode *inode,
		  const struct fs_server_options *options, struct stat *ret);
