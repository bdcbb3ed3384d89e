/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_build: a new hot tree out of what runs have read and what the node has.
 *
 * A whole tree has every inode of the image: files that runs read, and whose
 * chunks are all at hand (or may be fetched), with their contents, every other
 * file as a pointer to the image's.  Where the kernel cannot use one (Linux
 * before 6.16), or the image has an inode that cannot be made here (a file with
 * capabilities, a device; for a user), a partial tree has the read files, the
 * symlinks beside them and the directories above; one whose content is complete
 * is opaque.
 *
 * Devices below /dev, which no user can make, are left out of a whole tree: it
 * is only for jobs whose /dev is mounted over.
 *
 * A tree is made beside the current one and takes its place at the end.  After
 * kill -9 at any point what is left is removed by the next sweep.
 *
 * Threads: any; blocks on the local disk, with fetch_size_max on sources.  One
 * builder of an image on the node.
 */
#include <stdbool.h>
#include <stdint.h>

struct chunk_loader;
struct error;
struct hot_folder;
struct hot_record;
struct index_file;

enum {
	HOT_BUILD_DEPTH_MAX = 256, /* of directories; each keeps a descriptor */
	HOT_BUILD_INODES_MAX = 1 << 20, /* of a whole tree */
	HOT_BUILD_INODE_SIZE = 512,	/* what an inode is taken to cost */
	HOT_BUILD_BLOCK_SIZE = 4096,	/* contents are rounded up to this */
};

struct hot_build_options {
	const struct index_file *index;
	struct chunk_loader *loader;
	const struct hot_record *record; /* files to give contents */
	bool maps_ids;
	bool wants_whole;  /* if it can be; else partial */
	uint64_t size_max; /* bytes on the disk; larger files give way */
	/* What is not at hand of files up to this size is fetched; 0: nothing
	 * is, and such files get no contents. */
	uint64_t fetch_size_max;
	/* Optional: asked before each inode; true gives the tree up. */
	bool (*should_stop)(void *arg);
	void *arg;
};

/** hot_build_can_be_whole() - whether this kernel can use a whole tree */
bool hot_build_can_be_whole(void);

/**
 * hot_build() - make a tree and publish it
 * @folder: whose builder this process is (hot_folder_try_builder())
 *
 * Return: 0; -ECANCELED (should_stop); -ENOTSUP (nothing of it can be made
 * here: no user xattrs, ids that cannot be given); -EBADMSG (the index is
 * damaged); -ENOSPC and what else system calls say.  What was current stays so
 * then.
 */
int hot_build(struct hot_folder *folder,
	      const struct hot_build_options *options, struct error *err);
