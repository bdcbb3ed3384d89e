/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/registry_catalog.h"

#include "common/error.h"
#include "image/image_name.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct repository {
	char *name;
	char *path;
};

struct registry_catalog {
	struct repository *repositories; /* sorted by name */
	size_t count;
	size_t skipped;
	size_t folders; /* looked into so far */
};

void registry_catalog_destroy(struct registry_catalog *catalog)
{
	if (!catalog)
		return;
	for (size_t i = 0; i < catalog->count; i++) {
		free(catalog->repositories[i].name);
		free(catalog->repositories[i].path);
	}
	free(catalog->repositories);
	free(catalog);
}

static bool is_layout(const char *path)
{
	char file[PATH_MAX];
	struct stat st;
	int n = snprintf(file, sizeof(file), "%s/oci-layout", path);

	return n > 0 && (size_t)n < sizeof(file) && stat(file, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

static int add(struct registry_catalog *catalog, const char *name,
	       const char *path, struct error *err)
{
	struct repository repository = { strdup(name), strdup(path) };

	if (!repository.name || !repository.path) {
		free(repository.name);
		free(repository.path);
		return error_set(err, -ENOMEM, "out of memory");
	}
	for (char *p = repository.name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!image_name_is_repository(repository.name)) {
		free(repository.name);
		free(repository.path);
		catalog->skipped++;
		return 0;
	}
	assert(catalog->count < REGISTRY_CATALOG_COUNT_MAX);
	catalog->repositories[catalog->count++] = repository;
	return 0;
}

static int visit(struct registry_catalog *catalog, const char *path,
		 size_t root_len, unsigned depth, struct error *err);

static int visit_entry(struct registry_catalog *catalog, const char *folder,
		       const struct dirent *entry, size_t root_len,
		       unsigned depth, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

	if (n < 0 || (size_t)n >= sizeof(path) || lstat(path, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode) && !is_layout(path))
		return 0;
	if (!S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
		return 0;
	return visit(catalog, path, root_len, depth, err);
}

/* @root_len: of the part of @path that names leave out. */
static int visit(struct registry_catalog *catalog, const char *path,
		 size_t root_len, unsigned depth, struct error *err)
{
	struct dirent *entry;
	DIR *folder;
	int r = 0;

	if (++catalog->folders > REGISTRY_CATALOG_FOLDERS_MAX ||
	    catalog->count == REGISTRY_CATALOG_COUNT_MAX)
		return error_set(err, -EFBIG,
				 "%s: more than %d directories or %d layouts; "
				 "serve a smaller part",
				 path, REGISTRY_CATALOG_FOLDERS_MAX,
				 REGISTRY_CATALOG_COUNT_MAX);
	if (is_layout(path))
		return add(catalog, path + root_len + 1, path, err);
	if (depth == REGISTRY_CATALOG_DEPTH_MAX)
		return 0;
	folder = opendir(path);
	if (!folder)
		return depth > 0 ? 0
				 : error_set_errno(err, -errno,
						   "cannot read %s", path);
	while (r == 0 && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			r = visit_entry(catalog, path, entry, root_len,
					depth + 1, err);
	closedir(folder);
	return r;
}

static int visit_root(struct registry_catalog *catalog, const char *root,
		      struct error *err)
{
	autofree char *path = realpath(root, NULL);
	size_t count = catalog->count;
	size_t len;
	int r;

	if (!path)
		return error_set_errno(err, -errno, "cannot open %s", root);
	len = strlen(path);
	if (is_layout(path))
		len = (size_t)(strrchr(path, '/') - path);
	r = visit(catalog, path, len, 0, err);
	if (r < 0 || catalog->count > count)
		return r;
	return error_set(err, -ENOENT,
			 "there is no OCI layout in %s%s; make one with "
			 "`skopeo copy docker://NAME oci:%s/NAME:TAG`",
			 root,
			 catalog->skipped ? " with a name that a registry can "
					    "have (a-z, 0-9, '.', '_', '-')"
					  : "",
			 root);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct repository *)a)->name,
		      ((const struct repository *)b)->name);
}

static int sort(struct registry_catalog *catalog, struct error *err)
{
	struct repository *repositories = catalog->repositories;

	qsort(repositories, catalog->count, sizeof(*repositories), compare);
	for (size_t i = 1; i < catalog->count; i++)
		if (compare(&repositories[i - 1], &repositories[i]) == 0)
			return error_set(err, -EEXIST,
					 "%s and %s would both be named \"%s\"",
					 repositories[i - 1].path,
					 repositories[i].path,
					 repositories[i].name);
	return 0;
}

int registry_catalog_create(const char *const *roots, size_t root_count,
			    struct registry_catalog **ret, struct error *err)
{
	CLEANUP(registry_catalog_destroyp)
	struct registry_catalog *catalog = calloc(1, sizeof(*catalog));
	int r = 0;

	if (catalog)
		catalog->repositories = calloc(REGISTRY_CATALOG_COUNT_MAX,
					       sizeof(*catalog->repositories));
	if (!catalog || !catalog->repositories)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < root_count; i++)
		r = visit_root(catalog, roots[i], err);
	if (r == 0)
		r = sort(catalog, err);
	if (r < 0)
		return r;
	*ret = STEAL_PTR(catalog);
	return 0;
}

size_t registry_catalog_count(const struct registry_catalog *catalog)
{
	return catalog->count;
}

const char *registry_catalog_name(const struct registry_catalog *catalog,
				  size_t number)
{
	assert(number < catalog->count);
	return catalog->repositories[number].name;
}

size_t registry_catalog_skipped(const struct registry_catalog *catalog)
{
	return catalog->skipped;
}

const char *registry_catalog_find(const struct registry_catalog *catalog,
				  const char *name)
{
	const struct repository key = { .name = (char *)(uintptr_t)name };
	const struct repository *found =
		bsearch(&key, catalog->repositories, catalog->count,
			sizeof(*catalog->repositories), compare);

	return found ? found->path : NULL;
}
