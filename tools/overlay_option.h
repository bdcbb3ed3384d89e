/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * overlay_option: the parser of --overlay.
 *
 *	THING[:ro|:rw][,THING...]
 *
 * A thing is a directory, a SquashFS file, a SIF, an ext3 file or the URL of
 * an image.  One directory can be written to, in its `upper`; all else lies
 * below it, the one given last uppermost.
 *
 * Threads: any; no state.
 */
#include <stddef.h>

struct error;
struct option_list;

enum overlay_kind {
	OVERLAY_DIRECTORY, /* path is what to show, `upper` of it if it has
			      one */
	OVERLAY_TREE,	   /* SquashFS, a SIF, a URL: mounted by us */
	OVERLAY_EXT,	   /* ext2, 3 or 4: mounted by the host's fuse2fs */
};

struct overlay_layer {
	enum overlay_kind kind;
	char *path; /* absolute, or a URL; owned */
};

/* Starts as = { 0 }. */
struct overlay_list {
	struct overlay_layer *layers; /* read-only, the uppermost first; owned
				       */
	size_t count;
	char *upper; /* the directory to write to; owned; NULL: none */
};

/**
 * overlay_option_parse() - read all of them
 *
 * Files are opened to see what they are.  One that can only be read, and is not
 * said to be, gets a warning.
 *
 * Return: 0; -EINVAL (two to be written to), -ENOTSUP (no kind of file that is
 * known), -ENOENT and the like, -ENOMEM, with @err; @ret has to be finished in
 * any case.
 */
int overlay_option_parse(const struct option_list *options,
			 struct overlay_list *ret, struct error *err);

/**
 * overlay_option_list_mounts() - what is to be mounted (run_options.layers)
 * @ret: @size of them: the file for fuse2fs, borrowed, or NULL for a tree
 *
 * Return: how many; -EFBIG with @err when there are more.
 */
int overlay_option_list_mounts(const struct overlay_list *list,
			       const char **ret, size_t size,
			       struct error *err);

void overlay_option_fini(struct overlay_list *list);
