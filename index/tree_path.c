/* SPDX-License-Identifier: Apache-2.0 */
#include "index/tree_path.h"

#include "index/path_rest.h"
#include "index/tree_node.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { SYMLINK_COUNT_MAX = 255 }; /* as in Go's filepath-securejoin */

static bool is_text(const char *name, size_t size, const char *text)
{
	return size == strlen(text) && memcmp(name, text, size) == 0;
}

int tree_path_clean(const char *path, char *ret, size_t *ret_size)
{
	size_t done = 0;

	for (;;) {
		size_t size;

		path += strspn(path, "/");
		size = strcspn(path, "/");
		if (size == 0)
			break;
		if (is_text(path, size, "..")) {
			done = tree_path_split(ret, done);
			done -= done > 0;
		} else if (!is_text(path, size, ".")) {
			if (size + 1 > TREE_PATH_SIZE_MAX - done)
				return -EFBIG;
			if (done)
				ret[done++] = '/';
			memcpy(ret + done, path, size);
			done += size;
		}
		path += size;
	}
	*ret_size = done;
	return 0;
}

size_t tree_path_split(const char *path, size_t size)
{
	const char *slash = size ? memrchr(path, '/', size) : NULL;

	return slash ? (size_t)(slash - path) + 1 : 0;
}

struct walk {
	struct tree *tree;
	uint32_t node;
	unsigned symlink_count;
	struct path_rest rest; /* in tree->walk_path */
};

static int follow(struct walk *walk, uint32_t symlink)
{
	struct tree *tree = walk->tree;
	uint64_t number = tree_node_inode(tree, symlink)->data;
	size_t size;
	const uint8_t *target =
		tree_pool_at(&tree->targets, (uint32_t)number, &size);

	if (++walk->symlink_count > SYMLINK_COUNT_MAX)
		return -ELOOP;
	if (target[0] == '/')
		walk->node = TREE_NODE_ROOT;
	return path_rest_push(&walk->rest, target, size);
}

static int step(struct walk *walk, const struct path_rest_component *component,
		bool create)
{
	struct tree *tree = walk->tree;
	uint32_t child;

	if (path_rest_is(component, "."))
		return 0;
	if (path_rest_is(component, "..")) {
		walk->node = tree_node_at(tree, walk->node)->parent;
		return 0;
	}
	child = tree_node_find(tree, walk->node, component->name,
			       component->size);
	if (child != TREE_NODE_NONE) {
		if (S_ISLNK(tree_node_inode(tree, child)->mode))
			return follow(walk, child);
		if (tree_node_is_directory(tree, child)) {
			walk->node = child;
			return 0;
		}
	}
	if (!create)
		return child == TREE_NODE_NONE ? -ENOENT : -ENOTDIR;
	if (child != TREE_NODE_NONE)
		tree_node_remove(tree, child);
	return tree_node_add_implied(tree, walk->node, component->name,
				     component->size, &walk->node);
}

int tree_path_walk(struct tree *tree, const char *path, size_t size,
		   bool create, uint32_t *ret_node)
{
	struct walk walk = { .tree = tree, .node = TREE_NODE_ROOT };
	struct path_rest_component component;
	int r;

	path_rest_init(&walk.rest, tree->walk_path, sizeof(tree->walk_path));
	r = path_rest_push(&walk.rest, path, size);
	while (r == 0 && path_rest_pop(&walk.rest, &component))
		r = step(&walk, &component, create);
	if (r < 0)
		return r == -ENAMETOOLONG ? -EFBIG : r;
	*ret_node = walk.node;
	return 0;
}
