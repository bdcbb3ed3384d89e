/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_module.h"

#include "index/index_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_SIZE = 256 /* of one file */ };

enum rank { NOT_THERE, BYTECODE, SOURCE, EXTENSION, PACKAGE };

static bool has_text(const char *name, size_t size, const char *text)
{
	return size == strlen(text) && memcmp(name, text, size) == 0;
}

/* What an entry called NAME + @rest is of a module NAME. */
static enum rank rank_of(const struct hint_module_rules *rules,
			 const char *rest, size_t size)
{
	if (size == 0)
		return PACKAGE; /* when it is a directory */
	if (has_text(rest, size, ".py"))
		return SOURCE;
	if (has_text(rest, size, ".pyc"))
		return BYTECODE;
	if (has_text(rest, size, ".so") || has_text(rest, size, ".abi3.so") ||
	    (rules->suffix[0] && has_text(rest, size, rules->suffix)))
		return EXTENSION;
	return NOT_THERE;
}

uint32_t hint_module_find_compiled(const struct index_file *index,
				   const struct hint_module_rules *rules,
				   uint32_t dir, const char *name, size_t size)
{
	char path[NAME_SIZE + 64];

	if (size >= NAME_SIZE)
		return 0;
	snprintf(path, sizeof(path), "__pycache__/%.*s.cpython-3%u.pyc",
		 (int)size, name, rules->minor);
	return index_file_find_at(index, dir, path, S_IFREG);
}

static uint32_t file_of(const struct index_file *index,
			const struct index_dirent *dirent, uint32_t dir)
{
	struct index_inode inode;
	char name[NAME_SIZE];

	if (index_file_get_inode(index, dirent->inode, &inode) < 0)
		return 0;
	if (!S_ISLNK(inode.mode))
		return dirent->inode;
	memcpy(name, dirent->name, dirent->name_size);
	name[dirent->name_size] = '\0';
	return index_file_resolve_at(index, dir, name, true, &inode.number) < 0
		       ? 0
		       : inode.number;
}

/* The best entry for a module's name, up to rank @max; names that go on with
 * what sorts behind
 * "." are others' names. */
static enum rank find_entry(const struct index_file *index,
			    const struct hint_module_rules *rules, uint32_t dir,
			    const char *name, size_t size, enum rank max,
			    uint32_t *ret_inode)
{
	enum rank best = NOT_THERE;
	struct index_dirent dirent;
	uint32_t position;

	if (index_file_find_dirent(index, dir, name, size, &position) < 0)
		return NOT_THERE;
	for (; index_file_get_dirent(index, dir, position, &dirent) == 0;
	     position++) {
		enum rank rank;
		uint32_t inode;

		if (dirent.name_size < size ||
		    memcmp(dirent.name, name, size) != 0 ||
		    (dirent.name_size > size && dirent.name[size] > '.'))
			break;
		rank = rank_of(rules, dirent.name + size,
			       dirent.name_size - size);
		if (rank <= best || rank > max)
			continue;
		inode = file_of(index, &dirent, dir);
		if (inode == 0 ||
		    (rank == PACKAGE) != index_file_is_directory(index, inode))
			continue;
		best = rank;
		*ret_inode = inode;
	}
	return best;
}

static uint32_t file_to_read(const struct index_file *index,
			     const struct hint_module_rules *rules,
			     uint32_t dir, const char *name, size_t size,
			     enum rank rank, uint32_t inode)
{
	uint32_t compiled = rank == SOURCE
				    ? hint_module_find_compiled(index, rules,
								dir, name, size)
				    : 0;

	return compiled ? compiled : inode;
}

/* What is read of the module in @dir, as a file; 0: there is none. */
static uint32_t find_file(const struct index_file *index,
			  const struct hint_module_rules *rules, uint32_t dir,
			  const char *name, size_t size)
{
	uint32_t inode = 0;
	enum rank rank =
		find_entry(index, rules, dir, name, size, EXTENSION, &inode);

	return rank == NOT_THERE ? 0
				 : file_to_read(index, rules, dir, name, size,
						rank, inode);
}

bool hint_module_find(const struct index_file *index,
		      const struct hint_module_rules *rules, uint32_t dir,
		      const char *name, size_t size, struct hint_module *ret)
{
	static const char init[] = "__init__";
	struct hint_module module = { 0 };
	uint32_t inode = 0;
	enum rank rank;

	if (size == 0 || size >= NAME_SIZE)
		return false;
	rank = find_entry(index, rules, dir, name, size, PACKAGE, &inode);
	if (rank == NOT_THERE)
		return false;
	if (rank == PACKAGE) {
		module.dir = inode;
		module.file =
			find_file(index, rules, inode, init, strlen(init));
	}
	/* a folder without __init__ is what is left when nothing else is */
	if (module.file == 0) {
		module.file = find_file(index, rules, dir, name, size);
		if (module.file)
			module.dir = 0;
	}
	*ret = module;
	return true;
}
