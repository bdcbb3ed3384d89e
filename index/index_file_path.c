/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_file.h"

#include "index/index_format.h"
#include "index/path_rest.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	SYMLINK_COUNT_MAX = 40,	  /* as Linux */
	REST_SIZE_MAX = 16 << 10, /* of a path with targets put in */
};

struct walk {
	const struct index_file *index;
	struct index_inode inode; /* where we are */
	unsigned symlink_count;
	struct path_rest rest;
};

static int follow(struct walk *walk, uint32_t symlink)
{
	const char *target;
	size_t size;
	int r;

	if (++walk->symlink_count > SYMLINK_COUNT_MAX)
		return -ELOOP;
	r = index_file_get_symlink(walk->index, symlink, &target, &size);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	if (target[0] == '/')
		r = index_file_get_inode(walk->index, INDEX_ROOT, &walk->inode);
	return r < 0 ? r : path_rest_push(&walk->rest, target, size);
}

static int go_to(struct walk *walk, uint32_t number)
{
	int r = index_file_get_inode(walk->index, number, &walk->inode);

	return r == -ENOENT ? -EBADMSG : r;
}

static int step(struct walk *walk, const struct path_rest_component *component,
		bool follow_final)
{
	bool follow_symlink =
		follow_final || !component->is_last || component->must_be_dir;
	struct index_inode child;
	uint32_t number;
	int r;

	if (!S_ISDIR(walk->inode.mode))
		return -ENOTDIR;
	if (path_rest_is(component, "."))
		return 0;
	if (path_rest_is(component, ".."))
		return go_to(walk, walk->inode.parent);
	if (component->size > INDEX_FORMAT_NAME_SIZE_MAX)
		return -ENAMETOOLONG;
	r = index_file_lookup(walk->index, walk->inode.number, component->name,
			      component->size, &number);
	if (r < 0)
		return r;
	r = index_file_get_inode(walk->index, number, &child);
	if (r < 0)
		return r == -ENOENT ? -EBADMSG : r;
	if (S_ISLNK(child.mode) && follow_symlink)
		return follow(walk, number);
	walk->inode = child;
	return 0;
}

int index_file_resolve_at(const struct index_file *index, uint32_t dir,
			  const char *path, bool follow_final,
			  uint32_t *ret_inode)
{
	char buffer[REST_SIZE_MAX];
	struct walk walk = { .index = index };
	struct path_rest_component component = { 0 };
	int r = go_to(&walk, path[0] == '/' ? INDEX_ROOT : dir);

	path_rest_init(&walk.rest, buffer, sizeof(buffer));
	if (r == 0)
		r = path_rest_push(&walk.rest, path, strlen(path));
	while (r == 0 && path_rest_pop(&walk.rest, &component))
		r = step(&walk, &component, follow_final);
	if (r < 0)
		return r;
	if (component.must_be_dir && !S_ISDIR(walk.inode.mode))
		return -ENOTDIR;
	*ret_inode = walk.inode.number;
	return 0;
}

int index_file_resolve(const struct index_file *index, const char *path,
		       bool follow_final, uint32_t *ret_inode)
{
	return index_file_resolve_at(index, INDEX_ROOT, path, follow_final,
				     ret_inode);
}

/* The name of @inode in its parent directory. */
static int find_name(const struct index_file *index,
		     const struct index_inode *inode, struct index_dirent *ret)
{
	for (uint32_t i = 0;; i++) {
		int r = index_file_get_dirent(index, inode->parent, i, ret);

		if (r == -ENOENT || r == -ENOTDIR)
			return -EBADMSG;
		if (r < 0 || ret->inode == inode->number)
			return r;
	}
}

int index_file_get_path(const struct index_file *index, uint32_t number,
			char *ret, size_t capacity)
{
	struct index_inode inode;
	struct index_dirent dirent;
	size_t pos = capacity;
	int r = index_file_get_inode(index, number, &inode);

	if (capacity < 2)
		return -ENAMETOOLONG;
	ret[--pos] = '\0';
	while (r == 0 && inode.number != INDEX_ROOT) {
		r = find_name(index, &inode, &dirent);
		if (r < 0)
			return r;
		if (dirent.name_size >= pos)
			return -ENAMETOOLONG;
		pos -= dirent.name_size;
		memcpy(ret + pos, dirent.name, dirent.name_size);
		ret[--pos] = '/';
		r = index_file_get_inode(index, inode.parent, &inode);
	}
	if (r < 0)
		return r == -ENOENT ? -EBADMSG : r;
	if (pos == capacity - 1)
		ret[--pos] = '/';
	memmove(ret, ret + pos, capacity - pos);
	return 0;
}

uint32_t index_file_find_at(const struct index_file *index, uint32_t dir,
			    const char *path, uint32_t type)
{
	struct index_inode inode;
	uint32_t number;

	if (index_file_resolve_at(index, dir, path, true, &number) < 0 ||
	    index_file_get_inode(index, number, &inode) < 0 ||
	    (inode.mode & S_IFMT) != type)
		return 0;
	return number;
}

bool index_file_is_directory(const struct index_file *index, uint32_t number)
{
	struct index_inode inode;

	return index_file_get_inode(index, number, &inode) == 0 &&
	       S_ISDIR(inode.mode);
}
