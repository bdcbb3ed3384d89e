/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_catalog: the repositories a registry server has: OCI layouts below
 * some directories, by name.
 *
 * A directory that is a layout is a repository named as the directory; one
 * that holds layouts, at most REGISTRY_CATALOG_DEPTH_MAX levels deep, gives
 * each its path relative to it.  Names are made lower case; a directory whose
 * name cannot be a repository's is counted and left out.  Hidden directories
 * and links to directories that are no layout are not entered.
 *
 * Threads: immutable once made: any.
 */
#include "common/cleanup.h"

#include <stddef.h>

struct error;
struct registry_catalog;

enum {
	REGISTRY_CATALOG_DEPTH_MAX = 8,
	REGISTRY_CATALOG_COUNT_MAX = 4096,    /* repositories */
	REGISTRY_CATALOG_FOLDERS_MAX = 65536, /* directories looked into */
};

/**
 * registry_catalog_create() - look for layouts
 * @roots: directories
 *
 * Return: 0; -ENOENT (no such directory, or no layout in it); -ENOTDIR;
 * -EACCES; -EEXIST (two layouts of one name); -EFBIG; -ENOMEM.
 */
int registry_catalog_create(const char *const *roots, size_t root_count,
			    struct registry_catalog **ret, struct error *err);
void registry_catalog_destroy(struct registry_catalog *catalog);
DEFINE_CLEANUP(struct registry_catalog, registry_catalog_destroy);

/** registry_catalog_count() - repositories, sorted by name */
size_t registry_catalog_count(const struct registry_catalog *catalog);
const char *registry_catalog_name(const struct registry_catalog *catalog,
				  size_t number);

/** registry_catalog_skipped() - layouts whose name no registry can have */
size_t registry_catalog_skipped(const struct registry_catalog *catalog);

/** registry_catalog_find() - the layout's directory; NULL when unknown */
const char *registry_catalog_find(const struct registry_catalog *catalog,
				  const char *name);
