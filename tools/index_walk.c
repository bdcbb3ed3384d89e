/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/index_walk.h"

#include "common/error.h"
#include "index/index_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 1024 };

/* A directory that is being read. */
struct level {
	uint32_t directory;
	uint32_t position;
	size_t path_len; /* of the directory's own path */
};

struct walk {
	const struct index_file *index;
	index_walk_fn *fn;
	void *arg;
	char path[PATH_MAX];
	struct level levels[DEPTH_MAX];
	size_t depth;
	uint8_t *is_entered; /* a bit per inode */
};

static int damaged(struct error *err, const char *path)
{
	return error_set(err, -EBADMSG, "the index is damaged at %s", path);
}

/* Report one path; go into it when it is a directory not entered before. */
static int visit(struct walk *walk, uint32_t number, size_t path_len,
		 struct error *err)
{
	struct index_inode inode;
	uint8_t bit = (uint8_t)(1 << number % 8);
	int r;

	if (index_file_get_inode(walk->index, number, &inode) < 0)
		return damaged(err, walk->path);
	r = walk->fn(walk->arg, path_len ? walk->path : "/", &inode, err);
	if (r < 0 || !S_ISDIR(inode.mode))
		return r;
	if (walk->is_entered[number / 8] & bit || walk->depth == DEPTH_MAX)
		return damaged(err, walk->path);
	walk->is_entered[number / 8] |= bit;
	walk->levels[walk->depth++] = (struct level){
		.directory = number,
		.path_len = path_len,
	};
	return 0;
}

static int step(struct walk *walk, struct error *err)
{
	struct level *level = &walk->levels[walk->depth - 1];
	struct index_dirent dirent;
	size_t len = level->path_len;
	int r;

	r = index_file_get_dirent(walk->index, level->directory,
				  level->position++, &dirent);
	if (r == -ENOENT) {
		walk->depth--;
		return 0;
	}
	if (r < 0)
		return damaged(err, walk->path);
	if (len + 1 + dirent.name_size >= sizeof(walk->path))
		return error_set(err, -ENAMETOOLONG, "a path is too long");
	walk->path[len] = '/';
	memcpy(walk->path + len + 1, dirent.name, dirent.name_size);
	len += 1 + dirent.name_size;
	walk->path[len] = '\0';
	return visit(walk, dirent.inode, len, err);
}

int index_walk(const struct index_file *index, const char *path,
	       uint32_t number, index_walk_fn *fn, void *arg, struct error *err)
{
	struct index_figures figures;
	struct walk *walk = calloc(1, sizeof(*walk));
	size_t len = strlen(path);
	int r;

	if (!walk)
		return error_set(err, -ENOMEM, "out of memory");
	index_file_get_figures(index, &figures);
	walk->index = index;
	walk->fn = fn;
	walk->arg = arg;
	walk->is_entered = calloc((size_t)figures.inode_count / 8 + 1, 1);
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (!walk->is_entered)
		r = error_set(err, -ENOMEM, "out of memory");
	else if (len >= sizeof(walk->path))
		r = error_set(err, -ENAMETOOLONG, "a path is too long");
	else {
		memcpy(walk->path, path, len);
		r = visit(walk, number, len, err);
	}
	while (r == 0 && walk->depth > 0)
		r = step(walk, err);
	free(walk->is_entered);
	free(walk);
	return r;
}
