/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the directories, with a stack.  When a directory's turn comes
 * its entries are sorted, those that have no number yet get the next ones and
 * their inode records, then the directory's own record is completed and its
 * subdirectories go on the stack.
 */
#include "index/tree_layout.h"

#include "common/cleanup.h"
#include "common/le.h"
#include "index/index_format.h"
#include "index/tree_node.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Where the strings of a pool went in their section. */
struct placement {
	const struct tree_pool *pool;
	struct buffer *section;
	size_t prefix_size; /* bytes of the length before each: 0, 1, 2 */
	uint32_t *offs;	    /* by number; TREE_POOL_NONE: not yet */
};

struct builder {
	struct tree *tree;
	struct tree_layout *layout;
	struct placement names;
	struct placement symlinks;
	struct placement owners;
	struct placement xattrs;
	struct buffer children; /* uint32_t: nodes of the current directory */
	struct buffer stack;	/* uint32_t: directories to do */
	uint32_t inode_count;	/* numbered so far */
};

static int placement_init(struct placement *placement,
			  const struct tree_pool *pool, struct buffer *section,
			  size_t prefix_size)
{
	size_t size = (tree_pool_count(pool) + (size_t)1) * sizeof(uint32_t);

	*placement = (struct placement){
		.pool = pool,
		.section = section,
		.prefix_size = prefix_size,
		.offs = malloc(size),
	};
	if (!placement->offs)
		return -ENOMEM;
	memset(placement->offs, 0xff, size);
	return 0;
}

/* The offset of a string in its section, put there when it is not yet. */
static int place(struct placement *placement, uint32_t number,
		 uint32_t *ret_off)
{
	uint32_t *off = &placement->offs[number];
	uint8_t prefix[2];
	size_t size;
	const uint8_t *data;
	int r;

	if (*off == TREE_POOL_NONE) {
		data = tree_pool_at(placement->pool, number, &size);
		le_store16(prefix, (uint16_t)size);
		*off = (uint32_t)placement->section->size;
		r = buffer_append(placement->section, prefix,
				  placement->prefix_size);
		if (r == 0)
			r = buffer_append(placement->section, data, size);
		if (r < 0)
			return r;
	}
	*ret_off = *off;
	return 0;
}

/* A file's extents, copied so that they lie in the order of the inodes. */
static int place_extents(struct builder *builder,
			 const struct tree_inode *inode, uint64_t *ret_data)
{
	const struct index_format_extent *all =
		(const void *)builder->tree->extents.data;
	struct buffer *section = &builder->layout->extents;
	uint64_t first = section->size / sizeof(*all);
	uint64_t count = inode->data & UINT32_MAX;
	int r = 0;

	if (count)
		r = buffer_append(section, all + (inode->data >> 32),
				  count * sizeof(*all));
	if (r == 0)
		*ret_data = first << 32 | count;
	return r;
}

static int place_data(struct builder *builder, const struct tree_inode *inode,
		      uint64_t *ret_data)
{
	uint32_t off;
	int r;

	if (S_ISLNK(inode->mode)) {
		r = place(&builder->symlinks, (uint32_t)inode->data, &off);
		if (r == 0)
			*ret_data = off;
		return r;
	}
	if (inode->has_extents)
		return place_extents(builder, inode, ret_data);
	*ret_data = inode->data;
	return 0;
}

/* Appends an inode's record; a directory's is completed later. */
static int add_inode(struct builder *builder, struct tree_inode *inode,
		     uint32_t parent)
{
	struct index_format_inode record = { 0 };
	uint32_t owner = 0;
	uint32_t xattr = 0;
	uint64_t data = 0;
	int r;

	r = place(&builder->owners, inode->owner, &owner);
	if (r == 0 && inode->xattrs != TREE_POOL_NONE) {
		r = place(&builder->xattrs, inode->xattrs, &xattr);
		xattr++;
	}
	if (r == 0)
		r = place_data(builder, inode, &data);
	if (r < 0)
		return r;
	inode->number = ++builder->inode_count;
	le_store16(record.mode, inode->mode);
	le_store16(record.flags,
		   inode->has_extents ? INDEX_FORMAT_INODE_EXTENTS : 0);
	le_store32(record.owner, owner / sizeof(struct index_format_owner));
	le_store32(record.nlink, inode->links);
	le_store32(record.xattr, xattr);
	le_store64(record.size, S_ISDIR(inode->mode)
					? INDEX_FORMAT_DIRECTORY_SIZE
					: inode->size);
	le_store64(record.mtime_s, (uint64_t)inode->mtime_s);
	le_store32(record.mtime_ns, inode->mtime_ns);
	le_store32(record.parent, parent);
	le_store64(record.data, data);
	r = buffer_append(&builder->layout->inodes, &record, sizeof(record));
	if (r == 0 && inode->facts) {
		const struct tree_layout_facts facts = {
			.inode = inode->number,
			.facts = inode->facts - 1,
		};

		r = buffer_append(&builder->layout->facts, &facts,
				  sizeof(facts));
	}
	return r;
}

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct tree *tree = arg;
	size_t x_size;
	size_t y_size;
	const uint8_t *x = tree_pool_at(
		&tree->names, tree_node_at(tree, *(const uint32_t *)a)->name,
		&x_size);
	const uint8_t *y = tree_pool_at(
		&tree->names, tree_node_at(tree, *(const uint32_t *)b)->name,
		&y_size);

	return index_format_compare(x, x_size, y, y_size);
}

static int collect_children(struct builder *builder, uint32_t dir)
{
	struct buffer *children = &builder->children;
	uint32_t node = tree_node_at(builder->tree, dir)->first_child;
	int r = 0;

	children->size = 0;
	while (node != TREE_NODE_NONE && r == 0) {
		r = buffer_append(children, &node, sizeof(node));
		node = tree_node_at(builder->tree, node)->next;
	}
	if (r == 0 && children->size)
		qsort_r(children->data, children->size / sizeof(node),
			sizeof(node), compare_names, builder->tree);
	return r;
}

static int add_dirent(struct builder *builder, uint32_t parent, uint32_t node)
{
	struct tree_inode *inode = tree_node_inode(builder->tree, node);
	struct index_format_dirent record;
	uint32_t name_off = 0;
	int r = 0;

	if (inode->number == 0)
		r = add_inode(builder, inode, parent);
	if (r == 0)
		r = place(&builder->names,
			  tree_node_at(builder->tree, node)->name, &name_off);
	if (r < 0)
		return r;
	le_store32(record.inode, inode->number);
	le_store32(record.name_off, name_off);
	return buffer_append(&builder->layout->dirents, &record,
			     sizeof(record));
}

static int add_directory(struct builder *builder, uint32_t dir)
{
	uint32_t number = tree_node_inode(builder->tree, dir)->number;
	struct buffer *dirents = &builder->layout->dirents;
	uint64_t first = dirents->size / sizeof(struct index_format_dirent);
	struct index_format_inode *record;
	const uint32_t *children;
	uint32_t count;
	uint32_t nlink = 2;
	int r = collect_children(builder, dir);

	if (r < 0)
		return r;
	children = (const void *)builder->children.data;
	count = (uint32_t)(builder->children.size / sizeof(*children));
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = add_dirent(builder, number, children[i]);
	for (uint32_t i = count; i-- > 0 && r == 0;) {
		if (!tree_node_is_directory(builder->tree, children[i]))
			continue;
		nlink++;
		r = buffer_append(&builder->stack, &children[i],
				  sizeof(*children));
	}
	if (r < 0)
		return r;
	record = (struct index_format_inode *)builder->layout->inodes.data +
		 (number - 1);
	le_store32(record->nlink, nlink);
	le_store64(record->data, first << 32 | count);
	return 0;
}

static int add_all(struct builder *builder)
{
	struct tree *tree = builder->tree;
	struct buffer *stack = &builder->stack;
	size_t all = tree->inodes.size / sizeof(struct tree_inode);
	uint32_t dir = TREE_NODE_ROOT;
	int r;

	for (uint32_t i = 0; i < all; i++)
		if (tree_node_inode_at(tree, i)->links > 0)
			tree_node_inode_at(tree, i)->number = 0;
	r = add_inode(builder, tree_node_inode(tree, dir), 1);
	if (r == 0)
		r = buffer_append(stack, &dir, sizeof(dir));
	while (r == 0 && stack->size > 0) {
		stack->size -= sizeof(dir);
		memcpy(&dir, stack->data + stack->size, sizeof(dir));
		r = add_directory(builder, dir);
	}
	assert(r < 0 || builder->inode_count == tree->inode_count);
	return r;
}

int tree_layout_build(struct tree *tree, struct tree_layout *layout)
{
	const struct buffer empty =
		BUFFER_INIT(INDEX_FORMAT_SECTION_RAW_SIZE_MAX);
	struct builder builder = {
		.tree = tree,
		.layout = layout,
		.children = empty,
		.stack = empty,
	};
	int r;

	*layout = (struct tree_layout){ empty, empty, empty, empty,
					empty, empty, empty, empty };
	r = placement_init(&builder.names, &tree->names, &layout->names, 1);
	if (r == 0)
		r = placement_init(&builder.symlinks, &tree->targets,
				   &layout->symlinks, 2);
	if (r == 0)
		r = placement_init(&builder.owners, &tree->owners,
				   &layout->owners, 0);
	if (r == 0)
		r = placement_init(&builder.xattrs, &tree->xattrs,
				   &layout->xattrs, 0);
	if (r == 0)
		r = add_all(&builder);
	free(builder.names.offs);
	free(builder.symlinks.offs);
	free(builder.owners.offs);
	free(builder.xattrs.offs);
	buffer_fini(&builder.children);
	buffer_fini(&builder.stack);
	return r;
}

void tree_layout_fini(struct tree_layout *layout)
{
	buffer_fini(&layout->owners);
	buffer_fini(&layout->inodes);
	buffer_fini(&layout->dirents);
	buffer_fini(&layout->names);
	buffer_fini(&layout->symlinks);
	buffer_fini(&layout->xattrs);
	buffer_fini(&layout->extents);
	buffer_fini(&layout->facts);
}

const uint8_t *tree_layout_get_facts(const struct tree *tree, uint32_t facts,
				     size_t *ret_size)
{
	return tree_pool_at(&tree->facts, facts, ret_size);
}
