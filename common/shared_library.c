/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock is held while the dynamic linker reads files: who comes meanwhile
 * needs the library and could do nothing else.
 */
#include "common/shared_library.h"

#include "common/error.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static int fill_table(const struct shared_library *library, void *handle,
		      struct error *err)
{
	for (size_t i = 0; i < library->symbol_count; i++) {
		const struct shared_library_symbol *symbol =
			&library->symbols[i];
		void *address = dlsym(handle, symbol->name);

		if (!address)
			return error_set(err, -ELIBACC,
					 "%s has no function %s; install a "
					 "newer package %s",
					 library->file, symbol->name,
					 library->package);
		/* POSIX, dlsym(): function pointers have this form too. */
		memcpy((char *)library->table + symbol->off, &address,
		       sizeof(address));
	}
	return 0;
}

static int load(const struct shared_library *library, struct error *err)
{
	void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
	const char *why;
	int r;

	if (!handle) {
		why = dlerror();
		return error_set(err, -ELIBACC,
				 "%s cannot be loaded: %s; install the package "
				 "%s",
				 library->file, why ? why : "no reason given",
				 library->package);
	}
	r = fill_table(library, handle, err);
	if (r < 0)
		dlclose(handle);
	return r;
}

int shared_library_load(struct shared_library *library, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&library->lock);
	if (!library->is_loaded)
		r = load(library, err);
	library->is_loaded = r == 0;
	pthread_mutex_unlock(&library->lock);
	return r;
}
