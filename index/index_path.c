/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What remains of a path is kept at the end of a fixed buffer, so that a
 * symlink's target can be put in front of it.
 */
#include "index/index_file.h"

#include "index/index_format.h"

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
	size_t pos; /* of the rest in @buffer */
	char buffer[REST_SIZE_MAX];
};

static bool is_text(const char *name, size_t size, const char *text)
{
	return size == strlen(text) && memcmp(name, text, size) == 0;
}

/* Puts @path before the rest, which is empty or starts with '/'. */
static int push(struct walk *walk, const char *path, size_t size)
{
	if (size > walk->pos)
		return -ENAMETOOLONG;
	walk->pos -= size;
	memcpy(walk->buffer + walk->pos, path, size);
	return 0;
}

/* The next component; false at the end, with nothing set.  The last one with
 * a '/' behind it must be a directory. */
static bool pop(struct walk *walk, const char **ret_name, size_t *ret_size,
		bool *ret_is_last, bool *ret_must_be_dir)
{
	const char *end = walk->buffer + REST_SIZE_MAX;
	const char *p = walk->buffer + walk->pos;

	while (p < end && *p == '/')
		p++;
	*ret_name = p;
	while (p < end && *p != '/')
		p++;
	if (p == *ret_name)
		return false;
	*ret_size = (size_t)(p - *ret_name);
	*ret_must_be_dir = p < end;
	walk->pos = (size_t)(p - walk->buffer);
	while (p < end && *p == '/')
		p++;
	*ret_is_last = p == end;
	return true;
}

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
	return r < 0 ? r : push(walk, target, size);
}

static int go_to(struct walk *walk, uint32_t number)
{
	int r = index_file_get_inode(walk->index, number, &walk->inode);

	return r == -ENOENT ? -EBADMSG : r;
}

static int step(struct walk *walk, const char *name, size_t size,
		bool follow_symlink)
{
	struct index_inode child;
	uint32_t number;
	int r;

	if (!S_ISDIR(walk->inode.mode))
		return -ENOTDIR;
	if (is_text(name, size, "."))
		return 0;
	if (is_text(name, size, ".."))
		return go_to(walk, walk->inode.parent);
	if (size > INDEX_FORMAT_NAME_SIZE_MAX)
		return -ENAMETOOLONG;
	r = index_file_lookup(walk->index, walk->inode.number, name, size,
			      &number);
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

int index_file_resolve(const struct index_file *index, const char *path,
		       bool follow_final, uint32_t *ret_inode)
{
	struct walk walk = { .index = index, .pos = REST_SIZE_MAX };
	bool must_be_dir = false;
	bool is_last;
	const char *name;
	size_t size;
	int r = go_to(&walk, INDEX_ROOT);

	if (r == 0)
		r = push(&walk, path, strlen(path));
	while (r == 0 && pop(&walk, &name, &size, &is_last, &must_be_dir))
		r = step(&walk, name, size,
			 !is_last || must_be_dir || follow_final);
	if (r < 0)
		return r;
	if (must_be_dir && !S_ISDIR(walk.inode.mode))
		return -ENOTDIR;
	*ret_inode = walk.inode.number;
	return 0;
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
