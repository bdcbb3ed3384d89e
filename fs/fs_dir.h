/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_dir: directory entries packed for READDIR and READDIRPLUS.
 *
 * An entry's offset is what the kernel passes to go on behind it: 1 behind
 * ".", 2 behind "..", 3 + position behind an entry of the index.  It needs no
 * open directory and stays valid for ever.
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fs_context;
struct fuse_entry_param;
struct fuse_req;

/* In seconds.  Nothing of an image ever changes. */
#define FS_DIR_TIMEOUT_S (365.0 * 24 * 3600)

/**
 * fs_dir_fill_entry() - what a lookup that finds @inode answers
 *
 * Return: 0, -EBADMSG (no such inode, too: something named it).
 */
int fs_dir_fill_entry(const struct fs_context *ctx, uint32_t inode,
		      struct fuse_entry_param *ret);

/* One reply. */
struct fs_dir_page {
	char *data; /* room for @capacity bytes */
	size_t capacity;
	size_t size;  /* bytes in use */
	bool is_plus; /* with what a lookup of each would answer */
};

/**
 * fs_dir_pack() - as many entries as fit
 * @off:  0, or the offset of the entry to go on behind
 * @page: emptied first; stays empty at the end of the directory
 *
 * Return: 0, or what stopped it at the first entry: -ENOTDIR, -EBADMSG.
 * What precedes a damaged entry is answered.
 */
int fs_dir_pack(const struct fs_context *ctx, struct fuse_req *req,
		uint32_t dir, uint64_t off, struct fs_dir_page *page);
