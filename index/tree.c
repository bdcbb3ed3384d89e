/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI image-spec v1.1, layer.md, applied entry by entry.  Every node knows the
 * layer that last said it is there, so that a whiteout can spare what its own
 * layer adds, whichever comes first.
 *
 * Choices where the specification leaves one: an entry replaces one of the
 * same path in its own layer too (the last wins, as tar does); a directory
 * entry over a directory keeps the children and sets everything else; names
 * starting with ".wh..wh." other than the opaque marker are aufs leftovers
 * and ignored with all below them.
 */
#include "index/tree.h"

#include "common/error.h"
#include "index/index_format.h"
#include "index/tree_entry.h"
#include "index/tree_node.h"
#include "index/tree_path.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WHITEOUT      ".wh."
#define WHITEOUT_META ".wh..wh."
#define OPAQUE	      ".wh..wh..opq"

/* An entry's path, cleaned and taken apart; points into tree->entry_path. */
struct place {
	const char *path;
	size_t dir_size; /* of the directory's path */
	const char *name;
	size_t name_size; /* 0: the root itself */
};

static bool has_prefix(const char *name, size_t size, const char *prefix)
{
	return size >= strlen(prefix) &&
	       memcmp(name, prefix, strlen(prefix)) == 0;
}

static int find_place(const char *path, char *buffer, struct place *ret)
{
	size_t size;
	size_t split;
	int r = tree_path_clean(path, buffer, &size);

	if (r < 0)
		return r;
	split = tree_path_split(buffer, size);
	*ret = (struct place){
		.path = buffer,
		.dir_size = split ? split - 1 : 0,
		.name = buffer + split,
		.name_size = size - split,
	};
	return 0;
}

static bool is_aufs_leftover(const struct place *place)
{
	const char *name = place->path;
	const char *end = place->name + place->name_size;

	if (place->name_size == strlen(OPAQUE) &&
	    has_prefix(place->name, place->name_size, OPAQUE))
		end = place->name;
	while (name < end) {
		const char *slash = memchr(name, '/', (size_t)(end - name));

		if (has_prefix(name, (size_t)(end - name), WHITEOUT_META))
			return true;
		name = slash ? slash + 1 : end;
	}
	return false;
}

static int apply_whiteout(struct tree *tree, const struct place *place)
{
	const char *name = place->name + strlen(WHITEOUT);
	size_t size = place->name_size - strlen(WHITEOUT);
	uint32_t dir;
	uint32_t node;
	int r;

	if (size == 0 ||
	    (name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.'))))
		return -EINVAL;
	r = tree_path_walk(tree, place->path, place->dir_size, false, &dir);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0; /* nothing there to hide */
	if (r < 0)
		return r;
	if (has_prefix(place->name, place->name_size, OPAQUE)) {
		tree_node_hide_children(tree, dir);
		return 0;
	}
	node = tree_node_find(tree, dir, name, size);
	if (node != TREE_NODE_NONE)
		tree_node_hide(tree, node);
	return 0;
}

static int update_directory(struct tree *tree, const struct tree_entry *entry,
			    uint32_t node)
{
	struct tree_inode *old = tree_node_inode(tree, node);
	struct tree_inode inode;
	int r = tree_entry_make_inode(tree, entry, &inode);

	if (r < 0)
		return r;
	inode.links = old->links;
	*old = inode;
	tree_node_at(tree, node)->layer = tree->layer;
	return 0;
}

/* Puts a name in the place of whatever has it. */
static int replace(struct tree *tree, uint32_t dir, const struct place *place,
		   uint32_t inode)
{
	uint32_t node =
		tree_node_find(tree, dir, place->name, place->name_size);
	int r;

	tree_node_ref_inode(tree, inode); /* may be what is removed */
	if (node != TREE_NODE_NONE)
		tree_node_remove(tree, node);
	r = tree_node_add(tree, dir, place->name, place->name_size, inode,
			  &node);
	tree_node_unref_inode(tree, inode);
	return r;
}

static int add_hard_link(struct tree *tree, const struct tree_entry *entry,
			 uint32_t dir, const struct place *place,
			 struct error *err)
{
	struct place target;
	uint32_t node = TREE_NODE_NONE;
	int r = find_place(entry->hard_link, tree->link_path, &target);

	if (r == 0)
		r = tree_path_walk(tree, target.path, target.dir_size, false,
				   &node);
	if (r == 0 && target.name_size > 0)
		node = tree_node_find(tree, node, target.name,
				      target.name_size);
	if (r == -ENOENT || r == -ENOTDIR || (r == 0 && node == TREE_NODE_NONE))
		return error_set(err, -EINVAL,
				 "the hard link's target \"%.300s\" does not "
				 "exist",
				 entry->hard_link);
	if (r < 0)
		return r;
	if (tree_node_is_directory(tree, node))
		return error_set(err, -EINVAL,
				 "the hard link's target \"%.300s\" is a "
				 "directory",
				 entry->hard_link);
	return replace(tree, dir, place, tree_node_at(tree, node)->inode);
}

static int add_entry(struct tree *tree, const struct tree_entry *entry,
		     uint32_t dir, const struct place *place)
{
	struct tree_inode inode;
	uint32_t number;
	uint32_t node;
	int r;

	if (S_ISDIR(entry->mode)) {
		node = tree_node_find(tree, dir, place->name, place->name_size);
		if (node != TREE_NODE_NONE &&
		    tree_node_is_directory(tree, node))
			return update_directory(tree, entry, node);
	}
	r = tree_entry_make_inode(tree, entry, &inode);
	if (r == 0)
		r = tree_node_add_inode(tree, &inode, &number);
	if (r < 0)
		return r;
	return replace(tree, dir, place, number);
}

static int apply(struct tree *tree, const struct tree_entry *entry,
		 const struct place *place, struct error *err)
{
	uint32_t dir;
	int r;

	if (place->name_size == 0) {
		if (entry->hard_link || !S_ISDIR(entry->mode))
			return -EINVAL;
		return update_directory(tree, entry, TREE_NODE_ROOT);
	}
	if (!tree->is_plain && is_aufs_leftover(place))
		return 0;
	if (!tree->is_plain &&
	    has_prefix(place->name, place->name_size, WHITEOUT))
		return apply_whiteout(tree, place);
	if (place->name_size > INDEX_FORMAT_NAME_SIZE_MAX)
		return error_set(err, -EFBIG, "the name is over %d bytes",
				 INDEX_FORMAT_NAME_SIZE_MAX);
	r = tree_path_walk(tree, place->path, place->dir_size, true, &dir);
	if (r < 0)
		return r;
	if (entry->hard_link)
		return add_hard_link(tree, entry, dir, place, err);
	return add_entry(tree, entry, dir, place);
}

/* What @code means where nothing more special was said. */
static const char *describe(int code)
{
	switch (code) {
	case -EINVAL:
		return "the entry makes no sense";
	case -ELOOP:
		return "too many symlinks among its parents";
	case -EFBIG:
		return "a name, link, depth, xattr or the image is too large";
	default:
		return "out of memory";
	}
}

int tree_add(struct tree *tree, const struct tree_entry *entry,
	     struct error *err)
{
	struct error detail = { 0 };
	struct place place;
	int r;

	assert(tree->layer > 0);
	r = find_place(entry->path, tree->entry_path, &place);
	if (r == 0)
		r = apply(tree, entry, &place, &detail);
	if (r < 0)
		return error_set(err, r == -ELOOP ? -EINVAL : r,
				 "cannot add \"%.300s\": %s", entry->path,
				 detail.code ? detail.text : describe(r));
	return 0;
}

void tree_begin_layer(struct tree *tree, uint32_t blob)
{
	assert(blob < INDEX_FORMAT_BLOB_COUNT_MAX);
	assert(tree->layer < UINT32_MAX - 1);
	tree->layer++;
	tree->blob = blob;
	tree->is_plain = false;
}

void tree_begin_plain(struct tree *tree, uint32_t blob)
{
	tree_begin_layer(tree, blob);
	tree->is_plain = true;
}

struct tree *tree_create(void)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (tree && tree_node_init(tree) < 0) {
		tree_destroy(tree);
		return NULL;
	}
	return tree;
}

void tree_destroy(struct tree *tree)
{
	if (!tree)
		return;
	tree_node_fini(tree);
	free(tree);
}
