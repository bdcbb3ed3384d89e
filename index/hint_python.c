/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_python.h"

#include "common/buffer.h"
#include "index/hint_module.h"
#include "index/index_file.h"
#include "index/tree_pool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PYTHON_COUNT_MAX = 16,
	ROOT_COUNT_MAX = 8,
	PATH_SIZE = 512,
	DEPTH_MAX = 64, /* of packages */
};

struct python {
	struct hint_module_rules rules;
	uint32_t interpreter;
	uint32_t roots[ROOT_COUNT_MAX]; /* the first is the standard library */
	size_t root_count;
	struct tree_pool names; /* that were searched for */
	struct buffer modules;	/* struct hint_module, by their numbers */
};

struct hint_pythons {
	const struct index_file *index;
	struct python items[PYTHON_COUNT_MAX];
	size_t count;
	/* the last answers about a directory */
	uint32_t last_dir;
	uint32_t last_root;
	size_t last_python;
};

/* ---- the Pythons of an image ---- */

static void add_root(struct python *python, uint32_t dir)
{
	for (size_t i = 0; i < python->root_count; i++)
		if (python->roots[i] == dir)
			return;
	if (dir && python->root_count < ROOT_COUNT_MAX)
		python->roots[python->root_count++] = dir;
}

/* From the name of any extension module of the standard library. */
static void find_suffix(const struct index_file *index, struct python *python,
			uint32_t dynload)
{
	struct index_dirent dirent;
	char sign[32];

	snprintf(sign, sizeof(sign), ".cpython-3%u-", python->rules.minor);
	for (uint32_t i = 0;
	     dynload && index_file_get_dirent(index, dynload, i, &dirent) == 0;
	     i++) {
		const char *found = memmem(dirent.name, dirent.name_size, sign,
					   strlen(sign));
		size_t size;

		if (!found)
			continue;
		size = dirent.name_size - (size_t)(found - dirent.name);
		if (size >= sizeof(python->rules.suffix))
			continue;
		memcpy(python->rules.suffix, found, size);
		python->rules.suffix[size] = '\0';
		return;
	}
}

/* "python3.11": 11; -1 for other names */
static int minor_of(const char *name, size_t size)
{
	static const char prefix[] = "python3.";
	const size_t len = strlen(prefix);
	int minor = 0;

	if (size <= len || size > len + 2 || memcmp(name, prefix, len) != 0)
		return -1;
	for (size_t i = len; i < size; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		minor = minor * 10 + (name[i] - '0');
	}
	return minor;
}

static void add_python(struct hint_pythons *pythons, const char *prefix,
		       uint32_t lib, uint32_t stdlib, unsigned minor)
{
	const struct index_file *index = pythons->index;
	struct python *python = &pythons->items[pythons->count];
	uint32_t dynload =
		index_file_find_at(index, stdlib, "lib-dynload", S_IFDIR);
	char path[PATH_SIZE];

	if (pythons->count == PYTHON_COUNT_MAX ||
	    !index_file_find_at(index, stdlib, "os.py", S_IFREG))
		return;
	for (size_t i = 0; i < pythons->count; i++)
		if (pythons->items[i].roots[0] == stdlib)
			return;
	pythons->count++;
	python->rules.minor = minor;
	tree_pool_init(&python->names);
	python->modules = (struct buffer)BUFFER_INIT(UINT32_MAX);
	add_root(python, stdlib);
	add_root(python, dynload);
	find_suffix(index, python, dynload);
	snprintf(path, sizeof(path), "/usr/local/lib/python3.%u/dist-packages",
		 minor);
	if (strcmp(prefix, "/usr") == 0)
		add_root(python, index_file_find_at(index, lib, path, S_IFDIR));
	add_root(python,
		 index_file_find_at(index, stdlib, "site-packages", S_IFDIR));
	add_root(python,
		 index_file_find_at(index, stdlib, "dist-packages", S_IFDIR));
	add_root(python, index_file_find_at(index, lib, "python3/dist-packages",
					    S_IFDIR));
	snprintf(path, sizeof(path), "%.200s/bin/python3.%u", prefix, minor);
	python->interpreter = index_file_find_at(index, lib, path, S_IFREG);
}

/* All in one prefix, the one that "python3" means first. */
static void add_prefix(struct hint_pythons *pythons, const char *prefix)
{
	const struct index_file *index = pythons->index;
	size_t first = pythons->count;
	struct index_dirent dirent;
	char path[PATH_SIZE];
	uint32_t chosen;
	uint32_t lib;

	snprintf(path, sizeof(path), "%.200s/lib", prefix);
	lib = index_file_find_at(index, INDEX_ROOT, path, S_IFDIR);
	for (uint32_t i = 0;
	     lib && index_file_get_dirent(index, lib, i, &dirent) == 0; i++) {
		int minor = minor_of(dirent.name, dirent.name_size);

		if (minor >= 0 && index_file_is_directory(index, dirent.inode))
			add_python(pythons, prefix, lib, dirent.inode,
				   (unsigned)minor);
	}
	snprintf(path, sizeof(path), "%.200s/bin/python3", prefix);
	chosen = index_file_find_at(index, INDEX_ROOT, path, S_IFREG);
	for (size_t i = first + 1; i < pythons->count && chosen; i++) {
		struct python other = pythons->items[first];

		if (pythons->items[i].interpreter != chosen)
			continue;
		pythons->items[first] = pythons->items[i];
		pythons->items[i] = other;
		break;
	}
}

int hint_pythons_create(const struct index_file *index,
			struct hint_pythons **ret)
{
	struct hint_pythons *pythons = calloc(1, sizeof(*pythons));
	struct index_dirent dirent;
	char path[PATH_SIZE + 8];
	uint32_t opt;

	if (!pythons)
		return -ENOMEM;
	pythons->index = index;
	add_prefix(pythons, "/usr/local");
	add_prefix(pythons, "/usr");
	opt = index_file_find_at(index, INDEX_ROOT, "/opt", S_IFDIR);
	for (uint32_t i = 0;
	     opt && index_file_get_dirent(index, opt, i, &dirent) == 0; i++) {
		snprintf(path, sizeof(path), "/opt/%.*s", (int)dirent.name_size,
			 dirent.name);
		add_prefix(pythons, path);
	}
	*ret = pythons;
	return 0;
}

void hint_pythons_destroy(struct hint_pythons *pythons)
{
	if (!pythons)
		return;
	for (size_t i = 0; i < pythons->count; i++) {
		tree_pool_fini(&pythons->items[i].names);
		buffer_fini(&pythons->items[i].modules);
	}
	free(pythons);
}

size_t hint_pythons_count(const struct hint_pythons *pythons)
{
	return pythons->count;
}

uint32_t hint_pythons_interpreter(const struct hint_pythons *pythons,
				  size_t number)
{
	assert(number < pythons->count);
	return pythons->items[number].interpreter;
}

/* ---- directories ---- */

static uint32_t parent_of(const struct index_file *index, uint32_t dir)
{
	struct index_inode inode;

	return index_file_get_inode(index, dir, &inode) == 0 ? inode.parent
							     : INDEX_ROOT;
}

/* The first folder from @dir upwards that is no package. */
static uint32_t root_of(const struct index_file *index, uint32_t dir)
{
	static const char init[] = "__init__.py";
	uint32_t inode;

	for (unsigned i = 0; i < DEPTH_MAX && dir != INDEX_ROOT; i++) {
		if (index_file_lookup(index, dir, init, strlen(init), &inode) <
		    0)
			break;
		dir = parent_of(index, dir);
	}
	return dir;
}

static bool name_is_minor(const struct index_file *index, uint32_t dir,
			  unsigned minor)
{
	char path[4096];
	const char *slash;

	if (index_file_get_path(index, dir, path, sizeof(path)) < 0)
		return false;
	slash = strrchr(path, '/');
	return minor_of(slash + 1, strlen(slash + 1)) == (int)minor;
}

/* The Python that has a root; else the first of a virtual environment's
 * version; else the first. */
static size_t python_of_root(const struct hint_pythons *pythons, uint32_t root)
{
	const struct index_file *index = pythons->index;

	for (size_t i = 0; i < pythons->count; i++)
		for (size_t j = 0; j < pythons->items[i].root_count; j++)
			if (pythons->items[i].roots[j] == root)
				return i;
	for (size_t i = 0; i < pythons->count; i++)
		if (name_is_minor(index, parent_of(index, root),
				  pythons->items[i].rules.minor))
			return i;
	return 0;
}

static void look_at(struct hint_pythons *pythons, uint32_t dir)
{
	uint32_t root;

	if (pythons->last_dir == dir)
		return;
	root = root_of(pythons->index, dir);
	if (root != pythons->last_root)
		pythons->last_python = python_of_root(pythons, root);
	pythons->last_root = root;
	pythons->last_dir = dir;
}

size_t hint_pythons_of(struct hint_pythons *pythons, uint32_t dir)
{
	if (pythons->count == 0)
		return 0;
	look_at(pythons, dir);
	return pythons->last_python;
}

uint32_t hint_pythons_root_of(struct hint_pythons *pythons, uint32_t dir)
{
	look_at(pythons, dir);
	return pythons->last_root;
}

const struct hint_module_rules *hint_pythons_rules(
	const struct hint_pythons *pythons, size_t number)
{
	assert(number < pythons->count);
	return &pythons->items[number].rules;
}

uint32_t hint_pythons_root(const struct hint_pythons *pythons, size_t number,
			   size_t position)
{
	assert(number < pythons->count);
	return position < pythons->items[number].root_count
		       ? pythons->items[number].roots[position]
		       : 0;
}

/* ---- search ---- */

/* Along the path, of two the regular package first. */
static void search_roots(const struct index_file *index,
			 const struct python *python, const char *name,
			 size_t size, struct hint_module *ret)
{
	struct hint_module found;

	*ret = (struct hint_module){ 0 };
	for (size_t i = 0; i < python->root_count && ret->file == 0; i++)
		if (hint_module_find(index, &python->rules, python->roots[i],
				     name, size, &found) &&
		    (found.file || ret->dir == 0))
			*ret = found;
}

int hint_pythons_search(struct hint_pythons *pythons, size_t number,
			const char *name, size_t size, struct hint_module *ret)
{
	struct python *python = &pythons->items[number];
	const struct hint_module *known;
	uint32_t count = tree_pool_count(&python->names);
	uint32_t position;
	int r = tree_pool_put(&python->names, name, size, &position);

	assert(number < pythons->count);
	if (r == 0 && position == count) {
		struct hint_module found;

		search_roots(pythons->index, python, name, size, &found);
		r = buffer_append(&python->modules, &found, sizeof(found));
	}
	if (r < 0)
		return r;
	known = (const struct hint_module *)(const void *)python->modules.data;
	*ret = known[position];
	return 0;
}
