/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_library: where an image's own dynamic loader would find a shared
 * library: DT_RPATH (without DT_RUNPATH) or DT_RUNPATH, "$ORIGIN" and "$LIB"
 * filled in, then the folders of ld.so.conf, then the usual ones.
 *
 * Not known here: LD_LIBRARY_PATH, what RPATH of the program says for a
 * library's libraries, hwcaps folders.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct hint_libraries; /* opaque */
struct index_file;

/** hint_libraries_create() - of an image; borrowed; 0 or -ENOMEM */
int hint_libraries_create(const struct index_file *index,
			  struct hint_libraries **ret);
void hint_libraries_destroy(struct hint_libraries *libraries);
DEFINE_CLEANUP(struct hint_libraries, hint_libraries_destroy);

/** hint_libraries_add_conf() - the folders that a part of ld.so.conf names;
 * "include" is not followed: call it for each part */
void hint_libraries_add_conf(struct hint_libraries *libraries, const char *text,
			     size_t size);

/**
 * hint_libraries_find() - a library that a file needs
 * @origin: directory of that file
 * @paths:  its DT_RUNPATH or DT_RPATH, ':' between folders; maybe empty
 *
 * Return: the inode of a regular file; 0: there is none.
 */
uint32_t hint_libraries_find(const struct hint_libraries *libraries,
			     uint32_t origin, const char *paths,
			     size_t paths_size, const char *name,
			     size_t name_size);
