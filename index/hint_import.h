/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_import: the files that a Python reads for an import statement, or when
 * it starts.
 *
 * Absolute names are searched along its path (hint_python.h), then in the root
 * of the importing source, so that virtual environments and the folder of a
 * script need no special care.  Modules that are frozen into the interpreter
 * (3.11 and later) are read from no file.
 *
 * Threads: one at a time.
 */
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct hint_pythons;
struct index_file;

struct hint_importer {
	const struct index_file *index;
	struct hint_pythons *pythons;
	size_t python; /* number of the one that imports */
	uint32_t dir;  /* directory of the source; 0: a text from elsewhere */
};

/**
 * hint_import_resolve() - the files that an import statement reads
 * @import: a HINT_FACT_IMPORT
 * @ret:    uint32_t inodes appended: packages from the outermost in, the
 *          module, then those of the names that are modules; files that were
 *          read for the source itself are left out
 *
 * Return: 0, -EFBIG (@ret's limit), -ENOMEM.
 */
int hint_import_resolve(const struct hint_importer *importer,
			const char *import, size_t size, struct buffer *ret);

/** hint_import_if_whole() - the same for a name that may be no module's: then
 * nothing is appended */
int hint_import_if_whole(const struct hint_importer *importer, const char *name,
			 size_t size, struct buffer *ret);

/** hint_import_start() - the files that the interpreter reads before anything
 * else; as hint_import_resolve() */
int hint_import_start(const struct hint_importer *importer, struct buffer *ret);

/** hint_import_own_file() - what is read when the source in importer->dir that
 * is called @name (without ".py") is imported; 0: nothing known */
uint32_t hint_import_own_file(const struct hint_importer *importer,
			      const char *name, size_t size);
