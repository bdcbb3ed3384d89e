/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree: the layers' entries merged into one file tree, in memory.
 *
 * Follows OCI image-spec v1.1 layer.md: entries of a layer are applied in
 * order over the layers below; ".wh.NAME" removes NAME of lower layers,
 * ".wh..wh..opq" removes a directory's lower children; both spare what the
 * same layer adds, before or after.  Paths are contained: "..", a leading '/'
 * and symlinked parents are resolved within the root, as umoci and containerd
 * do; a missing parent directory is made (0755, root, mtime 0).
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct tree; /* opaque */

struct tree_xattr {
	const char *name; /* NUL-terminated, 1 to 255 bytes */
	const void *value;
	size_t value_size; /* up to 65536 */
};

/* Bytes of a file that lie in one run of the layer's uncompressed stream. */
struct tree_extent {
	uint64_t file_off;
	uint64_t size;	  /* at least 1 */
	uint64_t raw_off; /* in the uncompressed layer (blob) */
};

/* One archive entry; everything borrowed for the call. */
struct tree_entry {
	const char *path;      /* as in the archive; bytes, NUL-terminated */
	const char *hard_link; /* path of the other name, else NULL */
	const char *symlink;   /* target, else NULL */
	uint32_t mode;	       /* type and permissions; of a hard link unused */
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	uint32_t mtime_ns;
	int64_t mtime_s;
	uint64_t size; /* regular files; gaps between extents are holes */
	const struct tree_extent *extents; /* by file_off, not overlapping */
	size_t extent_count;
	const struct tree_xattr *xattrs;
	size_t xattr_count;
	const void *facts; /* regular files: hint_fact.h; may be NULL */
	size_t facts_size;
};

/** tree_create() - a tree with an empty root (0755, 0:0); NULL: no memory */
struct tree *tree_create(void);
void tree_destroy(struct tree *tree);
DEFINE_CLEANUP(struct tree, tree_destroy);

/**
 * tree_begin_layer() - what follows comes from the next layer up
 * @blob: number of the blob that extents of this layer refer to
 */
void tree_begin_layer(struct tree *tree, uint32_t blob);

/** tree_begin_plain() - the same, but of what is no layer: a name that starts
 * with ".wh." means itself */
void tree_begin_plain(struct tree *tree, uint32_t blob);

/**
 * tree_add() - apply one entry, whiteouts included
 *
 * Return: 0, -EINVAL (a hard link to nothing, a name that cannot be: @err
 * says which entry), -EFBIG (a stated limit: name 255, symlink 4095, depth
 * 1024, 2^31 inodes), -ENOMEM.
 */
int tree_add(struct tree *tree, const struct tree_entry *entry,
	     struct error *err);
