/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_module: which file a Python reads for a module in a given directory, by
 * the rules of importlib's FileFinder: a package before an extension module
 * before a source; and in place of a source the compiled file of that version
 * in __pycache__, where there is one.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_file;

/* Of one version of Python. */
struct hint_module_rules {
	unsigned minor;	 /* 3.minor */
	char suffix[64]; /* ".cpython-311-x86_64-linux-gnu.so"; "": unknown */
};

struct hint_module {
	uint32_t file; /* what is read; 0: a folder without __init__ */
	uint32_t dir;  /* of a package; 0: it has no modules below */
};

/** hint_module_find() - false: there is none of that name */
bool hint_module_find(const struct index_file *index,
		      const struct hint_module_rules *rules, uint32_t dir,
		      const char *name, size_t size, struct hint_module *ret);

/** hint_module_find_compiled() - the compiled file of a source in @dir; 0:
 * there is none */
uint32_t hint_module_find_compiled(const struct index_file *index,
				   const struct hint_module_rules *rules,
				   uint32_t dir, const char *name, size_t size);
