/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_folder: the folder hot/<manifest's hex> of a cache: one image's hot
 * trees, the record of what its runs read, and the locks on them.
 *
 *	current       the stamp of the tree to use; replaced by rename
 *	record        hot_record.h
 *	locks         empty; byte 0 is the builder's, and one for each tree:
 *		      shared by who uses it, exclusive for who makes or
 *		      removes it
 *	tree-<16 hex> a tree; the number is its generation
 *	dead-<16 hex> a tree being removed
 *
 * Trees lie in folders of mode 0700 that belong to this user; anything else
 * is refused: what is in them is served unchecked.
 *
 * Threads: one at a time on each struct; any number of processes.
 */
#include "fetch/node_lock.h"

#include <stdbool.h>
#include <stdint.h>

struct digest;
struct error;
struct hot_stamp;

/* Lock offsets as well, so that no other lock of the folder is one of them. */
#define HOT_FOLDER_GENERATION_MIN (1ull << 32)
#define HOT_FOLDER_GENERATION_MAX ((1ull << 62) - 1)

#define HOT_FOLDER_TOP	  "hot"
#define HOT_FOLDER_RECORD "record"

enum { HOT_FOLDER_NAME_SIZE = 32 }; /* of "tree-..." with its NUL */

struct hot_folder {
	int fd;
	struct node_lock locks;
};

#define HOT_FOLDER_INIT                                                        \
	{                                                                      \
		.fd = -1, .locks = NODE_LOCK_INIT                              \
	}

/**
 * hot_folder_open() - the folder of one image
 * @is_made: make it where it is missing
 * @ret:     HOT_FOLDER_INIT before; to hot_folder_close() after success
 *
 * Return: 0; -ENOENT; -EPERM (it, or what holds it, belongs to another user or
 * is open to others); the errno of the system call, with @err.
 */
int hot_folder_open(int cache_dir_fd, const struct digest *manifest,
		    bool is_made, struct hot_folder *ret, struct error *err);

/** hot_folder_open_name() - the same by its name in hot/, never made */
int hot_folder_open_name(int top_fd, const char *name, struct hot_folder *ret,
			 struct error *err);

/** hot_folder_open_top() - hot/ itself, checked; errors as above */
int hot_folder_open_top(int cache_dir_fd, bool is_made, struct error *err);

/** hot_folder_close() - gives up all locks taken through it */
void hot_folder_close(struct hot_folder *folder);

/** hot_folder_load_stamp() - the current tree's; 0, -ENOENT, -EBADMSG ... */
int hot_folder_load_stamp(const struct hot_folder *folder,
			  struct hot_stamp *ret);

/**
 * hot_folder_publish() - @stamp's tree is the current one from now on
 *
 * Return: 0, -ESTALE (the folder's locks were removed meanwhile, and perhaps
 * parts of the tree), or the write's errno.
 */
int hot_folder_publish(const struct hot_folder *folder,
		       const struct hot_stamp *stamp, struct error *err);

/** hot_folder_retract() - there is no current tree any more */
void hot_folder_retract(const struct hot_folder *folder);

/** hot_folder_note_use() - the current tree was used now, for eviction */
void hot_folder_note_use(const struct hot_folder *folder);

/** hot_folder_last_use_s() - when, in seconds since 1970; 0 without a tree */
int64_t hot_folder_last_use_s(const struct hot_folder *folder);

/** hot_folder_try_builder() - become the one process to build; NODE_LOCK_* */
int hot_folder_try_builder(const struct hot_folder *folder);

void hot_folder_format_tree(uint64_t generation,
			    char ret[HOT_FOLDER_NAME_SIZE]);

/**
 * hot_folder_make_tree() - an empty tree of a new generation, locked
 * @ret_generation: its number
 *
 * Return: its descriptor, or negative errno with @err.
 */
int hot_folder_make_tree(const struct hot_folder *folder,
			 uint64_t *ret_generation, struct error *err);

/** hot_folder_share_tree() - keep a tree from being removed, until close
 *
 * Return: its descriptor; -EBUSY (it is being removed), -ENOENT, -EPERM (not
 * ours alone), other negative errno.
 */
int hot_folder_share_tree(const struct hot_folder *folder, uint64_t generation);

/** hot_folder_release_tree() - unlock it, whichever way it was locked */
void hot_folder_release_tree(const struct hot_folder *folder,
			     uint64_t generation);

/**
 * hot_folder_sweep() - remove every tree but the current one that nobody uses
 *
 * To be called by the builder, so that no tree is published meanwhile.
 *
 * Return: how many are left because they are in use.
 */
unsigned hot_folder_sweep(const struct hot_folder *folder);
