/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_library.h"

static struct squashfs_library functions;

static const struct shared_library_symbol symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct squashfs_library, name) },
	SQUASHFS_LIBRARY_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct shared_library library = {
	.file = "libsquashfs.so.1",
	.package = "libsquashfs1",
	.symbols = symbols,
	.symbol_count = sizeof(symbols) / sizeof(symbols[0]),
	.table = &functions,
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

int squashfs_library_load(const struct squashfs_library **ret,
			  struct error *err)
{
	int r = shared_library_load(&library, err);

	if (r == 0)
		*ret = &functions;
	return r;
}
