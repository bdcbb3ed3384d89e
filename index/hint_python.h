/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_python: the Pythons of an image, and where they look for modules.
 *
 * A Python is a folder like /usr/lib/python3.11 with the standard library; its
 * search path is that, lib-dynload, and the site-packages and dist-packages
 * that belong to it.  They are looked for in /usr/local, /usr and the folders
 * of /opt.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hint_module;
struct hint_module_rules;
struct hint_pythons; /* opaque */
struct index_file;

/** hint_pythons_create() - find those of an image; borrowed; 0 or -ENOMEM */
int hint_pythons_create(const struct index_file *index,
			struct hint_pythons **ret);
void hint_pythons_destroy(struct hint_pythons *pythons);
DEFINE_CLEANUP(struct hint_pythons, hint_pythons_destroy);

/** hint_pythons_count() - their numbers are 0 to count - 1 */
size_t hint_pythons_count(const struct hint_pythons *pythons);

/** hint_pythons_interpreter() - PREFIX/bin/pythonX.Y of one, 0: not there */
uint32_t hint_pythons_interpreter(const struct hint_pythons *pythons,
				  size_t number);

/** hint_pythons_of() - the one that a source's directory belongs to; the count
 * when there is none at all */
size_t hint_pythons_of(struct hint_pythons *pythons, uint32_t dir);

/** hint_pythons_root_of() - the first folder from @dir upwards that is no
 * package: it is searched for what a source there imports */
uint32_t hint_pythons_root_of(struct hint_pythons *pythons, uint32_t dir);

/** hint_pythons_rules() - by which one reads modules; valid as long as
 * @pythons */
const struct hint_module_rules *hint_pythons_rules(
	const struct hint_pythons *pythons, size_t number);

/** hint_pythons_root() - a directory of its search path, from 0; 0 behind the
 * last */
uint32_t hint_pythons_root(const struct hint_pythons *pythons, size_t number,
			   size_t position);

/**
 * hint_pythons_search() - a top-level module along the search path
 *
 * Each name is searched once.  Return: 0 with @ret all zero when it is not
 * there; -EFBIG, -ENOMEM.
 */
int hint_pythons_search(struct hint_pythons *pythons, size_t number,
			const char *name, size_t size, struct hint_module *ret);
