/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_import.h"

#include "common/buffer.h"
#include "index/hint_module.h"
#include "index/hint_python.h"
#include "index/index_file.h"

#include <stdbool.h>
#include <string.h>

enum {
	FROZEN_SINCE = 11, /* version 3.11 */
	DEPTH_MAX = 64,	   /* of packages */
};

/* What the interpreter of 3.11 and later has compiled into it.  An older one
 * reads most of them when it starts. */
static const char *const frozen[] = {
	"_collections_abc",
	"_sitebuiltins",
	"abc",
	"codecs",
	"genericpath",
	"io",
	"ntpath",
	"os",
	"posixpath",
	"runpy",
	"site",
	"stat",
	"zipimport",
};

/* And of the package importlib: the first two under other names, in any
 * version. */
static const char *const frozen_of_importlib[] = {
	"_bootstrap",
	"_bootstrap_external",
	"machinery",
	"util",
};

static const char *const always_started[] = {
	"encodings",
	"encodings.aliases",
	"encodings.utf_8",
	"sitecustomize",
};

static const char *const started_unless_frozen[] = {
	"_collections_abc",
	"_sitebuiltins",
	"abc",
	"codecs",
	"genericpath",
	"io",
	"os",
	"posixpath",
	"site",
	"stat",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct hint_module_rules *rules_of(
	const struct hint_importer *importer)
{
	return hint_pythons_rules(importer->pythons, importer->python);
}

static bool find(const struct hint_importer *importer, uint32_t dir,
		 const char *name, size_t size, struct hint_module *ret)
{
	return hint_module_find(importer->index, rules_of(importer), dir, name,
				size, ret);
}

static bool is_among(const char *const *names, size_t count, const char *name,
		     size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (size == strlen(names[i]) &&
		    memcmp(name, names[i], size) == 0)
			return true;
	return false;
}

/* @package: that the module is of; 0: of none */
static bool is_frozen(const struct hint_importer *importer, uint32_t package,
		      const char *name, size_t size)
{
	bool is_new = rules_of(importer)->minor >= FROZEN_SINCE;
	uint32_t number;

	if (package == 0)
		return is_new && is_among(frozen, COUNT(frozen), name, size);
	return is_among(frozen_of_importlib,
			is_new ? COUNT(frozen_of_importlib) : 2, name, size) &&
	       index_file_lookup(importer->index,
				 hint_pythons_root(importer->pythons,
						   importer->python, 0),
				 "importlib", strlen("importlib"),
				 &number) == 0 &&
	       number == package;
}

static uint32_t parent_of(const struct hint_importer *importer, uint32_t dir)
{
	struct index_inode inode;

	return index_file_get_inode(importer->index, dir, &inode) == 0
		       ? inode.parent
		       : INDEX_ROOT;
}

/* Whether the source lies in this package: then it has been imported. */
static bool is_around(const struct hint_importer *importer, uint32_t package)
{
	uint32_t dir = importer->dir;

	for (unsigned i = 0; dir && i < DEPTH_MAX && dir != INDEX_ROOT; i++) {
		if (dir == package)
			return true;
		dir = parent_of(importer, dir);
	}
	return false;
}

/* A module's file, unless nobody reads it: it was imported before, or is in the
 * interpreter.  @package, @name: as is_frozen() */
static int emit(const struct hint_importer *importer, uint32_t package,
		const char *name, size_t size, const struct hint_module *module,
		struct buffer *ret)
{
	if (module->file == 0 ||
	    (module->dir && is_around(importer, module->dir)) ||
	    is_frozen(importer, package, name, size))
		return 0;
	return buffer_append(ret, &module->file, sizeof(module->file));
}

/* "b.c" in a package, each part in the one before; @ret_module is all zero
 * when something is not there. */
static int walk(const struct hint_importer *importer, uint32_t dir,
		const char *name, const char *end, struct buffer *ret,
		struct hint_module *ret_module)
{
	int r = 0;

	*ret_module = (struct hint_module){ .dir = dir };
	while (name < end && r == 0) {
		const char *dot = memchr(name, '.', (size_t)(end - name));
		size_t size = (size_t)((dot ? dot : end) - name);
		uint32_t package = ret_module->dir;

		if (package == 0 ||
		    !find(importer, package, name, size, ret_module)) {
			*ret_module = (struct hint_module){ 0 };
			return 0;
		}
		r = emit(importer, package, name, size, ret_module, ret);
		name += size + 1;
	}
	return r;
}

static int find_first(const struct hint_importer *importer, const char *name,
		      size_t size, struct hint_module *ret)
{
	int r = hint_pythons_search(importer->pythons, importer->python, name,
				    size, ret);
	struct hint_module own;
	uint32_t root;

	if (r < 0 || ret->file || importer->dir == 0)
		return r;
	root = hint_pythons_root_of(importer->pythons, importer->dir);
	if (find(importer, root, name, size, &own) &&
	    (own.file || ret->dir == 0))
		*ret = own;
	return 0;
}

static int import_absolute(const struct hint_importer *importer,
			   const char *name, const char *end,
			   struct buffer *ret, struct hint_module *ret_module)
{
	const char *dot = memchr(name, '.', (size_t)(end - name));
	size_t size = (size_t)((dot ? dot : end) - name);
	int r;

	*ret_module = (struct hint_module){ 0 };
	if (size == 0)
		return 0;
	r = find_first(importer, name, size, ret_module);
	if (r == 0)
		r = emit(importer, 0, name, size, ret_module, ret);
	if (r < 0 || !dot)
		return r;
	if (ret_module->dir == 0) {
		*ret_module = (struct hint_module){ 0 };
		return 0;
	}
	return walk(importer, ret_module->dir, dot + 1, end, ret, ret_module);
}

/* One dot is the source's own package, each further one goes up. */
static int import_relative(const struct hint_importer *importer,
			   const char *name, const char *end,
			   struct buffer *ret, struct hint_module *ret_module)
{
	uint32_t dir = importer->dir;

	*ret_module = (struct hint_module){ 0 };
	if (dir == 0)
		return 0;
	for (name++; name < end && *name == '.'; name++)
		dir = parent_of(importer, dir);
	return walk(importer, dir, name, end, ret, ret_module);
}

int hint_import_resolve(const struct hint_importer *importer,
			const char *import, size_t size, struct buffer *ret)
{
	const char *end = import + size;
	const char *stop = size ? memchr(import, 0, size) : NULL;
	struct hint_module module;
	int r;

	if (size == 0)
		return 0;
	if (!stop)
		stop = end;
	r = import[0] == '.'
		    ? import_relative(importer, import, stop, ret, &module)
		    : import_absolute(importer, import, stop, ret, &module);
	while (r == 0 && stop < end && module.dir) {
		const char *name = stop + 1;
		struct hint_module part;

		stop = memchr(name, 0, (size_t)(end - name));
		if (!stop)
			stop = end;
		if (find(importer, module.dir, name, (size_t)(stop - name),
			 &part))
			r = emit(importer, module.dir, name,
				 (size_t)(stop - name), &part, ret);
	}
	return r;
}

int hint_import_if_whole(const struct hint_importer *importer, const char *name,
			 size_t size, struct buffer *ret)
{
	size_t before = ret->size;
	struct hint_module module;
	int r = import_absolute(importer, name, name + size, ret, &module);

	if (r == 0 && module.file == 0)
		ret->size = before;
	return r;
}

/* The .pth files of the folders of packages, which site reads. */
static int add_path_files(const struct hint_importer *importer,
			  struct buffer *ret)
{
	struct index_dirent dirent;
	uint32_t root;
	int r = 0;

	for (size_t i = 1;
	     (root = hint_pythons_root(importer->pythons, importer->python, i));
	     i++)
		for (uint32_t j = 0;
		     r == 0 && index_file_get_dirent(importer->index, root, j,
						     &dirent) == 0;
		     j++)
			if (dirent.name_size > 4 &&
			    memcmp(dirent.name + dirent.name_size - 4, ".pth",
				   4) == 0)
				r = buffer_append(ret, &dirent.inode,
						  sizeof(dirent.inode));
	return r;
}

static int import_names(const struct hint_importer *importer,
			const char *const *names, size_t count,
			struct buffer *ret)
{
	struct hint_module module;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = import_absolute(importer, names[i],
				    names[i] + strlen(names[i]), ret, &module);
	return r;
}

int hint_import_start(const struct hint_importer *importer, struct buffer *ret)
{
	int r = import_names(importer, always_started, COUNT(always_started),
			     ret);

	if (r == 0)
		r = import_names(importer, started_unless_frozen,
				 COUNT(started_unless_frozen), ret);
	return r < 0 ? r : add_path_files(importer, ret);
}

uint32_t hint_import_own_file(const struct hint_importer *importer,
			      const char *name, size_t size)
{
	struct hint_module module;
	uint32_t compiled = hint_module_find_compiled(
		importer->index, rules_of(importer), importer->dir, name, size);

	if (compiled)
		return compiled;
	/* "__init__" is no module's name */
	return size != strlen("__init__") && find(importer, importer->dir, name,
						  size, &module)
		       ? module.file
		       : 0;
}
