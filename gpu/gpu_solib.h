/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_solib: the libraries of the host that have names of a list.
 *
 * Looked for, in this order: where a surrounding container put its own
 * (GPU_PLAN_LIBS); in /etc/ld.so.cache, which is read directly; in directories
 * that drivers are installed in without telling the dynamic linker, and those
 * that the site names.  Only what this machine's programs can load is kept.
 *
 * Threads: any.
 */
#include <stddef.h>

struct error;
struct gpu_host;
struct gpu_list;

struct gpu_solib {
	char *name; /* programs ask for it by this: "libcuda.so.1" */
	char *real; /* path without links, as this process opens it */
};

/* In order of preference; one name may be there several times. */
struct gpu_solib_set {
	struct gpu_solib *items;
	size_t count;
};

enum { GPU_SOLIB_MAX = 4096 };

/**
 * gpu_solib_find() - all that are there
 * @list: of what; only its libraries count
 * @dirs: of the site, NULL-ended; NULL: none
 * @ret:  started from `= { 0 }`; to gpu_solib_set_fini() even after a failure
 *
 * A cache that cannot be read is as good as none: then the directories where
 * libraries usually are are looked through.
 *
 * Return: 0, -EFBIG, -ENOMEM.
 */
int gpu_solib_find(const struct gpu_host *host, const struct gpu_list *list,
		   const char *const *dirs, struct gpu_solib_set *ret,
		   struct error *err);

void gpu_solib_set_fini(struct gpu_solib_set *set);

/**
 * gpu_solib_version() - the driver's version in a library's path
 * @real: "/usr/lib64/libcuda.so.550.54.14"
 *
 * Return: "550.54.14", within @real; NULL when what follows ".so." is not a
 * driver's version, which has a major number of three digits or more.
 */
const char *gpu_solib_version(const char *real);
