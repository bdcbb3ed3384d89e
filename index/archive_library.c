/* SPDX-License-Identifier: Apache-2.0 */
#include "index/archive_library.h"

static struct archive_library functions;

static const struct shared_library_symbol symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct archive_library, name) },
	ARCHIVE_LIBRARY_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct shared_library library = {
	.file = "libarchive.so.13",
	.package = "libarchive13",
	.symbols = symbols,
	.symbol_count = sizeof(symbols) / sizeof(symbols[0]),
	.table = &functions,
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

int archive_library_load(const struct archive_library **ret, struct error *err)
{
	int r = shared_library_load(&library, err);

	if (r == 0)
		*ret = &functions;
	return r;
}
