/* SPDX-License-Identifier: Apache-2.0 */
#include "index/python_package.h"

#include "common/buffer.h"
#include "index/index_file.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

static const char cache_name[] = "__pycache__";
static const char init_name[] = "__init__.py";

struct gathering {
	const struct index_file *index;
	uint64_t left; /* stored bytes */
	uint32_t last; /* chunk added last */
	struct buffer *chunks;
};

static bool has_suffix(const struct index_dirent *entry, const char *suffix)
{
	size_t size = strlen(suffix);

	return entry->name_size >= size &&
	       memcmp(entry->name + entry->name_size - size, suffix, size) == 0;
}

static bool is_named(const struct index_dirent *entry, const char *name)
{
	return entry->name_size == strlen(name) &&
	       memcmp(entry->name, name, entry->name_size) == 0;
}

static bool find(const struct index_file *index, uint32_t dir, const char *name,
		 uint32_t *ret)
{
	return index_file_lookup(index, dir, name, strlen(name), ret) == 0;
}

static bool is_package(const struct index_file *index, uint32_t dir)
{
	uint32_t inode;

	return find(index, dir, init_name, &inode);
}

static bool is_directory(const struct index_file *index, uint32_t inode)
{
	struct index_inode found;

	return index_file_get_inode(index, inode, &found) == 0 &&
	       S_ISDIR(found.mode);
}

bool python_package_find(const struct index_file *index, uint32_t inode,
			 uint32_t *ret_dir)
{
	struct index_inode found;
	uint32_t cache;
	uint32_t dir;

	if (index_file_get_inode(index, inode, &found) < 0 ||
	    !S_ISREG(found.mode))
		return false;
	dir = found.parent;
	if (index_file_get_inode(index, dir, &found) < 0)
		return false;
	/* a module's compiled form lies one deeper */
	if (find(index, found.parent, cache_name, &cache) && cache == dir)
		dir = found.parent;
	if (!is_package(index, dir))
		return false;
	*ret_dir = dir;
	return true;
}

/* Return: whether it fitted; negative errno. */
static int add_file(struct gathering *gathering, uint32_t inode)
{
	const struct chunk_table *table = index_file_chunks(gathering->index);
	struct index_piece piece;
	struct chunk_ref ref;
	int r;

	for (uint64_t off = 0;
	     index_file_get_piece(gathering->index, inode, off, &piece) == 0;
	     off += piece.size) {
		if (piece.chunk == INDEX_NO_CHUNK ||
		    piece.chunk == gathering->last)
			continue;
		if (chunk_table_get(table, piece.chunk, &ref) < 0 ||
		    ref.stored_size > gathering->left)
			return false;
		r = buffer_append(gathering->chunks, &piece.chunk,
				  sizeof(piece.chunk));
		if (r < 0)
			return r;
		gathering->left -= ref.stored_size;
		gathering->last = piece.chunk;
	}
	return true;
}

/* Files of a directory that end so, but for those compiled by python -O. */
static int add_files(struct gathering *gathering, uint32_t dir,
		     const char *suffix)
{
	struct index_dirent entry;

	for (uint32_t i = 0; i < PYTHON_PACKAGE_ENTRIES_MAX; i++) {
		int r;

		if (index_file_get_dirent(gathering->index, dir, i, &entry) < 0)
			return 0;
		if (!has_suffix(&entry, suffix) ||
		    memmem(entry.name, entry.name_size, ".opt-", 5))
			continue;
		r = add_file(gathering, entry.inode);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_modules(struct gathering *gathering, uint32_t dir)
{
	uint32_t cache;
	int r;

	if (find(gathering->index, dir, cache_name, &cache))
		r = add_files(gathering, cache, ".pyc");
	else
		r = add_files(gathering, dir, ".py");
	return r < 0 ? r : add_files(gathering, dir, ".so");
}

static bool is_of_tests(const struct index_dirent *entry)
{
	return is_named(entry, "tests") || is_named(entry, "test") ||
	       is_named(entry, "testing");
}

/* Modules of all packages at one depth; breadth before depth. */
static int add_level(struct gathering *gathering, uint32_t dir, unsigned depth)
{
	struct index_dirent entry;
	int r = depth == 0 ? add_modules(gathering, dir) : 0;

	for (uint32_t i = 0;
	     depth > 0 && r == 0 && i < PYTHON_PACKAGE_ENTRIES_MAX; i++) {
		if (index_file_get_dirent(gathering->index, dir, i, &entry) < 0)
			return 0;
		if (!is_of_tests(&entry) &&
		    is_directory(gathering->index, entry.inode) &&
		    is_package(gathering->index, entry.inode))
			r = add_level(gathering, entry.inode, depth - 1);
	}
	return r;
}

int python_package_gather(const struct index_file *index, uint32_t dir,
			  uint64_t size_max, struct buffer *chunks)
{
	struct gathering gathering = {
		.index = index,
		.left = size_max,
		.last = INDEX_NO_CHUNK,
		.chunks = chunks,
	};
	int r = 0;

	for (unsigned depth = 0; depth <= PYTHON_PACKAGE_DEPTH && r == 0;
	     depth++)
		r = add_level(&gathering, dir, depth);
	return r;
}
